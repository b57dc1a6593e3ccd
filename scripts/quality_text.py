#!/usr/bin/env python3
"""Makes the mixed text that scripts/compare_quality.py measures on: about 70 kB, 17,500 tokens of Qwen.

    scripts/quality_text.py > text.txt

In turns: English prose and technical English, code (Python and C++), Chinese prose, and prose in
thirteen other languages with one passage of symbols. What is in scripts/quality_text/ was written
for this; technical English and Python come from Python's own library, C++ from this repository. So
the text changes a little with their versions: figures are compared on the same text, which the
SHA-256 that compare_quality.py prints tells.
"""
import importlib.util
import pathlib
import pydoc_data.topics

FOLDER = pathlib.Path(__file__).resolve().parent
CPP = ["text/byte_level_bpe.cpp", "base/utf8.cpp", "jinja/lexer.cpp", "engine/scheduler.cpp",
       "sampling/chain.cpp", "text/nfc.cpp", "base/json.cpp"]
PYTHON = ["heapq", "textwrap", "bisect", "statistics", "fractions", "shlex", "csv"]
TOPICS = ["objects", "exceptions", "naming", "specialnames", "import", "debugger", "formatstrings"]
SLICE = 2500  # characters


def some_lines(text, start):
    """Whole lines from near `start` (a share of the text), SLICE characters or so."""
    at = text.rfind("\n", 0, max(0, min(int(len(text) * start), len(text) - SLICE))) + 1
    return text[at:text.rfind("\n", at, at + SLICE) + 1]


def module_source(name):
    return pathlib.Path(importlib.util.find_spec(name).origin).read_text(encoding="utf-8")


def paragraphs(name):
    return (FOLDER / "quality_text" / name).read_text(encoding="utf-8").strip().split("\n\n")


def mixed_text():
    code = []
    for cpp, python in zip(CPP, PYTHON):
        source = (FOLDER.parent / "src" / cpp).read_text(encoding="utf-8")
        code += [some_lines(source, 0.3), some_lines(module_source(python), 0.5)]
    english = []
    for story, topic in zip(paragraphs("english.txt"), TOPICS):
        english += [story + "\n", some_lines(pydoc_data.topics.topics[topic], 0.2)]
    kinds = zip(english, code, paragraphs("chinese.txt"), paragraphs("scripts.txt"))
    return "\n".join(part.rstrip("\n") + "\n" for parts in kinds for part in parts)


if __name__ == "__main__":
    print(mixed_text(), end="")
