#!/usr/bin/env python3
"""One line of docs/performance.md's table a peer: sparrow and another program on one file, in turns.

    bench/peers/compare.py MODEL.gguf [MODEL.gguf …] --sparrow build/sparrow -t 2 -r 3 \\
        --peer "llama.cpp npm = node bench/peers/node_llama_cpp.mjs --modules FOLDER" \\
        --peer "llama.cpp = python3 bench/peers/llama_cpp.py --bin FOLDER" \\
        --peer "ik_llama.cpp = python3 bench/peers/ik_llama_cpp.py --bin FOLDER" \\
        --peer "ik_llama.cpp -rtr = python3 bench/peers/ik_llama_cpp.py --bin FOLDER --repack"

Each peer is a command that takes `MODEL -p N -n N -d N -b N -t N` and prints what
`sparrow bench --compare` reads. The tests run as four such benches, each in rounds of sparrow, peer,
sparrow, peer …, and the machine is probed at the end of each: nothing else may run meanwhile.
Loading is each program's own figure: what a peer maps and reads later, when it first needs it, is
not in it. A cell shows the medians `sparrow / peer = ratio` (for loading and memory the ratio is the peer's
over sparrow's: more than 1 is always better for sparrow), and in brackets sparrow's share of what
the probe says. A last line has the better peer of each test. --log keeps the benches' JSON.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

BENCHES = {"short": ["-p", "512", "-n", "64"], "long": ["-p", "4096", "-n", "0"],
           "depth": ["-p", "0", "-n", "64", "-d", "4096"],
           "batch": ["-p", "0", "-n", "32", "-b", "16"]}
# Column, bench, n_prompt of the test in it, or the key of the bench's own figure
TESTS = [("prefill 512", "short", 512), ("prefill 4096", "long", 4096), ("decode", "short", 0),
         ("decode at 4096", "depth", 0), ("16 together", "batch", 0)]
SINGLE = [("load, s", "load_seconds", 1), ("peak memory, GB", "peak_memory_bytes", 1e9)]


def run_bench(args, model, peer, flags):
    flags = [*flags, "-t", str(args.threads)]
    command = [args.sparrow, "bench", model, *flags, "-r", str(args.repetitions), "--json",
               *args.sparrow_flags.split(), "--compare", " ".join([peer, f"'{model}'", *flags])]
    print(" ".join(command), file=sys.stderr, flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode != 0:
        print(done.stderr.strip()[-600:], file=sys.stderr)
        return None
    report = json.loads(done.stdout)
    if args.log:
        with open(args.log, "a", encoding="utf-8") as log:
            log.write(json.dumps({"command": command, "report": report}) + "\n")
    return report


def figures(reports):
    """{column: (sparrow's, the peer's, ratio, share of the limit or none)}"""
    found = {}
    for column, bench, n_prompt in TESTS:
        for test in reports.get(bench, {}).get("tests", []):
            if test["n_prompt"] == n_prompt and "other_tokens_per_second" in test:
                found[column] = (test["tokens_per_second"], test["other_tokens_per_second"],
                                 test["ratio"], test["share_of_limit"])
    short = reports.get("short", {})
    for column, key, unit in SINGLE:
        # Loading is measured once a bench: all of them count. Memory is the short test's.
        ours = statistics.median(report[key] for report in reports.values()) if unit == 1 else \
            short.get(key)
        theirs = short.get("other_" + key)
        if ours and theirs:
            found[column] = (ours / unit, theirs / unit, theirs / ours, None)
    return found


def rounded(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def cell(figure):
    if figure is None:
        return "–"
    ours, theirs, ratio, share = figure
    bracket = f" ({100 * share:.0f} %)" if share is not None else ""
    return f"{rounded(ours)} / {rounded(theirs)} = {ratio:.2f}×{bracket}"


def probe(reports):
    tests = [test for report in reports.values() for test in report["tests"]]
    spans = []
    for key, unit in (("products_per_second", "G products/s"), ("read_bytes_per_second", "GB/s")):
        values = [test[key] / 1e9 for test in tests]
        spans.append(f"{min(values):.0f}–{max(values):.0f} {unit}")
    return ", ".join(spans)


def compare(args, model, peers):
    columns = [column for column, *_ in TESTS + SINGLE]
    print(f"| {os.path.basename(model)} | " + " | ".join(columns) + " | probe |")
    print("|---" * (len(columns) + 2) + "|", flush=True)
    best = {}
    for name, command in peers:
        reports = {}
        for bench in args.benches:
            report = run_bench(args, model, command, BENCHES[bench])
            if report:
                reports[bench] = report
        if not reports:
            print(f"| {name} | " + "– | " * (len(columns) + 1))
            continue
        found = figures(reports)
        for column, figure in found.items():
            if column not in best or figure[2] < best[column][2]:
                best[column] = figure
        cells = [cell(found.get(column)) for column in columns]
        print(f"| {name} | " + " | ".join(cells) + f" | {probe(reports)} |", flush=True)
    if len(peers) > 1:
        cells = [f"{best[column][2]:.2f}×" if column in best else "–" for column in columns]
        print("| the better peer | " + " | ".join(cells) + " | |")
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--sparrow", default="build/sparrow")
    parser.add_argument("--peer", action="append", required=True, metavar="'NAME = COMMAND'")
    parser.add_argument("--sparrow-flags", default="", metavar="FLAGS", help="as '--kv-type bf16'")
    parser.add_argument("--benches", nargs="+", choices=BENCHES, default=list(BENCHES))
    parser.add_argument("-t", "--threads", type=int, default=2)
    parser.add_argument("-r", "--repetitions", type=int, default=3)
    parser.add_argument("--log", metavar="FILE")
    args = parser.parse_args()
    peers = []
    for peer in args.peer:
        name, is_pair, command = peer.partition("=")
        if not is_pair:
            parser.error(f"--peer must be 'NAME = COMMAND', got '{peer}'")
        peers.append((name.strip(), command.strip()))
    for model in args.models:
        compare(args, model, peers)


if __name__ == "__main__":
    main()
