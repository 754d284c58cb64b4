#!/usr/bin/env python3
"""Checks an executed demo notebook: every cell ran, the answer is right, pictures are there.

    check_demo.py NOTEBOOK.ipynb [PAGE.html]
"""
import json
import re
import sys

ANSWER = re.compile(r"\bteal\b")  # the demo asks about testdata/shapes/teal-circle.png


def main():
    nb = json.load(open(sys.argv[1], encoding="utf8"))
    code = [c for c in nb["cells"] if c["cell_type"] == "code" and "".join(c["source"]).strip()]
    problems = []
    texts, pictures = [], 0
    for i, c in enumerate(code, 1):
        if not c["execution_count"]:
            problems.append(f"code cell {i} was not run")
        for o in c["outputs"]:
            if o["output_type"] == "error":
                problems.append(f"code cell {i}: {o['ename']}: {o['evalue']}")
            data = o.get("data", {})
            texts.append("".join(o.get("text", [])) + "".join(data.get("text/plain", [])))
            pictures += any(m.startswith("image/") for m in data)
    if not ANSWER.search("\n".join(texts)):
        problems.append("the answer is not among the outputs")
    if not re.search(r"\d\d\.\d+ ?%", "\n".join(texts)):
        problems.append("no probability is among the outputs")
    if pictures == 0:
        problems.append("no output holds a picture")
    if len(sys.argv) > 2:
        page = open(sys.argv[2], encoding="utf8").read()
        if page.count("src=\"data:image/") == 0:
            problems.append("the page holds no picture")
        if re.search(r"(src|href)=\"https?://[^\"]*\.(js|css|png|svg)\"", page):
            problems.append("the page needs the network")
    for p in problems:
        print("FAIL", p)
    print(f"{len(code)} code cells, {pictures} outputs with pictures")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
