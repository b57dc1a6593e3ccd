"""Runs llama-bench and llama-batched-bench, which llama.cpp and its fork ik_llama.cpp share, for one
line of sparrow's bench JSON: tests, load_seconds and peak_memory_bytes."""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile


def arguments(doc):
    """What every peer of this folder takes, and --bin."""
    parser = argparse.ArgumentParser(description=doc,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=os.path.abspath)
    parser.add_argument("--bin", required=True, type=os.path.abspath, help="the folder of llama-bench")
    parser.add_argument("-p", type=int, default=0, help="length of a prompt to read")
    parser.add_argument("-n", type=int, default=0, help="tokens to generate, for each sequence")
    parser.add_argument("-d", type=int, default=0, help="tokens in the cache before")
    parser.add_argument("-b", type=int, default=1, help="sequences that generate together")
    parser.add_argument("-t", type=int, default=2, help="threads")
    return parser


class Output:
    def __init__(self, stdout, stderr, peak_bytes):
        self.stdout, self.stderr, self.peak_bytes = stdout, stderr, peak_bytes


def run(words):
    """Ends this program with the other's last words if it fails. Some leave a log where they run."""
    with (tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err,
          tempfile.TemporaryDirectory() as folder):
        child = subprocess.Popen(words, stdout=out, stderr=err, cwd=folder)
        _, status, usage = os.wait4(child.pid, 0)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    if status != 0:
        sys.exit(f"{' '.join(words)}: status {status}: {texts[1][-600:]}")
    return Output(*texts, usage.ru_maxrss * 1024)


def load_seconds(args, flags):
    """What the program itself says of a run that reads one token. That run is extra: its log, which
    holds the figure, would slow others down."""
    output = run([os.path.join(args.bin, "llama-bench"), "-m", args.model, "-t", str(args.t), "-p",
                  "1", "-n", "0", "-r", "1", "-v", "-o", "json", *flags])
    return float(re.search(r"load time\s*=\s*([\d.]+) ms", output.stderr)[1]) / 1000


def llama_bench(args, test_flags, flags):
    """Its rows, one for each test, and the peak."""
    output = run([os.path.join(args.bin, "llama-bench"), "-m", args.model, "-t", str(args.t), "-r",
                  "1", "-o", "json", *test_flags, *flags])
    return json.loads(output.stdout[output.stdout.index("["):]), output.peak_bytes


def batched_rate(args, flags):
    """Tokens a second of args.b sequences together, after a prompt of 16 tokens that they share."""
    context = 16 + args.b * (args.n + 1)
    output = run([os.path.join(args.bin, "llama-batched-bench"), "-m", args.model, "-t",
                  str(args.t), "-c", str((context + 255) // 256 * 256), "-npp", "16", "-ntg",
                  str(args.n), "-npl", str(args.b), "-pps", *flags])
    # Columns: PP, TG, B, N_KV, T_PP, S_PP, T_TG, S_TG, …
    for line in (output.stdout + output.stderr).splitlines():  # ik_llama.cpp logs it
        cells = [cell.strip() for cell in line.split("|")[1:]]
        if len(cells) > 7 and cells[0] == "16":
            return float(cells[7])
    sys.exit(f"llama-batched-bench printed no rate: {output.stderr[-600:]}")


def row(rate, n_prompt=0, n_gen=0, depth=0, batch=1):
    return {"n_prompt": n_prompt, "n_gen": n_gen, "depth": depth, "batch": batch,
            "tokens_per_second": rate}


def print_report(tests, load_s, peak_bytes):
    print(json.dumps({"tests": tests, "load_seconds": load_s, "peak_memory_bytes": peak_bytes}))
