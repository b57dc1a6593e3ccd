#!/usr/bin/env python3
"""Renders real chat templates with sparrow and with transformers, and counts the differences.

    scripts/compare_templates.py [--sparrow build/sparrow] [--templates FOLDER] [--model FILE.gguf]… [--template FILE]…

Every template (all *.jinja files of FOLDER, each FILE, the ones inside the models) is rendered with every conversation
of tests/golden/chat/conversations.json by `sparrow render` and by transformers' apply_chat_template. Both have to print
the same bytes, or both have to refuse. A FILE may be a tokenizer_config.json. Without --templates the folder of about
70 real templates that the source package of llama-cpp-python carries is fetched with pip.

Needs transformers, tokenizers, jinja2, gguf.
"""
import argparse
import concurrent.futures
import glob
import json
import os
import subprocess
import sys
import tarfile
import tempfile

import gguf
import jinja2
import transformers
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
CONVERSATIONS = os.path.join(ROOT, "tests", "golden", "chat", "conversations.json")
SPECIAL_TOKENS = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}


def conversations():
    with open(CONVERSATIONS, encoding="utf-8") as file:
        return json.load(file)


def reference_tokenizer(special_tokens):
    """A tokenizer whose only purpose is to have these special tokens."""
    vocabulary = {token: index for index, token in enumerate(dict.fromkeys(special_tokens.values()))}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel(vocabulary)), **special_tokens)


def reference(tokenizer, template, case):
    """(text, None) or (None, error) of transformers."""
    arguments = {key: value for key, value in case.items() if key not in ("name", "messages")}
    try:
        # A deep copy: transformers keeps no promise not to change its input.
        messages = json.loads(json.dumps(case["messages"]))
        return tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, **arguments), None
    except Exception as error:  # whatever it raises is a refusal
        return None, f"{type(error).__name__}: {error}"


def sparrow(program, model, template, case, folder):
    """(text, None) or (None, error) of sparrow render; `template` is a path or None for the model's own."""
    path = os.path.join(folder, "conversation.json")
    if not os.path.exists(folder):
        os.makedirs(folder)
    with open(path, "w", encoding="utf-8") as file:
        json.dump({key: value for key, value in case.items() if key != "name"}, file)
    command = [program, "render", model, path] + (["--template", template] if template else [])
    result = subprocess.run(command, capture_output=True, timeout=60, check=False)
    if result.returncode == 0:
        return result.stdout.decode("utf-8", "surrogateescape"), None
    if result.returncode < 0 or result.returncode == 70:
        sys.exit(f"sparrow died ({result.returncode}): {' '.join(command)}\n{result.stderr.decode()}")
    return None, result.stderr.decode("utf-8", "replace").strip()


def small_model(path):
    """A GGUF file with a vocabulary and nothing else."""
    writer = gguf.GGUFWriter(path, "llama")
    tokens = ["<s>", "</s>", "a", "b", "ab"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3, 1, 1, 1])
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return {"bos_token": "<s>", "eos_token": "</s>"}


def model_template(path):
    """The template and the special tokens of a GGUF file."""
    fields = gguf.GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"]
    special = {}
    for name, key in SPECIAL_TOKENS.items():
        field = fields.get(f"tokenizer.ggml.{key}_token_id")
        if field:
            special[name] = tokens.contents(field.contents())
    return fields["tokenizer.chat_template"].contents(), special


def fetch_templates(folder):
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:",
               "-d", folder, "llama-cpp-python==0.3.36"]
    subprocess.run(command, check=False)  # pip may fail at the metadata once the archive is there
    archives = glob.glob(os.path.join(folder, "llama_cpp_python-*.tar.gz"))
    if not archives:
        sys.exit("pip could not fetch the source package of llama-cpp-python; give --templates FOLDER")
    with tarfile.open(archives[0]) as archive:
        members = [m for m in archive.getmembers() if "/models/templates/" in m.name and m.name.endswith(".jinja")]
        archive.extractall(folder, members=members, filter="data")
    return os.path.dirname(os.path.join(folder, members[0].name))


def read_template(path):
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    return json.loads(text)["chat_template"] if path.endswith(".json") else text


def jobs(arguments, folder):
    """(name, template text, path for --template or None, model, special tokens) of everything to compare."""
    model = os.path.join(folder, "vocabulary.gguf")
    special = small_model(model)
    paths = list(arguments.template)
    paths += sorted(glob.glob(os.path.join(arguments.templates or fetch_templates(folder), "*.jinja")))
    for index, path in enumerate(paths):
        text = read_template(path)
        copy = os.path.join(folder, f"template{index}.jinja")
        with open(copy, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        yield os.path.basename(path), text, copy, model, special
    for path in arguments.model:
        text, tokens = model_template(path)
        yield os.path.basename(path), text, None, path, tokens


def compare(arguments, job, index, folder):
    name, text, path, model, special = job
    tokenizer = reference_tokenizer(special)
    same = refused = 0
    differences = []
    for case in conversations():
        for attempt in range(2):  # twice, should a minute pass between the two clocks
            wanted, wanted_error = reference(tokenizer, text, case)
            got, got_error = sparrow(arguments.sparrow, model, path, case, os.path.join(folder, str(index)))
            if got == wanted:
                break
        if got != wanted:
            differences.append((name, case["name"], wanted if wanted_error is None else wanted_error, got if got_error is None else got_error))
        elif wanted is None:
            refused += 1
        else:
            same += 1
    return name, same, refused, differences


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sparrow", default=os.path.join(ROOT, "build", "sparrow"))
    parser.add_argument("--templates", help="a folder of *.jinja files")
    parser.add_argument("--template", action="append", default=[], help="one more template, or a tokenizer_config.json")
    parser.add_argument("--model", action="append", default=[], help="a GGUF file with a template")
    parser.add_argument("--quiet", action="store_true", help="only the sum")
    arguments = parser.parse_args()
    print(f"transformers {transformers.__version__}, jinja2 {jinja2.__version__}, {len(conversations())} conversations")
    total_same = total_refused = templates = 0
    differences = []
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(compare, arguments, job, index, folder) for index, job in enumerate(jobs(arguments, folder))]
        for run in runs:
            name, same, refused, found = run.result()
            templates += 1
            total_same += same
            total_refused += refused
            differences += found
            if not arguments.quiet:
                print(f"{name}: {same} the same, {refused} refused by both, {len(found)} different")
    for name, case, wanted, got in differences:
        print(f"\n== {name}, {case}\nreference: {wanted!r}\nsparrow:   {got!r}")
    print(f"{templates} templates: {total_same} the same, {total_refused} refused by both, {len(differences)} different")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
