#!/usr/bin/env bash
# Tries the kernel with the tools around Jupyter: papermill with parameters,
# nbconvert, jupytext there and back.
#
#   tools.sh VENV/bin WORK-FOLDER
set -euo pipefail
bin=$1
work=$2
cd "$(dirname "$0")/../.."
govle=$PWD/bin/govle
rm -rf "$work"
mkdir -p "$work"
cp kernel/notebook/testdata/first.ipynb "$work/"
cd "$work"

# holds FILE TEXT: the file must hold the text.
holds() { grep -qF -- "$2" "$1" || { echo "FAIL $1 does not hold: $2"; exit 1; }; }

"$bin/papermill" --no-progress-bar --log-level WARNING first.ipynb papermill.ipynb -p count 2 -p name 'Gräce "H"'
holds papermill.ipynb '0 Gräce \"H\"\n'
holds papermill.ipynb '"image/png"'
echo "ok   papermill sets parameters"

"$bin/jupyter" nbconvert --log-level WARN --execute --to html first.ipynb --output executed.html
holds executed.html '2 Ada'
"$bin/jupyter" nbconvert --log-level WARN --to markdown papermill.ipynb --output papermill.md
holds papermill.md '```go'
echo "ok   nbconvert executes and converts"

for format in go:percent go:light md; do
  "$bin/jupytext" --quiet --to "$format" first.ipynb -o "text.${format%%:*}"
  "$bin/jupytext" --quiet --to ipynb "text.${format%%:*}" -o back.ipynb
  "$bin/jupytext" --quiet --test --to "$format" first.ipynb
  "$govle" run back.ipynb -q -o back.ipynb
  holds back.ipynb '2 Ada\n'
done
echo "ok   jupytext there and back in three formats, run by govle"
"$govle" run first.ipynb -q --no-timing -o one.ipynb
"$govle" run one.ipynb -q --no-timing -o two.ipynb
cmp one.ipynb two.ipynb
"$bin/python" - <<'PY'
import nbformat
text = open("one.ipynb", encoding="utf8").read()
nb = nbformat.reads(text, 4)
nbformat.validate(nb)
assert nbformat.writes(nb) + "\n" == text, "nbformat would write other bytes"
PY
echo "ok   what govle writes is what Jupyter would write"
