#!/usr/bin/env python3
"""Compares sparrow's logits with Hugging Face's in f32.

    scripts/compare_logits.py tiny  --sparrow build/sparrow
    scripts/compare_logits.py real  --sparrow build/sparrow MODEL.gguf [MODEL.gguf …]

`tiny`: randomly initialised networks of every architecture, written to GGUF by the gguf package;
prompts of 1, 7, 64 and 300 tokens, all at once, in chunks and token by token through the cache.
Passes if max |difference| / max |reference| <= 1e-4.

`real`: the file loaded by transformers (gguf_file=, dequantized to f32) and by sparrow: the logits
of each prompt (<= 1e-3 by the same measure) and 64 greedy tokens. The tokens are compared by giving
sparrow's answer to Hugging Face: if its own choice after every prefix is the next token, its greedy
answer is the same. Near-ties (gap < 1e-3) are listed.

Needs torch, transformers, gguf, numpy.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

import gguf
import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers import LlamaConfig, Qwen2Config, Qwen3Config, Qwen3MoeConfig

LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 64, "rope_theta": 500000.0}


def plain_rope(base=10000.0):
    return {"rope_type": "default", "rope_theta": base}


def tiny_cases():
    """(name, GGUF architecture, Hugging Face configuration)"""
    common = dict(vocab_size=311, hidden_size=64, intermediate_size=112, num_hidden_layers=3,
                  num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-5,
                  max_position_embeddings=1024, initializer_range=0.15, tie_word_embeddings=False)

    def llama(**changes):
        return LlamaConfig(**(common | {"head_dim": 16, "rope_parameters": plain_rope()} | changes))

    yield "llama 2 (MHA, untied)", "llama", llama(num_key_value_heads=4)
    yield "llama (GQA, tied)", "llama", llama(tie_word_embeddings=True)
    yield "llama (one KV head)", "llama", llama(num_key_value_heads=1)
    yield "llama 3.1 (rope factors)", "llama", llama(rope_parameters=LLAMA3)
    yield "llama (linear scaling 4)", "llama", llama(
        rope_parameters=plain_rope(100000.0) | {"rope_type": "linear", "factor": 4.0})
    yield "llama (yarn 4)", "llama", llama(
        rope_parameters=plain_rope() | {"rope_type": "yarn", "factor": 4.0,
                                        "original_max_position_embeddings": 256})
    yield "mistral-like (base 1e6, head_dim 24)", "llama", llama(
        head_dim=24, rope_parameters=plain_rope(1e6))
    yield "smollm-like (3 of 9 heads)", "llama", llama(
        hidden_size=72, num_attention_heads=9, num_key_value_heads=3, head_dim=8,
        tie_word_embeddings=True)
    qwen = common | {"rope_parameters": plain_rope(1e6)}
    yield "qwen2 (tied)", "qwen2", Qwen2Config(**(qwen | {"tie_word_embeddings": True}))
    yield "qwen2 (untied, 7 heads a KV head)", "qwen2", Qwen2Config(
        **(qwen | {"hidden_size": 112, "num_attention_heads": 14}))
    yield "qwen3 (tied, head_dim 32)", "qwen3", Qwen3Config(
        **(qwen | {"head_dim": 32, "tie_word_embeddings": True}))
    yield "qwen3 (untied, MHA)", "qwen3", Qwen3Config(
        **(qwen | {"head_dim": 16, "num_key_value_heads": 4}))
    yield "qwen3 (yarn 2)", "qwen3", Qwen3Config(
        **(qwen | {"head_dim": 32, "rope_parameters": plain_rope(5e6) | {
            "rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 512}}))
    experts = dict(head_dim=32, num_experts=12, num_experts_per_tok=3, moe_intermediate_size=40,
                   norm_topk_prob=True)
    yield "qwen3moe (untied)", "qwen3moe", Qwen3MoeConfig(**(qwen | experts))
    yield "qwen3moe (tied)", "qwen3moe", Qwen3MoeConfig(
        **(qwen | experts | {"tie_word_embeddings": True}))


def permuted(rows, heads):
    """Hugging Face rotates halves of a head; a GGUF of llama has the pairs side by side."""
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(rows.shape))


NAMES = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
         "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
         "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm",
         "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
         "mlp.down_proj": "ffn_down", "mlp.gate": "ffn_gate_inp"}


def gguf_tensors(model, kind):
    config = model.config
    for name, parameter in model.state_dict().items():
        value = parameter.float().numpy()
        part = name.removeprefix("model.")
        if part == "embed_tokens.weight":
            yield "token_embd.weight", value
        elif part == "norm.weight":
            yield "output_norm.weight", value
        elif part == "lm_head.weight":
            if not config.tie_word_embeddings:
                yield "output.weight", value
        else:
            _, layer, part = part.split(".", 2)
            prefix = f"blk.{layer}."
            if part == "mlp.experts.gate_up_proj":
                half = value.shape[1] // 2
                yield prefix + "ffn_gate_exps.weight", np.ascontiguousarray(value[:, :half])
                yield prefix + "ffn_up_exps.weight", np.ascontiguousarray(value[:, half:])
            elif part == "mlp.experts.down_proj":
                yield prefix + "ffn_down_exps.weight", value
            else:
                stem, suffix = part.rsplit(".", 1)
                if kind == "llama" and stem == "self_attn.q_proj":
                    value = permuted(value, config.num_attention_heads)
                if kind == "llama" and stem == "self_attn.k_proj":
                    value = permuted(value, config.num_key_value_heads)
                yield f"{prefix}{NAMES[stem]}.{suffix}", value


def llama3_divisors(rope, size):
    divisors = []
    for i in range(0, size, 2):
        wavelength = 2 * math.pi * rope["rope_theta"] ** (i / size)
        context = rope["original_max_position_embeddings"]
        if wavelength < context / rope["high_freq_factor"]:
            divisors.append(1.0)
        elif wavelength > context / rope["low_freq_factor"]:
            divisors.append(rope["factor"])
        else:
            smooth = (context / wavelength - rope["low_freq_factor"]) / (
                rope["high_freq_factor"] - rope["low_freq_factor"])
            divisors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return np.array(divisors, dtype=np.float32)


def write_gguf(path, model, kind):
    config, rope = model.config, model.config.rope_parameters
    head_size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer = gguf.GGUFWriter(path, kind)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    if head_size * config.num_attention_heads != config.hidden_size:
        writer.add_key_length(head_size)
        writer.add_value_length(head_size)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(rope["rope_theta"])
    writer.add_vocab_size(config.vocab_size)
    writer.add_feed_forward_length(config.intermediate_size)
    if kind == "qwen3moe":
        writer.add_expert_count(config.num_experts)
        writer.add_expert_used_count(config.num_experts_per_tok)
        writer.add_expert_feed_forward_length(config.moe_intermediate_size)
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if rope["rope_type"] == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    if rope["rope_type"] == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_divisors(rope, head_size))
    for name, value in gguf_tensors(model, kind):
        writer.add_tensor(name, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def run_sparrow(sparrow, model, ids, *flags, folder):
    out = os.path.join(folder, "logits.npy")
    command = [sparrow, "logits", model, "--ids", ",".join(map(str, ids)), "-o", out, *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command[:3])} …: {done.stderr}")
    return np.load(out), done.stdout


def compare_tiny(args, folder):
    worst, count, failures = 0.0, 0, 0
    for seed, (name, kind, config) in enumerate(tiny_cases()):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
        model = model.float().eval()
        # Fresh norms are all ones and biases zero: make them matter.
        with torch.no_grad():
            for key, parameter in model.named_parameters():
                if "norm" in key:
                    parameter.uniform_(0.5, 1.5)
                elif key.endswith(".bias"):
                    parameter.uniform_(-0.5, 0.5)
        path = os.path.join(folder, "tiny.gguf")
        write_gguf(path, model, kind)
        case_worst = 0.0
        for length in (1, 7, 64, 300):
            ids = torch.randint(0, config.vocab_size, (length,)).tolist()
            with torch.no_grad():
                reference = model(torch.tensor([ids])).logits[0].numpy()
            results = [run_sparrow(args.sparrow, path, ids, "--chunk", chunk, folder=folder)[0]
                       for chunk in ("1", "48", "4096")]
            for result in results:
                if result.shape != reference.shape or not np.array_equal(result, results[0]):
                    print(f"FAILED {name}: chunks of a prompt of {length} differ among themselves")
                    failures += 1
                ratio = float(np.abs(result - reference).max() / np.abs(reference).max())
                case_worst = max(case_worst, ratio)
                count += 1
        verdict = "ok" if case_worst <= 1e-4 else "FAILED"
        failures += case_worst > 1e-4
        worst = max(worst, case_worst)
        print(f"{verdict:6} {case_worst:.2e}  {name}")
    print(f"{count} runs, worst max|difference| / max|reference| = {worst:.2e} (limit 1e-4), "
          f"{failures} failures")
    return failures == 0


PROMPTS = [
    "The capital of France is", "Once upon a time, in a village by the sea,",
    "List three reasons why the sky is blue:\n1.", "Q: What is 17 * 23?\nA:",
    "Dear Sir or Madam,\n\nI am writing to", "The three laws of thermodynamics are",
    "To be, or not to be, that is", "In 1969, humans first",
    "介绍一下你自己，然后用一句话解释量子计算", "床前明月光，", "北京是中国的首都，它有",
    "请写一首关于秋天的短诗：\n", "人工智能的发展历史可以追溯到", "如何学习编程？首先，",
    "def fibonacci(n):\n", "#include <vector>\n\nint main() {\n  std::vector<int> v;\n",
    "SELECT name, COUNT(*) FROM users\n", "function debounce(fn, wait) {\n",
    "class Stack:\n    def __init__(self):\n", "// Returns the greatest common divisor.\nint gcd(int a, int b) {\n",
    "import numpy as np\n\ndef softmax(x):\n", "fn main() {\n    let numbers = vec![1, 2, 3];\n",
    "<|im_start|>user\nWrite a haiku about rain.<|im_end|>\n<|im_start|>assistant\n",
    "<|im_start|>user\n用Python写一个快速排序<|im_end|>\n<|im_start|>assistant\n",
]


def compare_real(args, folder, path):
    where, file = os.path.split(os.path.abspath(path))
    tokenizer = AutoTokenizer.from_pretrained(where, gguf_file=file)
    model = AutoModelForCausalLM.from_pretrained(where, gguf_file=file, dtype=torch.float32,
                                                 attn_implementation="eager").eval()
    worst, mismatches, ties = 0.0, 0, []
    for index, prompt in enumerate(PROMPTS):
        ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        logits, text = run_sparrow(args.sparrow, path, ids, "--greedy", "64", folder=folder)
        answer = json.loads(text)
        if index % 8 == 0:  # token by token through the cache: the same bits
            single, _ = run_sparrow(args.sparrow, path, ids, "--chunk", "1", folder=folder)
            if not np.array_equal(single, logits):
                mismatches += 1
                print(f"       prompt {index}: token by token differs from all at once")
        with torch.no_grad():
            reference = model(torch.tensor([ids + answer["ids"][:-1]])).logits[0].numpy()
        prompt_reference = reference[:len(ids)]
        ratio = float(np.abs(logits - prompt_reference).max() / np.abs(prompt_reference).max())
        worst = max(worst, ratio)
        choices = reference[len(ids) - 1:].argmax(axis=1)
        for place, (ours, theirs, gap) in enumerate(zip(answer["ids"], choices, answer["gaps"])):
            if gap < 1e-3:
                ties.append(f"prompt {index} token {place}: gap {gap:.2e}")
            if ours != theirs:
                mismatches += 1
                print(f"       prompt {index} token {place}: {ours} here, {theirs} there, "
                      f"gap {gap:.2e}")
        print(f"       {ratio:.2e}  {len(ids):3} ids  {prompt[:40]!r}", flush=True)
    for tie in ties:
        print("       near-tie:", tie)
    good = worst <= 1e-3 and mismatches == 0
    print(f"{'ok' if good else 'FAILED'}: {file}: {len(PROMPTS)} prompts, worst ratio {worst:.2e} "
          f"(limit 1e-3), {mismatches} of {len(PROMPTS) * 64} greedy tokens differ, "
          f"{len(ties)} near-ties")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["tiny", "real"])
    parser.add_argument("models", nargs="*")
    parser.add_argument("--sparrow", default="build/sparrow")
    args = parser.parse_intermixed_args()  # models may stand after --sparrow
    with tempfile.TemporaryDirectory() as folder:
        if args.mode == "tiny":
            good = compare_tiny(args, folder)
        else:
            good = all([compare_real(args, folder, path) for path in args.models])
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
