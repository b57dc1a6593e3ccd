#include "text/prompt_text.h"

#include <algorithm>

#include "base/utf8.h"

namespace sparrow {

PromptText::PromptText(std::span<const Segment> segments) {
  size_t size_bytes = 0;
  for (const Segment& segment : segments) size_bytes += segment.text.size();
  text_.reserve(size_bytes);
  for (const Segment& segment : segments) {
    text_ += segment.text;
    add_run(text_.size(), segment.from_template);
  }
  if (is_valid_utf8(text_)) return;

  // What is repaired counts as the user's words: no control token holds U+FFFD.
  const std::string broken = std::move(text_);
  const std::vector<Run> old_runs = std::move(runs_);
  text_.clear();
  runs_.clear();
  size_t run = 0;
  for (size_t at = 0; at < broken.size();) {
    while (old_runs[run].end <= at) ++run;
    const Utf8Character character = decode_utf8(broken, at);
    const size_t end = at + character.size_bytes;
    append_utf8(character.code_point, text_);
    add_run(text_.size(),
            character.is_valid && old_runs[run].from_template && end <= old_runs[run].end);
    at = end;
  }
}

void PromptText::add_run(size_t end, bool from_template) {
  if (!runs_.empty() && runs_.back().from_template == from_template) {
    runs_.back().end = end;
  } else if (end > (runs_.empty() ? 0 : runs_.back().end)) {
    runs_.push_back({end, from_template});
  }
}

bool PromptText::is_from_template(size_t begin, size_t end) const {
  const auto run = std::upper_bound(runs_.begin(), runs_.end(), begin,
                                    [](size_t at, const Run& row) { return at < row.end; });
  return run != runs_.end() && run->from_template && end <= run->end;
}

}  // namespace sparrow
