#include "tests/support/slow_bpe.h"

#include "text/byte_level.h"

namespace sparrow::test {

SlowBpe::SlowBpe(const TreeJson& golden) {
  for (const TreeJson& row : golden["merges"]) {
    const std::string line = row.get<std::string>();
    const size_t space = line.find(' ');
    ranks_[{line.substr(0, space), line.substr(space + 1)}] = ranks_.size();
  }
}

std::vector<std::string> SlowBpe::encode(const PreTokenizer& pretokenizer,
                                         std::string_view text) const {
  const std::array<std::string, 256> spelling = byte_level_spelling();
  std::vector<size_t> ends;
  pretokenizer.split(text, ends);
  std::vector<std::string> all;
  size_t begin = 0;
  for (const size_t end : ends) {
    std::vector<std::string> pieces;
    for (; begin < end; ++begin)
      pieces.push_back(spelling[static_cast<unsigned char>(text[begin])]);
    merge(pieces);
    all.insert(all.end(), pieces.begin(), pieces.end());
  }
  return all;
}

void SlowBpe::merge(std::vector<std::string>& pieces) const {
  while (true) {
    size_t best = pieces.size();
    size_t best_rank = ranks_.size();
    for (size_t i = 0; i + 1 < pieces.size(); ++i) {
      const auto found = ranks_.find({pieces[i], pieces[i + 1]});
      if (found != ranks_.end() && found->second < best_rank) {
        best = i;
        best_rank = found->second;
      }
    }
    if (best == pieces.size()) return;
    pieces[best] += pieces[best + 1];
    pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

}  // namespace sparrow::test
