#!/usr/bin/env python3
"""Checks an executed demo notebook: every cell ran, the answer is right, pictures are there.

    check_demo.py NOTEBOOK.ipynb [PAGE.html]
"""
import json
import re
import sys

# The demo asks for the colour of testdata/shapes/red-triangle.png.
ANSWER = re.compile(r"what color is the triangle\?\n\s*red\s+(\d+\.\d+) ?%")


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
    answer = ANSWER.search("\n".join(texts))
    if not answer:
        problems.append("the question with its answer is not among the outputs")
    elif float(answer[1]) < 50:
        problems.append(f"the answer has a probability of only {answer[1]} %")
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
    print(f"{len(code)} code cells, {pictures} outputs with pictures, the answer is {answer and answer[0].split()[-3:]}")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
