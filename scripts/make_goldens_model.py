#!/usr/bin/env python3
"""Writes tests/golden/model/tiny_logits.json: Hugging Face's logits and final hidden states for
tiny networks whose weights both sides make by the same rule (tests/support/tiny_model.cpp).

    scripts/make_goldens_model.py [OUT.json]

Needs torch, transformers, numpy.
"""
import json
import math
import sys

import numpy as np
import torch
import transformers
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config, Qwen3Config, Qwen3MoeConfig

VOCABULARY, HIDDEN, LAYERS, FFN, EXPERTS, USED, EXPERT_FFN = 263, 64, 2, 96, 8, 2, 48
ROWS = [0, 7, 39]

LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 64}


def llama3_divisors(size, base):
    """What the GGUF converter stores as rope_freqs.weight."""
    result = []
    for i in range(0, size, 2):
        wavelength = 2 * math.pi * base ** (i / size)
        context = LLAMA3["original_max_position_embeddings"]
        low, high = context / LLAMA3["low_freq_factor"], context / LLAMA3["high_freq_factor"]
        if wavelength < high:
            result.append(1.0)
        elif wavelength > low:
            result.append(LLAMA3["factor"])
        else:
            smooth = (context / wavelength - LLAMA3["low_freq_factor"]) / (
                LLAMA3["high_freq_factor"] - LLAMA3["low_freq_factor"])
            result.append(1 / ((1 - smooth) / LLAMA3["factor"] + smooth))
    return [float(np.float32(x)) for x in result]


CASES = [
    {"name": "llama", "architecture": "llama"},
    {"name": "llama, untied, one head a KV head", "architecture": "llama", "is_tied": False,
     "kv_head_count": 4},
    {"name": "llama, one KV head, biases", "architecture": "llama", "kv_head_count": 1,
     "has_attention_bias": True},
    {"name": "llama, heads narrower than hidden / heads", "architecture": "llama", "head_size": 8},
    {"name": "llama3 scaling", "architecture": "llama", "rope_base": 500000.0,
     "rope_divisors": llama3_divisors(16, 500000.0)},
    {"name": "llama, linear scaling", "architecture": "llama", "rope_scaling": "linear",
     "rope_scaling_factor": 4.0},
    {"name": "qwen2", "architecture": "qwen2", "rope_base": 1000000.0},
    {"name": "qwen2, untied", "architecture": "qwen2", "is_tied": False},
    {"name": "qwen3, heads wider than hidden / heads", "architecture": "qwen3", "head_size": 24},
    {"name": "qwen3, untied, yarn", "architecture": "qwen3", "head_size": 24, "is_tied": False,
     "rope_scaling": "yarn", "rope_scaling_factor": 4.0, "rope_original_context": 32},
    {"name": "qwen3moe", "architecture": "qwen3moe"},
]


