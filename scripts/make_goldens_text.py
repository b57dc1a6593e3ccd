#!/usr/bin/env python3
"""Writes tests/golden/text/*.json: tiny vocabularies and what the reference tokenizers make of texts.

Usage: python scripts/make_goldens_text.py [SmolLM2-135M-Instruct.Q4_1.gguf]

Needs `pip install tokenizers sentencepiece protobuf gguf`. The vocabularies are trained here, on a few
sentences, so that nothing of a real model is committed; of SmolLM2, which scripts/test fetches, only
ids are. The large comparison with real vocabularies is scripts/compare_tokenizers.py.
"""
import io
import json
import pathlib
import random
import sys

import sentencepiece
import tokenizers
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from compare_tokenizers import PRE_TOKENIZERS, GgufVocabulary, byte_level_reference, sentencepiece_like_reference

OUTPUT = pathlib.Path(__file__).resolve().parent.parent / "tests/golden/text"

TRAINING = (
    """The quick brown fox jumps over the lazy dog. It's what they'll say; we've been there, don't you think?
All the other words of the language are in the text, and the text is in the language of the words.
def encode(self, text):\n    for i in range(10):\n        return self.text[i] + 1\n
你好，世界。你好，朋友。介绍一下你自己。世界很大。 こんにちは世界 안녕하세요 세계 Привет мир, привет всем. café cafés déjà vu naïve
1234567890 2026 1999 3.14159 100 1000 10000 == != <= >= ... ---- ____ //// {}[]()<>\n\n\n\t\tx = y\r\n"""
    * 4
)

CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
USER_DEFINED = ["<tool_call>", "</tool_call>", "<tool>"]

TEXTS = [
    "", " ", "  ", "a", " a", "a ", "hello world", " hello  world ", "The quick brown fox", "It's they'll WE'VE don'T I'M 'S it'\u017f",
    "1", "12", "123", "1234567", "x1y22z333", "3.14159", "a  1", "\u0661\u0662\u0663 \u00b2 \u2167 \U0001d7d9 \U00011de1 \U00010d41",
    "\n", "\n\n", " \n ", "\r\n\r\n", "a\nb", "a \n b", "\t\tx = y\n\n\n", "x\u3000y", "\u00a0\u00a0a", "end  ", "end\n", "\x0b\x0c\x1c\x85",
    "你好，世界。", "你好世界123", " 你好 ", "こんにちは世界", "안녕하세요", "Привет, мир!", "caf\u00e9 cafe\u0301", "e\u0301\u0323 \u1100\u1161\u11a8 \u212b \u0958",
    "a\u0323\u0307x\u0307\u0323", "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U00010d4a\U00016ea0", "\u17f4\u0f71\u0f72", "\ufeffx\u200b",
    "def encode(self, text):\n    for i in range(10):\n        return self.text[i] + 1\n", "if(x!=y){z+=1;}//\u00e9", "$%^&*()_+=-~`|\\{}[]:;\"'<>,.?/",
    "---- ____ ....", "''''", "' 's 'x", "<|im_end|>", "a<|im_end|>b", "<|im_start|>user\n\u4f60\u597d<|im_end|>\n", "<|im_end|", "<|im_<|im_end|>",
    "<tool_call>{\"a\": 1}</tool_call>", "<tool><tool_call><tool_call", "e<tool>\u0301", "<s> </s> <unk>", "<0x41>", "\u2581 \u2581\u2581a", "[PAD0]",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", " " * 70 + "x", "=" * 61, "你" * 50,
]  # fmt: skip


def encode_both(tokenizer, text):
    """Ids with control tokens counting, and without."""
    ids = []
    for special in (True, False):
        tokenizer.encode_special_tokens = not special
        ids.append(tokenizer.encode(text, add_special_tokens=False).ids)
    tokenizer.encode_special_tokens = False
    return ids


def train_byte_level():
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trained.train_from_iterator([TRAINING], trainers.BpeTrainer(vocab_size=520, initial_alphabet=alphabet, show_progress=False))
    model = json.loads(trained.to_str())["model"]
    return model, sorted(model["vocab"], key=model["vocab"].get), [" ".join(m) for m in model["merges"]]


def kind_of(tokenizer, texts):
    saved = json.loads(tokenizer.to_str())
    saved["model"] = {k: v for k, v in saved["model"].items() if k not in ("vocab", "merges")}
    ids = [encode_both(tokenizer, text) for text in texts]
    decoded = [tokenizer.decode(row[0], skip_special_tokens=True) for row in ids]
    return {"tokenizer": saved, "ids": ids, "decoded": decoded}


def make_byte_level():
    model, tokens, merges = train_byte_level()
    kinds = {}
    for pre in PRE_TOKENIZERS:
        tokenizer = Tokenizer(models.BPE(vocab=model["vocab"], merges=[tuple(m) for m in model["merges"]], ignore_merges=pre == "llama-bpe"))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(PRE_TOKENIZERS[pre]())
        tokenizer.normalizer = normalizers.NFC() if pre == "qwen2" else None
        tokenizer.decoder = decoders.ByteLevel()
        tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in CONTROL])
        tokenizer.add_tokens([AddedToken(t, normalized=False) for t in USER_DEFINED])
        kinds[pre] = kind_of(tokenizer, TEXTS)
    return {"tokens": tokens, "merges": merges, "texts": TEXTS, "kinds": kinds}


