// Byte-level BPE as its definition has it, one merge after the other over strings: what the fast
// one is compared with. Quadratic.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "text/pretokenizer.h"

namespace sparrow::test {

class SlowBpe {
 public:
  // A golden of tests/golden/text with "tokens" and "merges".
  explicit SlowBpe(const TreeJson& golden);

  // The pieces of `text`, which is valid and normalized and in which no added token counts.
  std::vector<std::string> encode(const PreTokenizer& pretokenizer, std::string_view text) const;

 private:
  void merge(std::vector<std::string>& pieces) const;

  std::map<std::pair<std::string, std::string>, size_t> ranks_;
};

}  // namespace sparrow::test
