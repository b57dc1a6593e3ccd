#include "text/read_merges.h"

#include <string>

#include "base/error.h"
#include "base/quoted.h"

namespace sparrow {
namespace {

TokenId id_of(const Vocabulary& vocabulary, std::string_view piece, size_t index,
              std::string_view where) {
  const std::optional<TokenId> id = vocabulary.find(piece);
  if (!id) {
    fail(ErrorCode::invalid_file, "{}[{}] needs the token {}, which the vocabulary does not have",
         where, index, quoted_text(piece));
  }
  return *id;
}

}  // namespace

PiecePair split_merge(std::string_view line, size_t index, std::string_view where) {
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || space == 0 || space + 1 == line.size() ||
      line.find(' ', space + 1) != std::string_view::npos) {
    fail(ErrorCode::invalid_file, "{}[{}] is {}; a merge is two pieces with one space between",
         where, index, quoted_text(line));
  }
  return {line.substr(0, space), line.substr(space + 1)};
}

MergeTable read_merges(const Vocabulary& vocabulary, size_t count, std::string_view where,
                       const std::function<PiecePair(size_t)>& pair_at) {
  if (count > static_cast<size_t>(MergeTable::kMaxMerges)) {
    fail(ErrorCode::invalid_file, "{} has {} entries; at most {} are taken", where, count,
         MergeTable::kMaxMerges);
  }
  MergeTable merges(count);
  std::string joined;
  for (size_t i = 0; i < count; ++i) {
    const auto [left, right] = pair_at(i);
    joined.assign(left);
    joined += right;
    const TokenId left_id = id_of(vocabulary, left, i, where);
    const TokenId right_id = id_of(vocabulary, right, i, where);
    merges.add_pair(left_id, right_id, merges.add_merge(id_of(vocabulary, joined, i, where)));
  }
  return merges;
}

}  // namespace sparrow