# Every flag of an added token, before and after normalizing, one inside of another.
FLAGGED = [
    AddedToken("<L>", special=True, normalized=False, lstrip=True),
    AddedToken("<R>", special=True, normalized=False, rstrip=True),
    AddedToken("<LR>", normalized=False, lstrip=True, rstrip=True),
    AddedToken("word", normalized=False, single_word=True),
    AddedToken("wordy", normalized=False),
    AddedToken("caf\u00e9", normalized=True),
    AddedToken("e\u0301\u0323", normalized=True),
    AddedToken("<N>", special=True, normalized=True),
    AddedToken("ab", normalized=True, single_word=True),
    AddedToken("abab", normalized=True, lstrip=True),
    AddedToken("\n\n", normalized=False, rstrip=True),
]


def make_added_tokens():
    model, tokens, merges = train_byte_level()
    rng = random.Random(5)
    parts = [t.content for t in FLAGGED] + [" ", "  ", "\n", "\u3000", "a", "b", "e", "e\u0301", "cafe\u0301", "\u0323", "\u0301", "_", "1", "\u00b2", ".", "x", "word", "<", "\u200d", "\u0903"]
    texts = ["".join(rng.choice(parts) for _ in range(rng.randint(1, 9))) for _ in range(300)]
    kinds = {}
    for name, normalizer in [("nfc", normalizers.NFC()), ("plain", None)]:
        tokenizer = Tokenizer(models.BPE(vocab=model["vocab"], merges=[tuple(m) for m in model["merges"]]))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(PRE_TOKENIZERS["qwen2"]())
        tokenizer.normalizer = normalizer
        tokenizer.decoder = decoders.ByteLevel()
        for token in FLAGGED:
            (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
        kinds[name] = kind_of(tokenizer, texts)
    return {"tokens": tokens, "merges": merges, "texts": texts, "kinds": kinds}


class TrainedVocabulary:
    """A SentencePiece model in the shape of compare_tokenizers.GgufVocabulary."""

    def __init__(self, pieces):
        self.tokens = [p.piece for p in pieces]
        self.types = [p.type for p in pieces]
        self.scores = [p.score for p in pieces]

    def added(self):
        return [(AddedToken(t, special=True, normalized=False), i) for i, t in enumerate(self.tokens) if self.types[i] in (2, 3)]


def make_sentencepiece():
    stream = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TRAINING.splitlines()), model_writer=stream, model_type="bpe", vocab_size=560, byte_fallback=True,
        character_coverage=0.98, normalization_rule_name="identity", remove_extra_whitespaces=False, add_dummy_prefix=True,
        allow_whitespace_only_pieces=True, split_digits=True, minloglevel=2)  # fmt: skip
    proto = sentencepiece_model_pb2.ModelProto.FromString(stream.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=stream.getvalue())
    prepending = sentencepiece_like_reference(TrainedVocabulary(proto.pieces))
    metaspace = Tokenizer.from_str(prepending.to_str())
    metaspace.normalizer = None
    metaspace.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    kinds = {}
    for name, tokenizer in [("prepend", prepending), ("metaspace-first", metaspace)]:
        kinds[name] = kind_of(tokenizer, TEXTS)
    model = json.loads(prepending.to_str())["model"]
    assert sorted(model["vocab"], key=model["vocab"].get) == [p.piece for p in proto.pieces]
    return {
        "pieces": [[p.piece, p.score, p.type] for p in proto.pieces],
        "merges": [" ".join(m) for m in model["merges"]],
        "texts": TEXTS,
        "sentencepiece_ids": [processor.encode(text) for text in TEXTS],
        "kinds": kinds,
    }


def make_smollm2(path):
    tokenizer = byte_level_reference(GgufVocabulary(path), "smollm")
    texts = [*TEXTS, *TRAINING.splitlines()[:12]]
    return {"texts": texts, "ids": [encode_both(tokenizer, text) for text in texts]}


def write(name, golden):
    about = f"Made by scripts/make_goldens_text.py with tokenizers {tokenizers.__version__} and sentencepiece {sentencepiece.__version__}."
    text = json.dumps({"about": about, **golden}, ensure_ascii=True, separators=(",", ":"))
    # A line for each long part, so that a change can be seen.
    for key in ["tokens", "merges", "pieces", "texts", "kinds", "ids", "decoded", "sentencepiece_ids"]:
        text = text.replace(f',"{key}":', f',\n"{key}":')
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / name).write_text(text.replace('},"', '},\n"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    write("byte_level.json", make_byte_level())
    write("added_tokens.json", make_added_tokens())
    write("sentencepiece.json", make_sentencepiece())
    if len(sys.argv) > 1:
        write("smollm2.json", make_smollm2(sys.argv[1]))
