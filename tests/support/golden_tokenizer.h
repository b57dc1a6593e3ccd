// Small tokenizers for tests: those of tests/golden/text, as tokenizer.json and as GGUF.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "gguf/writer.h"

namespace sparrow::test {

// tests/golden/text/NAME.json of the repository at `source_folder`.
TreeJson read_text_golden(const std::string& source_folder, const std::string& name);

// The tokenizer.json of one kind of a golden, with the vocabulary and merges that its kinds share.
std::string tokenizer_json(const TreeJson& golden, const std::string& kind);

// What a converter would write of them: added tokens with their types, two rows of padding.
GgufWriter byte_level_gguf(const TreeJson& golden, const std::string& pre);
GgufWriter sentencepiece_gguf(const TreeJson& golden);

}  // namespace sparrow::test
