// Merges as files list them: pairs of pieces, the first pair goes first.
#pragma once

#include <functional>
#include <string_view>
#include <utility>

#include "text/merge_table.h"
#include "text/vocabulary.h"

namespace sparrow {

using PiecePair = std::pair<std::string_view, std::string_view>;

// "Ġ t" -> {"Ġ", "t"}. `where` and `index` stand in messages: "tokenizer.ggml.merges[17]".
PiecePair split_merge(std::string_view line, size_t index, std::string_view where);

// `pair_at(i)` for i below `count`. Throws Error{invalid_file} for a pair that names a piece which
// the vocabulary lacks, or joins to one. Of equal pairs the last counts, as in the reference.
MergeTable read_merges(const Vocabulary& vocabulary, size_t count, std::string_view where,
                       const std::function<PiecePair(size_t)>& pair_at);

}  // namespace sparrow
