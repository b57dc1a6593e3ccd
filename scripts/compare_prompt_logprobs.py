#!/usr/bin/env python3
"""What lm-eval asks of a vLLM class, token prompts with prompt_logprobs=1, beside transformers on the same file.

    scripts/compare_prompt_logprobs.py MODEL.gguf [--limit 0.01]

Needs torch, transformers and gguf, and a built tree. The texts are pieces of docs/. The model is loaded by
transformers from the same GGUF, in f32; sparrow's log probabilities with f32 activations must be within --limit of
its, token by token (exit code 1 otherwise); the default path's mean stands beside.
"""
import argparse
import os
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bindings" / "python"))
from sparrow import LLM, SamplingParams, TokensPrompt  # noqa: E402  pylint: disable=wrong-import-position


def sparrows(path, texts, **options):
    """The token ids of each text, and the log probability of each token but the first."""
    with LLM(path, max_model_len=2048, **options) as llm:
        ids = [llm.get_tokenizer().encode(text) for text in texts]
        params = SamplingParams(temperature=0, prompt_logprobs=1, max_tokens=1, detokenize=False)
        outputs = llm.generate([TokensPrompt(prompt_token_ids=each) for each in ids], params, use_tqdm=False)
    return ids, [[entry[token].logprob for token, entry in zip(each[1:], output.prompt_logprobs[1:])]
                 for each, output in zip(ids, outputs)]


def transformers_own(path, ids):
    """The same by transformers, in f32."""
    model = AutoModelForCausalLM.from_pretrained(os.path.dirname(path), gguf_file=os.path.basename(path),
                                                 dtype=torch.float32).eval()
    found = []
    with torch.no_grad():
        for each in ids:
            logprobs = model(torch.tensor([each])).logits[0].double().log_softmax(-1)
            found.append([logprobs[i, token].item() for i, token in enumerate(each[1:])])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL.gguf")
    parser.add_argument("--limit", type=float, default=0.01)
    args = parser.parse_args()
    path = os.path.abspath(args.model)
    texts = []
    for file in sorted((ROOT / "docs").glob("*.md"))[:12]:
        text = file.read_text()
        texts += [piece for piece in (text[200:1400], text[1400:2300]) if len(piece) > 100]
    ids, exact = sparrows(path, texts, activations="f32", kv_cache_dtype="float32")
    _, default = sparrows(path, texts)
    wanted = transformers_own(path, ids)
    flat = [[value for each in rows for value in each] for rows in (wanted, exact, default)]
    worst = [max(abs(a - b) for a, b in zip(flat[0], row)) for row in flat[1:]]
    means = [sum(row) / len(row) for row in flat]
    print(f"{len(ids)} texts, {len(flat[0])} tokens")
    print(f"f32 activations: worst difference {worst[0]:.2g}, mean {means[1]:.5f} beside {means[0]:.5f}")
    print(f"default path:    worst difference {worst[1]:.2g}, mean {means[2]:.5f}")
    return 0 if worst[0] <= args.limit else 1


if __name__ == "__main__":
    sys.exit(main())
