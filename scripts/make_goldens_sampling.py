#!/usr/bin/env python3
"""Writes tests/golden/sampling/steps.json: what is left of a row of logits, with which probability, after
sampling steps that others have written (transformers' logits processors), and after plain
re-implementations, here in NumPy, of those it lacks: from their papers and pull requests.

    scripts/make_goldens_sampling.py [OUT.json]

Needs torch, transformers, numpy.
"""
import json
import math
import sys

import numpy as np
import torch
import transformers
from transformers.generation.logits_process import (
    MinPLogitsWarper, RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper, TopKLogitsWarper,
    TopPLogitsWarper, TypicalLogitsWarper)

VOCABULARY = 240


# --- Random numbers: Philox4x32-10 from its paper.

def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def random_unit(seed, position, use):
    bits = philox([position & 0xFFFFFFFF, position >> 32, use, 0], [seed & 0xFFFFFFFF, seed >> 32])
    return ((bits[0] << 32 | bits[1]) >> 11) / 2**53


# --- Rows of logits: distinct values with few digits, so no cut hangs on a last bit.

def rows():
    random = np.random.RandomState(7)
    flat = random.normal(0, 1, VOCABULARY)
    peaked = random.normal(0, 2.5, VOCABULARY)
    peaked[[17, 99, 180]] = [11.0, 10.25, 9.5]
    zipf = -1.3 * np.log(random.permutation(VOCABULARY) + 1.0) + 4
    shifted = random.normal(-20, 4, VOCABULARY)
    named = {"flat": flat, "peaked": peaked, "zipf": zipf, "shifted": shifted}
    return {name: [round(float(x), 4) for x in row + np.arange(VOCABULARY) * 2e-4]
            for name, row in named.items()}


# --- Steps. Each takes and gives logits as f64; -inf is excluded.

def softmax(l):
    e = np.exp(l - l.max())
    return e / e.sum()


def hugging_face(processor):
    def step(l, case):
        ids = torch.tensor([case["tokens"] or [0]])
        return processor(ids, torch.tensor(l[None])).numpy()[0]
    return step


def repeat_penalty(l, case):
    window = case["params"].get("penalty_window", 64)
    tokens = case["tokens"] if window < 0 else case["tokens"][-window:]
    processor = RepetitionPenaltyLogitsProcessor(case["params"]["repeat_penalty"])
    return processor(torch.tensor([tokens]), torch.tensor(l[None])).numpy()[0]


def count_penalties(l, case):
    """OpenAI's API reference: mu[j] -= c[j] * alpha_frequency + float(c[j] > 0) * alpha_presence."""
    p = case["params"]
    window = p.get("penalty_window", 64)
    tokens = case["tokens"] if window < 0 else case["tokens"][-window:]
    l = l.copy()
    for id in set(tokens):
        l[id] -= tokens.count(id) * p.get("frequency_penalty", 0) + p.get("presence_penalty", 0)
    return l


def dry(l, case):
    """text-generation-webui PR 5677: by search, quadratic. Breakers that are several tokens long
    are those of koboldcpp and llama.cpp: a match does not reach across one."""
    p = case["params"]
    tokens = case["tokens"]
    window = p.get("dry_window", -1)
    tokens = tokens if window < 0 else tokens[len(tokens) - min(window, len(tokens)):]
    single, sequences = case["breakers"]["tokens"], case["breakers"]["sequences"]
    unbroken = 0
    while unbroken < len(tokens):
        at = len(tokens) - 1 - unbroken
        if tokens[at] in single:
            break
        fitting = [len(s) for s in sequences if tokens[at:at + len(s)] == s]
        if fitting:
            unbroken += 1 - max(fitting)
            break
        unbroken += 1
    longest = {}
    for i in range(len(tokens) - 1):  # tokens[i] may be the last of an earlier match
        size = 0
        while size < unbroken and i - size >= 0 and tokens[i - size] == tokens[len(tokens) - 1 - size]:
            size += 1
        follower = tokens[i + 1]
        if size >= p.get("dry_allowed_length", 2) and follower not in single:
            longest[follower] = max(size, longest.get(follower, 0))
    l = l.copy()
    for id, size in longest.items():
        l[id] -= p["dry_multiplier"] * p.get("dry_base", 1.75) ** (size - p.get("dry_allowed_length", 2))
    return l


def top_n_sigma(l, case):
    left = l[np.isfinite(l)]
    return np.where(l >= left.max() - case["params"]["top_n_sigma"] * left.std(), l, -np.inf)


