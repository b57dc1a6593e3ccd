// Cuts text into the words inside which byte-level BPE merges, as each model family's reference
// does with regular expressions. Hand-written: linear in the text, without recursion.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sparrow {

struct PreTokenizer {
  std::string_view name;  // as tokenizer.ggml.pre has it

  // Appends the end of each word to `ends`, ascending; the last is text.size(). The words cover
  // `text`, which is valid UTF-8 and whose end counts as the end of the whole text.
  void (*split)(std::string_view text, std::vector<size_t>& ends);

  // The stages of a tokenizer.json that mean the same, one a line: "Split REGEX" (isolated),
  // "Digits" (individual), "ByteLevel" or "ByteLevel regex". Empty: tokenizer.json has no such
  // form.
  std::string_view json_stages;

  // What a GGUF file cannot say and its family implies.
  bool composes = false;           // NFC before anything else
  bool takes_whole_words = false;  // a word that is in the vocabulary is taken without merging
  bool adds_bos = false;           // unless tokenizer.ggml.add_bos_token says otherwise
};

// Null if there is none.
const PreTokenizer* find_pretokenizer(std::string_view name);
const PreTokenizer* find_pretokenizer_by_stages(std::string_view json_stages);

// For messages: "qwen2, llama-bpe, …".
std::string pretokenizer_names();

}  // namespace sparrow
