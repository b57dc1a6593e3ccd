#!/usr/bin/env python3
"""Compares what a model says under two sets of sparrow's options; by default the fast path against f32.

    scripts/compare_quality.py MODEL.gguf [MODEL.gguf …]
    scripts/compare_quality.py MODEL.gguf --llama-perplexity PATH [--check-base]
    scripts/compare_quality.py MODEL.gguf --base "--kv-type f16 --activations auto" \\
        --test "--kv-type bf16 --activations auto" --max-perplexity-change 0.1

Mixed text (quality_text.txt: stories, documentation, C++, Python, Chinese, other scripts, written
for sparrow; or --text FILE) is cut into windows of 512 tokens, each read from an empty cache. Over all positions: the KL divergence of the test's
distribution from the base's (mean and 99.9th percentile, in nats), how often both find the same
token most likely, and the perplexity of both over the text. --base and --test are flags of
`sparrow logits`; words NAME=VALUE in front set the environment (SPARROW_ISA=scalar).

The exit code is 0 if each figure is within its limit or, where llama.cpp is measured too, at most
half of llama.cpp's.

--llama-perplexity PATH measures llama.cpp's default path on the same file and the same tokens with
its own program. It has no f32 path for a quantized file, so its base is ours: the base's logits are
written in the format of --kl-divergence-base (16 bits a log-probability, in steps of at most
0.00025; the second half of each window), and it computes its figures itself. Ours are shown
for those positions beside it. --check-base shows that this base favours nobody: the file is written
once more with every weight as F32 (dequantized by the gguf package, so it needs 4 bytes a weight of
disk), llama.cpp runs it with an f32 cache, and must be as near to the base as rounding allows
(mean below 0.00005).

Needs numpy, and gguf for --check-base; 33 windows of a 152,000-token vocabulary take 0.7 GB of disk,
with llama.cpp 3.3 GB.
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

import numpy as np

ROWS = 32  # computed together in f64


def run(command, **options):
    done = subprocess.run(command, capture_output=True, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command[:3])} …: {done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout.decode(errors="replace")


def token_windows(args, model):
    text = pathlib.Path(args.text).read_bytes()

    def ids(flags, data):
        return json.loads(run([args.sparrow, "tokenize", model, "--json", *flags], input=data))["ids"]

    tokens, begin = ids([], text), ids(["--bos"], b"")
    count = min(args.windows, len(tokens) // args.length)
    if count < args.windows:
        print(f"       the text is enough for {count} windows of {args.length} tokens only")
    windows = np.array(tokens[:count * args.length], dtype=np.int32).reshape(count, args.length)
    if begin:
        windows[:, 0] = begin[0]  # what llama-perplexity does too
    print(f"{os.path.basename(model)}: {windows.size} tokens of a text with SHA-256 "
          f"{hashlib.sha256(text).hexdigest()[:16]}", flush=True)
    return windows


def logits(args, model, window, flags, path):
    """[tokens, vocabulary], f32, on disk."""
    words = flags.split()
    settings = [word for word in words if re.match(r"[A-Z_]+=", word)]
    flags = [word for word in words if word not in settings]
    environment = os.environ | dict(word.split("=", 1) for word in settings)
    run([args.sparrow, "logits", model, "--ids", ",".join(map(str, window)), "-o", path,
         "--chunk", str(len(window)), "--threads", str(args.threads), *flags], env=environment)
    return np.load(path, mmap_mode="r")


def log_softmax(rows):
    rows = rows.astype(np.float64)
    rows -= rows.max(axis=1, keepdims=True)
    return rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))


class BaseFile:
    """The base for `llama-perplexity --kl-divergence-base`: for each position in a window's second
    half but its last, a scale and an offset in f32, and a 16-bit number a token."""

    def __init__(self, path, windows, vocabulary_size):
        self.file = open(path, "wb")
        self.file.write(b"_logits_" + struct.pack("<Iii", windows.shape[1], vocabulary_size,
                                                  len(windows)) + windows.tobytes())

    def write(self, log_probabilities):
        for row in log_probabilities:
            highest = row.max()
            lowest = max(row.min(), highest - 16)
            scale = (highest - lowest) / 65535
            codes = np.zeros((len(row) + 1) // 2 * 2, dtype="<u2")
            codes[:len(row)] = np.rint(np.maximum(row - lowest, 0) / (scale or 1))
            self.file.write(struct.pack("<ff", scale, lowest) + codes.tobytes())


class Figures:
    """What is known of each position."""

    def __init__(self):
        self.divergence, self.agrees, self.surprise = [], [], [[], []]

    def add(self, base, test, following):
        """Log-probabilities [rows, vocabulary]; the text's next tokens, one fewer at its end."""
        self.divergence.extend((np.exp(base) * (base - test)).sum(axis=1))
        self.agrees.extend(base.argmax(axis=1) == test.argmax(axis=1))
        for kept, rows in zip(self.surprise, (base, test)):
            kept.extend(-rows[np.arange(len(following)), following])

    def summary(self):
        perplexities = [float(np.exp(np.mean(kept))) for kept in self.surprise]
        return {"positions": len(self.divergence), "mean": float(np.mean(self.divergence)),
                "p99.9": float(np.quantile(self.divergence, 0.999)),
                "differs": 100 * (1 - float(np.mean(self.agrees))), "base": perplexities[0],
                "test": perplexities[1]}