def xtc(l, case):
    p = case["params"]
    if random_unit(case["seed"], case["output_count"], 1) >= p["xtc_probability"]:
        return l
    probabilities = softmax(l)
    likely = [i for i in np.argsort(-l, kind="stable") if probabilities[i] >= p.get("xtc_threshold", 0.1)]
    l = l.copy()
    l[likely[:-1]] = -np.inf
    return l


def top_k(l, case): return hugging_face(TopKLogitsWarper(case["params"]["top_k"]))(l, case)
def top_p(l, case): return hugging_face(TopPLogitsWarper(case["params"]["top_p"]))(l, case)
def min_p(l, case): return hugging_face(MinPLogitsWarper(case["params"]["min_p"]))(l, case)
def typical_p(l, case): return hugging_face(TypicalLogitsWarper(case["params"]["typical_p"]))(l, case)


def temperature(l, case):
    return hugging_face(TemperatureLogitsWarper(float(case["params"]["temperature"])))(l, case)


def logit_bias(l, case):
    l = l.copy()
    for id, bias in case["params"]["logit_bias"].items():
        l[int(id)] += bias
    return l


# The order under test.
CHAIN = [("logit_bias", logit_bias), ("repeat_penalty", repeat_penalty),
         ("presence_penalty", count_penalties), ("dry_multiplier", dry), ("top_n_sigma", top_n_sigma),
         ("top_k", top_k), ("typical_p", typical_p), ("top_p", top_p), ("min_p", min_p),
         ("xtc_probability", xtc), ("temperature", temperature)]


def tokens_of(seed, count, alphabet):
    random = np.random.RandomState(seed)
    return [int(x) for x in random.randint(0, alphabet, count)]


def cases():
    no_breakers = {"tokens": [], "sequences": []}
    loop = [5, 6, 7, 8, 9] * 4 + [1, 2, 5, 6, 7]
    out = []

    def add(row, params, tokens=(), breakers=no_breakers, seed=1, output_count=0):
        out.append({"row": row, "params": params, "tokens": list(tokens), "breakers": breakers,
                    "seed": seed, "output_count": output_count})

    for row in ("flat", "peaked", "zipf", "shifted"):
        for t in (0.05, 0.7, 1.0, 1.9):
            add(row, {"temperature": t})
        for k in (1, 2, 20, 239, 240, 1000):
            add(row, {"top_k": k})
        for p in (0.05, 0.5, 0.8, 0.95, 0.999):
            add(row, {"top_p": p})
            add(row, {"typical_p": p})
        for p in (0.001, 0.05, 0.3, 1.0):
            add(row, {"min_p": p})
        for n in (0.0, 0.5, 1.0, 2.5):
            add(row, {"top_n_sigma": n})
        for window in (-1, 10, 64):
            tokens = tokens_of(3, 100, 60)
            add(row, {"repeat_penalty": 1.3, "penalty_window": window}, tokens)
            add(row, {"presence_penalty": 0.6, "frequency_penalty": 0.25, "penalty_window": window}, tokens)
        add(row, {"repeat_penalty": 0.8, "presence_penalty": -1.5}, tokens_of(4, 30, 240))
        add(row, {"logit_bias": {"3": 5.5, "17": -100.0, "239": 2.25}})
        for i in range(6):
            add(row, {"xtc_probability": 0.5, "xtc_threshold": 0.02}, seed=900 + i, output_count=i)
        add(row, {"xtc_probability": 1.0, "xtc_threshold": 0.004}, seed=2**40 + 5, output_count=2**33)
    for window in (-1, 3, 9, 16):
        add("peaked", {"dry_multiplier": 0.8, "dry_window": window}, loop)
    for length, base in ((1, 1.5), (3, 1.75), (4, 1.1)):
        add("peaked", {"dry_multiplier": 0.5, "dry_allowed_length": length, "dry_base": base}, loop)
    for seed in range(8):
        tokens = tokens_of(seed, 120, 3)
        add("flat", {"dry_multiplier": 0.3, "dry_base": 1.2}, tokens)
        add("flat", {"dry_multiplier": 0.3, "dry_base": 1.2}, tokens_of(seed, 120, 4),
            {"tokens": [3], "sequences": []})
        add("flat", {"dry_multiplier": 0.3, "dry_base": 1.2}, tokens,
            {"tokens": [], "sequences": [[0, 2, 1], [1, 1, 1, 0], [2, 0, 0]]})
    # Whole chains.
    for row in ("flat", "peaked", "zipf", "shifted"):
        add(row, {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0.05})
        add(row, {"temperature": 0.7, "top_k": 20, "top_p": 0.8})
        add(row, {"temperature": 1.4, "top_k": 100, "typical_p": 0.9, "top_p": 0.9, "min_p": 0.02,
                  "xtc_probability": 1.0, "xtc_threshold": 0.05, "top_n_sigma": 2.0, "repeat_penalty": 1.1,
                  "frequency_penalty": 0.1, "dry_multiplier": 0.8, "logit_bias": {"8": 3.0}}, loop, seed=77)
    return out


