#!/usr/bin/env python3
"""Writes tests/golden/jinja/expressions.json: what Hugging Face's Jinja environment makes of many small templates.

    scripts/make_goldens_jinja.py [OUT.json]

Needs transformers and jinja2. The templates stand in tests/golden/jinja/expressions.txt, one a line (\\n in a line is a
newline, \\\\ a backslash); a line that begins with # is a comment. Each is rendered with the same variables.
"""
import json
import os
import sys

import jinja2
import transformers
from transformers.utils.chat_template_utils import _compile_jinja_template

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden", "jinja")

VARIABLES = {
    "s": "Hello, World",
    "empty": "",
    "u": "Grüße 世界 🎉",
    "greek": "ΑΣ ΟΔΥΣΣΕΥΣ Σ",
    "ws": "  \t padded\u3000 \n",
    "n": 7,
    "neg": -3,
    "z": 0,
    "f": 2.5,
    "big": 12345678901234567890,
    "tiny": 1e-7,
    "huge": 1e22,
    "t": True,
    "fa": False,
    "nil": None,
    "l": [3, 1, 2],
    "words": ["banana", "Apple", "cherry", "apple"],
    "nested": [[1, 2], [3, [4, 5]]],
    "d": {"a": 1, "b": {"c": [1, 2, 3]}, "items": "shadow", "k-1": "v", "Z": None},
    "users": [
        {"name": "Bob", "age": 30, "tags": ["x", "y"], "city": "Rome"},
        {"name": "alice", "age": 25, "tags": [], "city": "Paris"},
        {"name": "Carol", "age": 30, "tags": ["x"], "city": "rome", "admin": True},
    ],
    "lines": "one\ntwo\r\nthree\n\nfive",
    "html": "<b>\"x\" & 'y'</b>",
    "mixed": [1, 2.5, "x", None, True, [], {}, [1, "a"], {"k": "v"}],
    "control": "a\u0000b\u001f\u007f\u0085é\u2028\U0001f600\\\"/",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1}}}]},
    ],
}


def read_templates(path):
    with open(path, encoding="utf-8") as file:
        for line in file.read().split("\n"):
            if line and not line.startswith("#"):
                yield line.replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\")


def render(source):
    try:
        return {"text": _compile_jinja_template(source).render(**VARIABLES)}
    except Exception as error:  # whatever it is, ours has to refuse as well
        return {"error": f"{type(error).__name__}: {error}"[:120]}


def main():
    cases = []
    for source in read_templates(os.path.join(FOLDER, "expressions.txt")):
        cases.append({"template": source, **render(source)})
    golden = {
        "made_by": "scripts/make_goldens_jinja.py",
        "versions": {"transformers": transformers.__version__, "jinja2": jinja2.__version__,
                     "python": sys.version.split()[0]},
        "variables": VARIABLES,
        "cases": cases,
    }
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(FOLDER, "expressions.json")
    with open(out, "w", encoding="utf-8") as file:
        # One case a line, so that a change shows as one.
        head = {key: golden[key] for key in ("made_by", "versions", "variables")}
        file.write(json.dumps(head, ensure_ascii=True)[:-1] + ', "cases": [\n')
        file.write(",\n".join(json.dumps(case, ensure_ascii=True) for case in cases))
        file.write("\n]}\n")
    errors = sum("error" in case for case in cases)
    print(f"{len(cases)} templates, {errors} of them refused")


main()
