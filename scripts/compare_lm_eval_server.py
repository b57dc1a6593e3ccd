#!/usr/bin/env python3
"""lm-eval's own local-completions over HTTP, beside its hf back-end on the same file.

    pip install "lm-eval[api]" torch transformers gguf
    scripts/compare_lm_eval_server.py MODEL.gguf [--sparrow build/sparrow] [--items 200] [--limit 0.01]

The items are those of compare_lm_eval.py. `sparrow serve` runs with f32 activations and cache; lm-eval sends token ids
and reads the logprobs of the echoed prompt. The exit code is 1 unless each log-likelihood is within --limit of
transformers' and the same choice is made on all items but 1 in 200. Nothing is fetched.
"""
import argparse
import os
import pathlib
import sys
import tempfile

from compare_lm_eval import CHOICES, ROOT, Result, compare, make_items, write_folder
from serving import Server


def save_tokenizer(folder):
    """Made by transformers from the GGUF: local-completions wants it in a folder of its own."""
    from transformers import AutoTokenizer

    AutoTokenizer.from_pretrained(folder, gguf_file="model.gguf").save_pretrained(folder.parent / "tokenizer")
    return folder.parent / "tokenizer"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL.gguf", type=pathlib.Path)
    parser.add_argument("--sparrow", default=ROOT / "build" / "sparrow", type=pathlib.Path)
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--limit", type=float, default=0.01)
    args = parser.parse_args()
    from lm_eval.tasks import TaskManager

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        os.environ["HF_DATASETS_CACHE"] = str(folder / "cache")
        model = write_folder(folder, args.model.resolve(), make_items(args.items))
        tasks = TaskManager(include_path=str(folder / "tasks"), include_defaults=False)
        flags = ["--model", model / "model.gguf", "--activations", "f32", "--kv-type", "f32"]
        with Server(args.sparrow, folder, *flags) as server:
            over_http = Result("local-completions, f32", tasks, CHOICES, model="local-completions", batch_size=8,
                               model_args=dict(model="model", base_url=f"{server.url}/v1/completions", num_concurrent=1,
                                               max_length=1024, tokenizer=str(save_tokenizer(model)),
                                               tokenizer_backend="huggingface", tokenized_requests=True))
        reference = Result("hf back-end, f32", tasks, CHOICES, model="hf", device="cpu", batch_size=8,
                           model_args=dict(pretrained=str(model), gguf_file="model.gguf", dtype="float32"))
        worst, same, _ = compare("local-completions beside hf", over_http, reference)
    return 0 if worst <= args.limit and same >= 1 - 1 / 200 else 1


if __name__ == "__main__":
    sys.exit(main())