def weights(name, shape):
    """tiny_weights() of tiny_model.cpp; `shape` slowest dimension first."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        index = np.arange(1, math.prod(shape) + 1, dtype=np.uint64)
        state = np.uint64(seed) + index * np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    unit = (state >> np.uint64(40)).astype(np.float32) * np.float32(2**-23) - np.float32(1)
    scale = 1.0 if name == "token_embd.weight" else 0.5 if name.endswith(".bias") else 0.25
    offset = 1.0 if "norm" in name else 0.0
    return torch.from_numpy((np.float32(offset) + unit * np.float32(scale)).reshape(shape))


def unpermuted(rows, heads):
    """Neighbouring rows rotate together in a GGUF of llama; in Hugging Face, halves do."""
    size = rows.shape[0] // heads
    pairs = rows.reshape(heads, size // 2, 2, *rows.shape[1:])
    return pairs.transpose(1, 2).reshape(rows.shape)


def config_of(case):
    heads, head_size = case.get("head_count", 4), case.get("head_size", 16)
    base = case.get("rope_base", 10000.0)
    rope = {"rope_type": "default", "rope_theta": base}
    if case.get("rope_scaling"):
        rope |= {"rope_type": case["rope_scaling"], "factor": case["rope_scaling_factor"]}
        if case["rope_scaling"] == "yarn":
            rope["original_max_position_embeddings"] = case["rope_original_context"]
    if case.get("rope_divisors"):
        rope |= {"rope_type": "llama3"} | LLAMA3
    common = dict(vocab_size=VOCABULARY, hidden_size=HIDDEN, intermediate_size=FFN,
                  num_hidden_layers=LAYERS, num_attention_heads=heads,
                  num_key_value_heads=case.get("kv_head_count", 2), head_dim=head_size,
                  rms_norm_eps=1e-5, max_position_embeddings=512, rope_parameters=rope,
                  tie_word_embeddings=case.get("is_tied", True))
    kind = case["architecture"]
    if kind == "llama":
        return LlamaConfig(attention_bias=False, **common)
    if kind == "qwen2":
        return Qwen2Config(**common)
    if kind == "qwen3":
        return Qwen3Config(**common)
    return Qwen3MoeConfig(num_experts=EXPERTS, num_experts_per_tok=USED, norm_topk_prob=True,
                          moe_intermediate_size=EXPERT_FFN, **common)


def fill(model, case):
    """Replaces every parameter by the common rule's numbers."""
    llama = case["architecture"] == "llama"
    state = {}
    for name, parameter in model.state_dict().items():
        part = name.removeprefix("model.")
        shape = tuple(parameter.shape)
        if part in ("embed_tokens.weight", "lm_head.weight", "norm.weight"):
            plain = {"embed_tokens.weight": "token_embd.weight", "norm.weight": "output_norm.weight",
                     "lm_head.weight": "output.weight"}[part]
            if plain == "output.weight" and case.get("is_tied", True):
                plain = "token_embd.weight"
            state[name] = weights(plain, shape)
            continue
        _, layer, part = part.split(".", 2)
        prefix = f"blk.{layer}."
        if part == "mlp.experts.gate_up_proj":
            half = (shape[0], shape[1] // 2, shape[2])
            state[name] = torch.cat([weights(prefix + "ffn_gate_exps.weight", half),
                                     weights(prefix + "ffn_up_exps.weight", half)], dim=1)
            continue
        names = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
                 "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
                 "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
                 "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
                 "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
                 "mlp.gate": "ffn_gate_inp"}
        if part == "mlp.experts.down_proj":
            state[name] = weights(prefix + "ffn_down_exps.weight", shape)
            continue
        stem, kind = part.rsplit(".", 1)
        value = weights(f"{prefix}{names[stem]}.{kind}", shape)
        if llama and stem == "self_attn.q_proj":
            value = unpermuted(value, case.get("head_count", 4))
        if llama and stem == "self_attn.k_proj":
            value = unpermuted(value, case.get("kv_head_count", 2))
        state[name] = value
    model.load_state_dict(state)


def add_llama_biases(model):
    """Llama's attention_bias also means one on o_proj; files have them on q, k and v alone."""
    for layer in model.model.layers:
        for projection in (layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj):
            projection.bias = torch.nn.Parameter(torch.zeros(projection.out_features))


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else "tests/golden/model/tiny_logits.json"
    cases = []
    for case in CASES:
        model = AutoModelForCausalLM.from_config(config_of(case), attn_implementation="eager")
        model = model.float().eval()
        if case.get("has_attention_bias"):
            add_llama_biases(model)
        fill(model, case)
        ids = [(i * i * 29 + i * 11 + 5 * len(cases)) % VOCABULARY for i in range(40)]
        with torch.no_grad():
            result = model(torch.tensor([ids]), output_hidden_states=True)
        logits, hidden = result.logits[0], result.hidden_states[-1][0]
        assert torch.allclose(model.lm_head(hidden), logits), "hidden_states[-1] is not normed"
        numbers = {"logits": logits, "hidden": hidden}
        cases.append(case | {"ids": ids, "rows": ROWS} | {
            name: [[float(f"{x:.7g}") for x in values[row].tolist()] for row in ROWS]
            for name, values in numbers.items()})
        print(f"{case['name']}: largest {logits.abs().max():.3f}", file=sys.stderr)
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    with open(out, "w", encoding="utf-8") as file:
        file.write('{"versions": ' + json.dumps(versions) + ',\n "made_by": "scripts/make_goldens_model.py",'
                   '\n "cases": [\n')
        file.write(",\n".join(json.dumps(case, separators=(",", ":")) for case in cases))
        file.write("\n]}\n")


if __name__ == "__main__":
    main()