def measure(args, model, windows, folder, base_path):
    """Figures over all positions, and over those that llama-perplexity looks at."""
    everywhere, shared, base_file = Figures(), Figures(), None
    middle, length = windows.shape[1] // 2, windows.shape[1]
    for number, window in enumerate(windows):
        base, test = (logits(args, model, window, flags, os.path.join(folder, name))
                      for name, flags in (("base.npy", args.base), ("test.npy", args.test)))
        if base_path and base_file is None:
            base_file = BaseFile(base_path, windows, base.shape[1])
        for first in range(0, length, ROWS):
            rows = [log_softmax(part[first:first + ROWS]) for part in (base, test)]
            following = window[first + 1:first + ROWS + 1]
            everywhere.add(*rows, following)
            begin, end = max(middle - first, 0), min(length - 1 - first, ROWS)
            if begin < end:
                rows = [part[begin:end] for part in rows]
                shared.add(*rows, following[begin:end])
                if base_file:
                    base_file.write(rows[0])
        if sys.stderr.isatty():
            print(f"\rwindow {number + 1} of {len(windows)}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r" + " " * 30 + "\r", end="", file=sys.stderr)
    if base_file:
        base_file.file.close()
    return everywhere.summary(), shared.summary()


def llama_figures(args, model, base_path, shared, flags):
    """`shared`: our figures of the positions in the file. Its perplexity of the base is taken from
    them: llama.cpp's own is of the file, which says nothing below e^-16 of the likeliest token."""
    command = [args.llama_perplexity, "-m", model, "--kl-divergence", "--kl-divergence-base",
               base_path, "-c", str(args.length), *flags]
    output = run(command + (["-t", str(args.threads)] if args.threads else []))

    def number(label):
        found = re.search(label + r"\s*:\s*([-\d.]+)", output)
        if not found:
            sys.exit(f"{args.llama_perplexity} printed no '{label}': {output[-2000:]}")
        return float(found[1])

    return {"positions": shared["positions"], "mean": number(r"Mean\s+KLD"),
            "p99.9": number(r"99\.9%\s+KLD"), "differs": 100 - number("Same top p"),
            "base": shared["base"], "test": number(r"Mean PPL\(Q\)")}


def write_dequantized(model, path):
    """The same model with every tensor in F32."""
    import gguf  # only --check-base needs it
    reader = gguf.GGUFReader(model)
    writer = gguf.GGUFWriter(path, reader.fields["general.architecture"].contents())
    for field in reader.fields.values():
        if not field.name.startswith("GGUF.") and field.name != "general.architecture":
            is_array = field.types[0] == gguf.GGUFValueType.ARRAY
            writer.add_key_value(field.name, field.contents(), field.types[0],
                                 field.types[-1] if is_array else None)
    for tensor in reader.tensors:
        writer.add_tensor_info(tensor.name, [int(n) for n in reversed(tensor.shape)],
                               np.dtype(np.float32), 4 * int(tensor.n_elements))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for tensor in reader.tensors:
        value = gguf.dequantize(tensor.data, tensor.tensor_type)
        writer.write_tensor_data(np.ascontiguousarray(value, dtype=np.float32))
    writer.close()


