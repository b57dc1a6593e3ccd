#!/usr/bin/env python3
"""ik_llama.cpp, built natively, as the other program of `sparrow bench --compare`.

    ik_llama_cpp.py MODEL.gguf --bin FOLDER -p 512 -n 64 [-d 4096] [-b 16] [-t 2] [--repack]

--repack is its other setting: weights repacked at load, in huge pages (-rtr, -thp, and glibc told
to ask for huge pages). Which of the two is faster depends on the format and the test.
"""
import os
import sys

from llama_tools import arguments, batched_rate, llama_bench, load_seconds, print_report, row


def main():
    parser = arguments(__doc__)
    parser.add_argument("--repack", action="store_true")
    args = parser.parse_args()
    if args.p > 0 and args.d > 0:
        sys.exit("ik_llama.cpp's llama-bench reads no prompt at depth")
    if args.repack:
        os.environ["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
    if args.b > 1:
        flags = ["-rtr", "-thp"] if args.repack else []
        return print_report([row(batched_rate(args, flags), n_gen=args.n, batch=args.b)], 0, 0)
    flags = ["-rtr", "1", "-thp", "1"] if args.repack else []
    if args.d > 0:
        tests = ["-p", "0", "-n", "0", "-gp", f"{args.d},{args.n}"]
    else:
        tests = ["-p", str(args.p), "-n", str(args.n)]
    rows, peak = llama_bench(args, tests, flags)
    if args.d > 0:
        found = [row(r["avg_ts"], n_gen=args.n, depth=args.d) for r in rows]
    else:
        found = [row(r["avg_ts"], r["n_prompt"], r["n_gen"]) for r in rows]
    print_report(found, load_seconds(args, flags), peak)


if __name__ == "__main__":
    main()
