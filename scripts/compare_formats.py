#!/usr/bin/env python3
"""Every weight format's dequantization against the gguf package's, bit for bit (any NaN equals any).

    scripts/compare_formats.py compare [--sparrow build/sparrow] [--blocks 20000]
    scripts/compare_formats.py goldens tests/golden/formats/blocks.json

`compare` writes a model file of random blocks for each format, with scales of every kind (zero,
denormal, largest, infinite, NaN) in a quarter of them, and reads it through `sparrow dequantize`.

`goldens` writes what src/tensor/formats/formats_test.cpp reads: a few blocks with their values, and
for 1024 more, which both sides make from a seed, the SHA-256 of their values (NaN as 0x7fc00000).

Needs gguf and numpy.
"""
import argparse
import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

# Where a block's half-precision scales are. F32, F16 and BF16 are values and nothing else.
FORMATS = {"F32": [], "F16": [], "BF16": [], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0],
           "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2],
           "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0]}
PLAIN = ("F32", "F16", "BF16")
# Zero, the smallest and largest denormal, the smallest normal, one, the largest, infinity, a quiet
# and a signalling NaN; the second half are their negatives.
HALVES = [0x0000, 0x0001, 0x03ff, 0x0400, 0x3c00, 0x7bff, 0x7c00, 0x7e00, 0x7d01]
HALVES += [half | 0x8000 for half in HALVES]
BULK_BLOCKS = 1024


def mix(state):
    """SplitMix64's output function (Steele, Lea and Flood 2014)."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xbf58476d1ce4e5b9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94d049bb133111eb)
    return state ^ (state >> np.uint64(31))


def make_blocks(name, count, seed):
    """[count, block bytes]: word i of the bytes is mix(seed + (i + 1) * golden ratio); every fourth
    block gets the next scales of HALVES, the first scale turning fastest."""
    size = gguf.GGML_QUANT_SIZES[Type[name]][1]
    words = np.arange(1, (count * size + 7) // 8 + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        words = mix(np.uint64(seed) + words * np.uint64(0x9e3779b97f4a7c15))
    blocks = words.view(np.uint8)[:count * size].reshape(count, size).copy()
    for index in range(0, count, 4):
        turn = index // 4
        for offset in FORMATS[name]:
            half = HALVES[turn % len(HALVES)]
            blocks[index, offset:offset + 2] = half & 255, half >> 8
            turn //= len(HALVES)
    return blocks


def reference(name, blocks):
    """The values as bits, NaNs made one."""
    with np.errstate(all="ignore"):
        if name == "F32":
            values = blocks.reshape(-1).view(np.float32)
        elif name == "F16":
            values = blocks.reshape(-1).view(np.float16).astype(np.float32)
        else:
            values = gguf.quants.dequantize(blocks.reshape(-1), Type[name]).astype(np.float32)
    return with_one_nan(values.reshape(-1))


def with_one_nan(values):
    bits = values.view(np.uint32).copy()
    bits[np.isnan(values)] = 0x7fc00000
    return bits


def block_count(name, blocks):
    # One value is a block there: as many values as the others have.
    return blocks * 256 if name in PLAIN else blocks


def compare(args):
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        path, out = os.path.join(folder, "blocks.gguf"), os.path.join(folder, "out.npy")
        made = {name: make_blocks(name, block_count(name, args.blocks), seed)
                for seed, name in enumerate(FORMATS)}
        writer = gguf.GGUFWriter(path, "llama")
        for name, blocks in made.items():
            if name == "F32":
                writer.add_tensor(name, blocks.reshape(-1).view(np.float32))
            elif name == "F16":
                writer.add_tensor(name, blocks.reshape(-1).view(np.float16))
            else:
                writer.add_tensor(name, blocks.reshape(1, -1), raw_dtype=Type[name])
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        for name, blocks in made.items():
            subprocess.run([args.sparrow, "dequantize", path, name, "-o", out], check=True)
            got = with_one_nan(np.load(out).reshape(-1))
            expected = reference(name, blocks)
            wrong = int((got != expected).sum()) if got.shape == expected.shape else -1
            failures += wrong != 0
            print(f"{'ok' if wrong == 0 else 'FAILED':6} {name:7} {len(blocks):8} blocks, "
                  f"{len(expected)} values, {wrong} differ")
    print(f"{len(FORMATS)} formats, {failures} failures "
          f"(gguf {importlib.metadata.version('gguf')}, numpy {np.__version__})")
    return failures == 0


def goldens(args):
    formats = {}
    for seed, name in enumerate(FORMATS):
        count = 32 if name in PLAIN else 3
        blocks = make_blocks(name, block_count(name, BULK_BLOCKS), seed)
        shown = blocks[1:1 + count]  # the first has scales of zero
        formats[name] = {
            "blocks": shown.tobytes().hex(),
            "values": reference(name, shown).astype("<u4").tobytes().hex(),
            "seed": seed,
            "block_count": len(blocks),
            "sha256": hashlib.sha256(reference(name, blocks).astype("<u4").tobytes()).hexdigest(),
        }
    head = {"made_by": "scripts/compare_formats.py goldens",
            "versions": {"gguf": importlib.metadata.version("gguf"), "numpy": np.__version__},
            "scales": {name: offsets for name, offsets in FORMATS.items() if offsets},
            "halves": HALVES}
    with open(args.path, "w", encoding="utf-8") as file:
        json.dump(head | {"formats": formats}, file, indent=1)
        file.write("\n")
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True)
    mode = modes.add_parser("compare")
    mode.add_argument("--sparrow", default="build/sparrow")
    mode.add_argument("--blocks", type=int, default=20000)
    mode = modes.add_parser("goldens")
    mode.add_argument("path")
    args = parser.parse_args()
    sys.exit(0 if (compare if args.mode == "compare" else goldens)(args) else 1)


if __name__ == "__main__":
    main()