def with_result(case, named):
    l = np.array(named[case["row"]], dtype=np.float32).astype(np.float64)
    p = case["params"]
    for name, step in CHAIN:
        is_set = name in p or name == "presence_penalty" and "frequency_penalty" in p
        if is_set and not (name == "temperature" and p[name] == 1.0):
            l = step(l, case)
    kept = np.nonzero(np.isfinite(l))[0]
    probabilities = softmax(l)
    best = sorted(kept, key=lambda i: (-l[i], i))[:24]  # the rest by count and sum: the file stays small
    case["kept"], case["id_sum"] = len(kept), int(kept.sum())
    case["best"] = [int(i) for i in best]
    case["p"] = [float(f"{probabilities[i]:.7g}") for i in best]
    return case


# --- Mirostat: the authors' program (basusourya/mirostat) and the paper's algorithms.

def draw(l, u):
    order = sorted((i for i in range(len(l)) if np.isfinite(l[i])), key=lambda i: (-l[i], i))
    probabilities = softmax(l)
    total = 0.0
    for i in order:
        total += probabilities[i]
        if total > u:
            return i
    return order[-1]


def mirostat_run(version, tau, eta, temperature, seed, named):
    mu, steps = 2 * tau, []
    names = list(named)
    for position in range(24):
        l = np.array(named[names[position % len(names)]], dtype=np.float32).astype(np.float64) / temperature
        order = sorted(range(len(l)), key=lambda i: (-l[i], i))
        probabilities = softmax(l)
        if version == 1:
            above = below = 0.0
            for i in range(100):
                b = math.log(probabilities[order[i]] / probabilities[order[i + 1]])
                t = math.log((i + 2) / (i + 1))
                above, below = above + t * b, below + t * t
            s = above / below
            e = s - 1
            k = round((e * 2**mu / (1 - len(l)**-e))**(1 / s)) + 1
            kept = order[:k]
        else:
            kept = [i for i in order if -math.log2(probabilities[i]) <= mu] or order[:1]
        cut = np.full(len(l), -np.inf)
        cut[kept] = l[kept]
        id = draw(cut, random_unit(seed, position, 0))
        mu -= eta * (-math.log2(probabilities[id]) - tau)
        steps.append({"id": int(id), "kept": len(kept), "mu": float(f"{mu:.9g}")})
    return {"mirostat": version, "mirostat_tau": tau, "mirostat_eta": eta, "temperature": temperature,
            "seed": seed, "steps": steps}


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else "tests/golden/sampling/steps.json"
    named = rows()
    all_cases = [with_result(case, named) for case in cases()]
    runs = [mirostat_run(version, tau, eta, t, seed, named) for version in (1, 2)
            for tau, eta, t, seed in ((5.0, 0.1, 0.8, 11), (3.0, 0.3, 1.0, 12), (6.5, 0.05, 1.5, 13))]
    units = [[seed, position, use, random_unit(seed, position, use)] for seed in (0, 1, 2**32, 2**63 - 1)
             for position in (0, 1, 2**32 + 3) for use in (0, 1)]
    draws = []
    for seed in (3, 4):
        l = np.array(named["zipf"], dtype=np.float32).astype(np.float64)
        draws.append({"row": "zipf", "seed": seed,
                      "ids": [int(draw(l, random_unit(seed, i, 0))) for i in range(64)]})
    logprobs = [{"row": name, "log_softmax": [float(f"{x:.7g}") for x in
                                              torch.log_softmax(torch.tensor(row, dtype=torch.float64), 0)]}
                for name, row in named.items()]
    versions = {"torch": torch.__version__, "transformers": transformers.__version__, "numpy": np.__version__}
    compact = dict(separators=(",", ":"))
    with open(out, "w", encoding="utf-8") as file:
        file.write('{"versions": ' + json.dumps(versions)
                   + ',\n "made_by": "scripts/make_goldens_sampling.py",\n "rows": {\n')
        file.write(",\n".join(json.dumps(k) + ": " + json.dumps(v, **compact) for k, v in named.items()))
        for name, items in (("cases", all_cases), ("mirostat", runs), ("draws", draws),
                            ("logprobs", logprobs)):
            file.write(("\n},\n" if name == "cases" else "\n],\n") + f' "{name}": [\n')
            file.write(",\n".join(json.dumps(item, **compact) for item in items))
        file.write('\n],\n "random_units": ' + json.dumps(units) + "}\n")
    print(f"{len(all_cases)} cases", file=sys.stderr)


if __name__ == "__main__":
    main()
