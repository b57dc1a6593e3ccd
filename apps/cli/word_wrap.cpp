#include "apps/cli/word_wrap.h"

#include <algorithm>

#include "apps/cli/display_text.h"

namespace sparrow::cli {
namespace {

constexpr int kTabStop = 8;
constexpr int kLeastColumns = 10;  // of a terminal that is worth wrapping for

// Marks that stay with what stands before them (JIS X 4051's main classes), and after.
bool is_closing(char32_t c) {
  constexpr std::u32string_view kClosing =
      U",.:;!?)]}%'\"’”、。，．：；？！）」』】》〉〕］｝〞…—·％‰々ーっッゃゅょャュョ";
  return kClosing.find(c) != std::u32string_view::npos;
}
bool is_opening(char32_t c) {
  constexpr std::u32string_view kOpening = U"([{‘“（「『【《〈〔［｛〝";
  return kOpening.find(c) != std::u32string_view::npos;
}

}  // namespace

void WordWrapper::place_word(std::string& out) {
  const int limit = std::max(columns_(), kLeastColumns) - 1;  // a full line would wrap by itself
  if (line_columns_ > 0 && line_columns_ + space_columns_ + word_columns_ > limit) {
    out += '\n';
    line_columns_ = 0;
  } else {
    out += spaces_;
    line_columns_ += space_columns_;
  }
  out += word_;
  line_columns_ += word_columns_;
  spaces_.clear();
  word_.clear();
  space_columns_ = word_columns_ = 0;
}

void WordWrapper::add(std::string_view bytes, char32_t first, int columns, std::string& out) {
  if (first == '\n') {
    if (!word_.empty()) place_word(out);
    out += '\n';
    spaces_.clear();
    line_columns_ = space_columns_ = 0;
    return;
  }
  if (first == ' ' || first == '\t') {
    if (!word_.empty()) place_word(out);
    const int at = line_columns_ + space_columns_;
    spaces_ += bytes;
    space_columns_ += first == ' ' ? 1 : kTabStop - at % kTabStop;
    return;
  }
  const bool is_wide = columns >= 2;
  if (!word_.empty()) {
    const bool may_break =
        (is_wide || last_is_wide_) && columns > 0 && !is_closing(first) && !is_opening(last_);
    // A word that fills a line by itself is broken where the line ends.
    const bool is_full = word_columns_ + columns >= std::max(columns_(), kLeastColumns);
    if (may_break || is_full) place_word(out);
  }
  word_ += bytes;
  word_columns_ += columns;
  last_ = first;
  last_is_wide_ = is_wide;
}

std::string WordWrapper::push(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const TextCluster cluster = first_cluster(text);
    add(cluster.bytes, cluster.first, cluster.columns, out);
    text.remove_prefix(cluster.bytes.size());
  }
  return out;
}

std::string WordWrapper::finish() {
  std::string out;
  if (!word_.empty()) place_word(out);
  spaces_.clear();
  space_columns_ = 0;
  return out;
}

}  // namespace sparrow::cli
