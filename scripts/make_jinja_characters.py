#!/usr/bin/env python3
"""Writes src/jinja/generated/character_tables.cpp: what Python's str methods know about every code point.

Usage: scripts/make_jinja_characters.py > src/jinja/generated/character_tables.cpp

Chat templates are written for Python, so the tables come from the interpreter itself: each property is asked of
every code point. The Unicode version is the interpreter's and stands in the file.
"""

import sys
import textwrap
import unicodedata

PROPERTIES = [
    ("alpha", str.isalpha),
    ("decimal", str.isdecimal),
    ("digit", str.isdigit),
    ("numeric", str.isnumeric),
    ("upper", str.isupper),
    ("lower", str.islower),
    ("title", lambda c: unicodedata.category(c) == "Lt"),
    ("printable", str.isprintable),
    ("case_ignorable", lambda c: is_case_ignorable(c)),
]


def is_cased(c):
    return c.isupper() or c.islower() or unicodedata.category(c) == "Lt"


def is_case_ignorable(c):
    # A final sigma looks through case-ignorable characters for the next letter, which tells them apart.
    return not is_cased(c) and ("aΣ" + c + "b").lower()[1] == "σ"


def code_points():
    return (c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF)


def property_rows():
    rows = []
    for code in range(0x110000):
        c = chr(code)
        bits = 0
        if not 0xD800 <= code <= 0xDFFF:
            for index, (_, has) in enumerate(PROPERTIES):
                bits |= bool(has(c)) << index
        if rows and rows[-1][2] == bits:
            rows[-1][1] = code
        else:
            rows.append([code, code, bits])
    return [row for row in rows if row[2] != 0]


def case_rows(convert, fallback):
    """Runs of single-character mappings that keep one distance, and the rest one by one."""
    runs, specials = [], []
    for code in code_points():
        c = chr(code)
        to = convert(c)
        if to == fallback(c):
            continue
        if len(to) != 1:
            specials.append((code, [ord(x) for x in to]))
            continue
        delta = ord(to) - code
        if runs and runs[-1][3] == delta:
            first, last, step, _ = runs[-1]
            if (first == last and code - last in (1, 2)) or (first != last and code - last == step):
                runs[-1][1], runs[-1][2] = code, code - last
                continue
        runs.append([code, code, 1, delta])
    return runs, specials


def print_table(kind, name, rows):
    print(f"constexpr {kind} {name}Rows[] = {{")
    text = ", ".join("{" + ",".join(row) + "}" for row in rows)
    print(textwrap.fill(text, 110, initial_indent="    ", subsequent_indent="    "))
    print(f"}};\nconstinit const std::span<const {kind}> {name} = {name}Rows;\n")


def print_case(name, runs, specials):
    print_table("CaseRun", f"k{name}Runs", [[hex(a), hex(b), str(step), str(delta)] for a, b, step, delta in runs])
    padded = [(code, to + [0] * (3 - len(to))) for code, to in specials]
    print_table("CaseSpecial", f"k{name}Specials", [[hex(c), "{" + ", ".join(map(hex, to)) + "}"] for c, to in padded])


def main():
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"// Made by scripts/make_jinja_characters.py with Python {version}, Unicode {unicodedata.unidata_version}.")
    print('#include "jinja/generated/character_tables.h"\n')
    print("namespace sparrow::jinja {\n")
    properties = property_rows()
    runs = {
        "Upper": case_rows(str.upper, lambda c: c),
        "Lower": case_rows(str.lower, lambda c: c),
        "Title": case_rows(str.title, str.upper),
        "Fold": case_rows(str.casefold, str.lower),
    }
    print_table("PropertyRange", "kPropertyRanges", [[hex(a), hex(b), str(bits)] for a, b, bits in properties])
    for name, (case_runs, specials) in runs.items():
        print_case(name, case_runs, specials)
    print("}  // namespace sparrow::jinja")


main()
