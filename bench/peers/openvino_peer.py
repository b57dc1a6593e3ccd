#!/usr/bin/env python3
"""OpenVINO GenAI on the CPU as the other program of `sparrow bench --compare`.

    pip install openvino-genai          (in an environment of its own, whose Python runs this)
    openvino_peer.py MODEL.gguf -p 512 -n 64 [-t 2]

It loads a GGUF of qwen2, qwen3 or llama, not every quantization of it. It takes text, so a prompt
has nearly the number of tokens that is asked for, and its rate is of those it had. Prefill is the
time to the first token; every prompt is new, so none is in its cache. Depth and sequences together
are not measured.
"""
import argparse
import json
import os
import random
import resource
import time

import openvino_genai

WORDS = "river table seven cloud market garden stone window light music green print".split()


def prompt(tokenizer, count, seed):
    choice = random.Random(seed)
    words = [choice.choice(WORDS) + str(choice.randint(0, 9)) for _ in range(count)]
    low, high = 1, count
    while low < high:  # the most words that stay within `count` tokens
        middle = (low + high + 1) // 2
        tokens = tokenizer.encode(" ".join(words[:middle])).input_ids.shape[1]
        low, high = (middle, high) if tokens <= count else (low, middle - 1)
    return " ".join(words[:low])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=os.path.abspath)
    for flag, value in [("-p", 0), ("-n", 0), ("-t", 2)]:
        parser.add_argument(flag, type=int, default=value)
    args = parser.parse_args()
    started = time.time()
    pipeline = openvino_genai.LLMPipeline(args.model, "CPU", INFERENCE_NUM_THREADS=args.t)
    load_seconds = time.time() - started
    tokenizer = pipeline.get_tokenizer()

    def generate(tokens, new, seed):
        config = openvino_genai.GenerationConfig(max_new_tokens=new, ignore_eos=True,
                                                 do_sample=False)
        return pipeline.generate([prompt(tokenizer, tokens, seed)], config).perf_metrics

    generate(max(args.p, 16), 2, 0)  # the first one compiles
    tests = []
    if args.p > 0:
        metrics = generate(args.p, 1, 1)
        rate = metrics.get_num_input_tokens() / metrics.get_ttft().mean * 1000
        tests.append({"n_prompt": args.p, "n_gen": 0, "depth": 0, "batch": 1,
                      "tokens_per_second": rate})
    if args.n > 0:
        rate = 1000 / generate(16, args.n + 1, 2).get_tpot().mean
        tests.append({"n_prompt": 0, "n_gen": args.n, "depth": 0, "batch": 1,
                      "tokens_per_second": rate})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"tests": tests, "load_seconds": load_seconds, "peak_memory_bytes": peak}))


if __name__ == "__main__":
    main()