def print_figures(name, figures):
    change = 100 * (figures["test"] / figures["base"] - 1)
    print(f"       {name:34} {figures['positions']:6} {figures['mean']:10.6f} "
          f"{figures['p99.9']:9.5f} {100 - figures['differs']:8.2f} % {figures['base']:9.4f} "
          f"{figures['test']:9.4f} {change:+8.3f} %", flush=True)


def verdict(args, everywhere, shared, llama):
    """Each figure with whether it is good enough."""
    limits = {"mean": args.max_mean, "p99.9": args.max_p999, "differs": 100 - args.min_agreement}
    good = True
    for name, limit in limits.items():
        within = everywhere[name] <= limit
        half = llama is not None and 2 * shared[name] <= llama[name]
        good = good and (within or half)
        if not within or llama is not None:
            beside = f", {shared[name] / llama[name]:.2f} of llama.cpp's" if llama else ""
            print(f"       {name}: {everywhere[name]:.5f} "
                  f"{'within' if within else 'above'} {limit:g}{beside}")
    change = 100 * abs(everywhere["test"] / everywhere["base"] - 1)
    if change > args.max_perplexity_change:
        print(f"       perplexity changes by {change:.3f} %, above {args.max_perplexity_change:g} %")
        good = False
    return good


def compare(args, model):
    windows = token_windows(args, model)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        base_path = os.path.join(folder, "base.kld") if args.llama_perplexity else None
        everywhere, shared = measure(args, model, windows, folder, base_path)
        print(f"       {'':34} {'tokens':>6} {'mean KL':>10} {'99.9 %':>9} {'same top':>10} "
              f"{'ppl base':>9} {'ppl test':>9} {'change':>10}")
        print_figures("sparrow", everywhere)
        llama, base_is_good = None, True
        if args.llama_perplexity:
            print_figures("sparrow, second halves", shared)
            llama = llama_figures(args, model, base_path, shared, args.llama_flags.split())
            print_figures("llama.cpp, second halves", llama)
        if args.check_base:
            path = os.path.join(folder, "f32.gguf")
            write_dequantized(model, path)
            check = llama_figures(args, path, base_path, shared,
                                  ["-fa", "off", "-ctk", "f32", "-ctv", "f32"])
            print_figures("llama.cpp, weights and cache F32", check)
            base_is_good = check["mean"] < 5e-5
    good = verdict(args, everywhere, shared, llama) and base_is_good
    print(f"{'ok' if good else 'FAILED'}: {os.path.basename(model)}: "
          f"'{args.test}' against '{args.base}'", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--sparrow", default="build/sparrow")
    parser.add_argument("--base", default="--activations f32 --kv-type f32", metavar="FLAGS")
    parser.add_argument("--test", default="--activations auto --kv-type f16", metavar="FLAGS")
    parser.add_argument("--text", default=pathlib.Path(__file__).with_name("quality_text.txt"),
                        metavar="FILE")
    parser.add_argument("--windows", type=int, default=33)
    parser.add_argument("--length", type=int, default=512, help="tokens a window")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--max-mean", type=float, default=0.001)
    parser.add_argument("--max-p999", type=float, default=0.02)
    parser.add_argument("--min-agreement", type=float, default=99, help="percent")
    parser.add_argument("--max-perplexity-change", type=float, default=0.2, help="percent")
    parser.add_argument("--llama-perplexity", metavar="PATH")
    parser.add_argument("--llama-flags", default="", metavar="FLAGS", help="as '-ctk q8_0 -ctv q8_0'")
    parser.add_argument("--check-base", action="store_true")
    parser.add_argument("--folder", help="where large files lie for a while (default: the system's)")
    args = parser.parse_args()
    if args.check_base and not args.llama_perplexity:
        parser.error("--check-base needs --llama-perplexity")
    for program in (args.sparrow, args.llama_perplexity):
        if program and not shutil.which(program):
            parser.error(f"'{program}' is no program")
    sys.exit(0 if all([compare(args, model) for model in args.models]) else 1)


if __name__ == "__main__":
    main()
