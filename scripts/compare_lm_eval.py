#!/usr/bin/env python3
"""lm-eval's own vllm back-end over the shim named vllm, beside its hf back-end on the same file.

    pip install lm-eval torch transformers gguf ./bindings/python ./bindings/python-vllm-shim
    scripts/compare_lm_eval.py MODEL.gguf [--hf] [--limit 0.01] [--generate]

Multiple-choice items are cut from scripts/quality_text.txt, the same each time: some words of a text, and four ways
to go on, of which three stand elsewhere in it. lm-eval's vllm back-end runs them with f32 activations and cache, and
on the default path; with --hf lm-eval's hf back-end does too, transformers reading the GGUF in f32. The exit code is 1
unless the default path makes the choice of the f32 path on 97 % of the items with an accuracy within 2 points, and,
with --hf, each of the f32 path's log-likelihoods is within --limit of transformers' and the choice is the same on
99 %. --generate also runs a task that lm-eval calls generate_until: to go on, greedily, up to the next full stop.
Nothing is fetched. The folder that the back-ends are given holds the GGUF and a config.json, which transformers makes
of the file: lm-eval's vllm back-end reads one, whatever the engine.
"""
import argparse
import json
import os
import pathlib
import random
import sys
import tempfile
import time

# Threads of torch that spin while they wait lose most where a core is shared.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false", TQDM_DISABLE="1")

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHOICES = "sparrow_continuations"
ANSWERS = "sparrow_sentences"
PASSAGE_WORDS, CONTINUATION_WORDS = 14, 6
TASKS = {
    CHOICES: """
output_type: multiple_choice
doc_to_text: "{{passage}}"
doc_to_choice: choices
doc_to_target: answer
target_delimiter: ""
metric_list:
  - metric: acc
  - metric: acc_norm
""",
    ANSWERS: """
output_type: generate_until
doc_to_text: "{{passage}}"
doc_to_target: "{{choices[answer]}}"
target_delimiter: ""
generation_kwargs:
  until: ["."]
  max_gen_toks: 24
  do_sample: false
metric_list:
  - metric: exact_match
""",
}


def make_items(count):
    """Passages in the order of the text, with four continuations each, of which `answer` is the true one."""
    words = (ROOT / "scripts" / "quality_text.txt").read_text(encoding="utf-8").split()
    step = PASSAGE_WORDS + CONTINUATION_WORDS
    windows = [words[start:start + step] for start in range(0, len(words) - step, step)]
    # Where no spaces stand between words, a word is a sentence.
    windows = [window for window in windows if max(map(len, window)) <= 30]
    windows = [windows[index * len(windows) // count] for index in range(count)]
    ends = [" " + " ".join(window[PASSAGE_WORDS:]) for window in windows]
    items = []
    for index, window in enumerate(windows):
        rng = random.Random(index)
        # Of the same neighbourhood, so that the subject alone does not tell.
        near = [other for other in range(max(0, index - 6), min(count, index + 7)) if ends[other] != ends[index]]
        choices = [ends[index], *(ends[other] for other in rng.sample(near, 3))]
        rng.shuffle(choices)
        items.append({"passage": " ".join(window[:PASSAGE_WORDS]), "choices": choices,
                      "answer": choices.index(ends[index])})
    return items


def write_folder(folder, model, items):
    """The model with its config.json, the items and the tasks. Gives the model's folder."""
    from transformers import AutoConfig

    (folder / "model").mkdir()
    (folder / "tasks").mkdir()
    file = folder / "model" / "model.gguf"
    file.symlink_to(model)
    AutoConfig.from_pretrained(folder / "model", gguf_file=file.name).save_pretrained(folder / "model")
    data = folder / "items.jsonl"
    data.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    for name, text in TASKS.items():
        head = f"task: {name}\ndataset_path: json\ndataset_kwargs:\n  data_files:\n    test: {data}\ntest_split: test\n"
        (folder / "tasks" / f"{name}.yaml").write_text(head + text.lstrip("\n"), encoding="utf-8")
    return folder / "model"


class Result:
    """What one run of lm-eval found."""

    def __init__(self, title, tasks, task, **evaluation):
        import lm_eval

        began_at = time.monotonic()
        found = lm_eval.simple_evaluate(tasks=[task], task_manager=tasks, log_samples=True, bootstrap_iters=0,
                                        **evaluation)
        self.seconds = time.monotonic() - began_at
        samples = sorted(found["samples"][task], key=lambda sample: sample["doc_id"])
        self.metrics = {name.split(",")[0]: value for name, value in found["results"][task].items()
                        if isinstance(value, float)}
        self.responses = [sample["filtered_resps"] for sample in samples]
        shown = ", ".join(f"{name} {value:.4f}" for name, value in self.metrics.items() if "stderr" not in name)
        print(f"{title}: {shown} ({self.seconds:.0f} s, the model's loading included)", flush=True)

    @property
    def choices(self):
        """The most likely choice of each item."""
        return [max(range(len(each)), key=lambda index: each[index][0]) for each in self.responses]


def compare(name, result, base):
    """Prints how far apart two results are: the worst difference, the share of equal choices, the points of acc."""
    differences = [abs(a[0] - b[0]) for x, y in zip(result.responses, base.responses) for a, b in zip(x, y)]
    same = sum(a == b for a, b in zip(result.choices, base.choices))
    points = 100 * (result.metrics["acc"] - base.metrics["acc"])
    print(f"{name}: log-likelihoods differ by {max(differences):.2g} at most and {sum(differences) / len(differences):.2g} "
          f"on average, {same} of {len(result.choices)} choices are the same, accuracy {points:+.1f} points")
    return max(differences), same / len(result.choices), points


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL.gguf", type=pathlib.Path)
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--hf", action="store_true")
    parser.add_argument("--limit", type=float, default=0.01)
    parser.add_argument("--generate", action="store_true")
    args = parser.parse_args()
    from lm_eval.tasks import TaskManager

    is_good = True
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        os.environ["HF_DATASETS_CACHE"] = str(folder / "cache")
        model = write_folder(folder, args.model.resolve(), make_items(args.items))
        tasks = TaskManager(include_path=str(folder / "tasks"), include_defaults=False)
        hf = dict(model="hf", model_args=dict(pretrained=str(model), gguf_file="model.gguf", dtype="float32"),
                  device="cpu", batch_size=8)
        own = dict(pretrained=str(model), max_model_len=1024)
        exact = dict(model="vllm", model_args=dict(own, activations="f32", kv_cache_dtype="float32"),
                     batch_size="auto")
        default = dict(model="vllm", model_args=own, batch_size="auto")

        f32 = Result("vllm back-end, f32 activations and cache", tasks, CHOICES, **exact)
        usual = Result("vllm back-end, default path", tasks, CHOICES, **default)
        _, same, points = compare("default path beside f32", usual, f32)
        is_good &= same >= 0.97 and abs(points) <= 2
        if args.hf:
            reference = Result("hf back-end, f32", tasks, CHOICES, **hf)
            worst, same, _ = compare("f32 beside hf", f32, reference)
            is_good &= worst <= args.limit and same >= 0.99
            compare("default path beside hf", usual, reference)
        if args.generate:
            answers = [Result("generate_until, f32", tasks, ANSWERS, **exact),
                       Result("generate_until, default path", tasks, ANSWERS, **default)]
            if args.hf:
                answers.append(Result("generate_until, hf", tasks, ANSWERS, **hf))
            for title, result in zip(("default path", "hf"), answers[1:]):
                same = sum(a == b for a, b in zip(answers[0].responses, result.responses))
                print(f"{title}: {same} of {args.items} answers are those of f32")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
