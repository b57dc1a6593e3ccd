#!/usr/bin/env python3
"""Measures build/tokenizer_bench and Hugging Face tokenizers on the same 12 MB of mixed text.

Usage: python scripts/bench_tokenizers.py TOKENIZER.json [--bench build/tokenizer_bench] [--rounds 3]

Needs `pip install tokenizers faker`; build the other side with
`cmake --preset bench && ninja -C build tokenizer_bench`. The text is Python's standard library and its
manual, and made-up prose in eleven languages, in about 3,000 pieces. Both sides run on one thread, in
turns; the best of the rounds counts, in CPU time, which other programs on the machine disturb least.
"""
import argparse
import glob
import json
import os
import random
import subprocess
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import tokenizers  # noqa: E402
from faker import Faker  # noqa: E402
from pydoc_data.topics import topics  # noqa: E402

PROSE = {"en_US": 1.5, "zh_CN": 1.5, "ja_JP": 0.8, "ko_KR": 0.5, "ru_RU": 0.8, "de_DE": 0.4, "fr_FR": 0.4, "ar_AA": 0.4, "hi_IN": 0.4, "el_GR": 0.3, "vi_VN": 0.3}


def make_texts():
    rng = random.Random(1)
    texts = list(topics.values())

    def add(megabytes, make):
        size = 0
        while size < megabytes * 1e6:
            texts.append(make())
            size += len(texts[-1].encode())

    files = sorted(glob.glob(os.path.dirname(os.__file__) + "/**/*.py", recursive=True))
    rng.shuffle(files)
    names = iter(files)
    add(4, lambda: open(next(names), encoding="utf-8", errors="replace").read())
    Faker.seed(1)
    for locale, megabytes in PROSE.items():
        faker = Faker(locale)
        add(megabytes, lambda: faker.text(max_nb_chars=2000))
    rng.shuffle(texts)
    return texts


def measure_reference(tokenizer, texts):
    started = time.process_time()
    encodings = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    return time.process_time() - started, sum(len(e.ids) for e in encodings)


def measure_sparrow(bench, model, path):
    command = [bench, model, path, "--benchmark_filter=encode", "--benchmark_format=json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    row = json.loads(done.stdout)["benchmarks"][0]
    return row["cpu_time"] / 1e3, int(row["tokens"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--bench", default="build/tokenizer_bench")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    texts = make_texts()
    size = sum(len(t.encode()) for t in texts)
    tokenizer = tokenizers.Tokenizer.from_file(arguments.model)
    reference, sparrow = [], []
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(texts, file)
        file.flush()
        for _ in range(arguments.rounds):
            reference.append(measure_reference(tokenizer, texts))
            sparrow.append(measure_sparrow(arguments.bench, arguments.model, file.name))
    assert {count for _, count in reference} == {count for _, count in sparrow}, "the token counts differ"
    theirs, ours = min(reference)[0], min(sparrow)[0]
    print(f"{size / 1e6:.1f} MB in {len(texts)} texts, {reference[0][1]} tokens, {arguments.model}")
    print(f"tokenizers {tokenizers.__version__}: {size / theirs / 1e6:6.1f} MB/s")
    print(f"sparrow          : {size / ours / 1e6:6.1f} MB/s, {theirs / ours:.1f} times as fast")


if __name__ == "__main__":
    main()
