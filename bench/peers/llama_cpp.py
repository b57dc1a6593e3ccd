#!/usr/bin/env python3
"""llama.cpp, built natively, as the other program of `sparrow bench --compare`.

    llama_cpp.py MODEL.gguf --bin FOLDER -p 512 -n 64 [-d 4096] [-b 16] [-t 2]
"""
from llama_tools import arguments, batched_rate, llama_bench, load_seconds, print_report, row


def main():
    args = arguments(__doc__).parse_args()
    if args.b > 1:
        return print_report([row(batched_rate(args, []), n_gen=args.n, batch=args.b)], 0, 0)
    # Its warm-up reads the whole prompt, which a long one does not need.
    flags = ["--no-warmup"] if args.p + args.d > 2048 else []
    rows, peak = llama_bench(args, ["-p", str(args.p), "-n", str(args.n), "-d", str(args.d)], flags)
    tests = [row(r["avg_ts"], r["n_prompt"], r["n_gen"], r["n_depth"]) for r in rows]
    print_report(tests, load_seconds(args, []), peak)


if __name__ == "__main__":
    main()
