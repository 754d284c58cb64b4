"""Lets papermill set parameters in notebooks written in Go.

papermill can write parameters in a language only if a translator for it is
registered. Installing this package is enough (pip install kernel/notebook/papermill):
papermill imports it through an entry point, and importing it registers the translator.

Names are assigned, not declared, so that they keep the type that the cell tagged
"parameters" gave them; every parameter must be declared there. `govle run -p` needs
no Python and declares those that are not.
"""
import json
import math
import re

from papermill.engines import NBClientEngine
from papermill.models import Parameter
from papermill.translators import Translator, papermill_translators


class GoTranslator(Translator):
    """Writes parameters as Go."""

    @classmethod
    def translate(cls, val):
        if val is None:
            return "nil"
        if isinstance(val, bool):
            return "true" if val else "false"
        if isinstance(val, (list, tuple)):
            items = list(val)
            return f"[]{cls.common(items)}{{{', '.join(map(cls.translate, items))}}}"
        if isinstance(val, dict):
            pairs = ", ".join(f"{cls.translate(str(k))}: {cls.translate(v)}" for k, v in val.items())
            return f"map[string]{cls.common(val.values())}{{{pairs}}}"
        if isinstance(val, float):
            if not math.isfinite(val):
                raise ValueError(f"{val} has no literal in Go")
            return repr(val)
        if isinstance(val, int):
            return repr(val)
        return json.dumps(str(val), ensure_ascii=False)

    @classmethod
    def common(cls, values):
        """The Go type that holds all the values."""
        kinds = {cls.kind(v) for v in values}
        if kinds <= {"int", "float64"} and "float64" in kinds:
            return "float64"
        return kinds.pop() if len(kinds) == 1 else "any"

    @classmethod
    def kind(cls, val):
        for python, go in ((bool, "bool"), (int, "int"), (float, "float64"), (str, "string")):
            if isinstance(val, python):
                return go
        if isinstance(val, (list, tuple)):
            return "[]" + cls.common(list(val))
        if isinstance(val, dict):
            return "map[string]" + cls.common(val.values())
        return "any"

    @classmethod
    def comment(cls, cmt_str):
        return f"// {cmt_str}".strip()

    @classmethod
    def assign(cls, name, str_val):
        return f"{name} = {str_val}"

    # One declaration a line, as parameters are written: k := 3 // how many
    DECLARATION = re.compile(
        r"^(?:(?:var|const)\s+)?(?P<name>\w+)(?:\s+(?P<type>[\w.\[\]*]+))?\s*:?=\s*(?P<value>.*?)\s*(?://\s*(?P<help>.*))?$")

    @classmethod
    def inspect(cls, parameters_cell):
        """The parameters that the tagged cell declares, for papermill's --help-notebook."""
        found = []
        for line in parameters_cell.source.splitlines():
            m = cls.DECLARATION.match(line.strip())
            if m and not line.lstrip().startswith("//"):
                found.append(Parameter(m["name"], m["type"] or "None", m["value"], m["help"] or ""))
        return found


papermill_translators.register("go", GoTranslator)


class Engine(NBClientEngine):
    """papermill's own engine; its entry point is why papermill imports this module."""
