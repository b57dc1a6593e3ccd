#include "engine/stop_matcher.h"

#include <algorithm>

namespace sparrow {
namespace {

size_t next_match(const std::string& text, const std::vector<size_t>& fallback, size_t matched,
                  char byte) {
  while (matched > 0 && text[matched] != byte) matched = fallback[matched - 1];
  return text[matched] == byte ? matched + 1 : 0;
}

}  // namespace

StopMatcher::StopMatcher(std::span<const std::string> stops) {
  for (const std::string& stop : stops) {
    std::vector<size_t> fallback(stop.size(), 0);
    for (size_t i = 1; i < stop.size(); ++i)
      fallback[i] = next_match(stop, fallback, fallback[i - 1], stop[i]);
    patterns_.push_back({stop, std::move(fallback), 0});
  }
}

const std::string* StopMatcher::push(std::string_view piece, std::string& shown) {
  if (patterns_.empty()) {
    shown += piece;
    return nullptr;
  }
  for (const char byte : piece) {
    held_ += byte;
    const Pattern* complete = nullptr;
    size_t longest = 0;
    for (Pattern& pattern : patterns_) {
      pattern.matched = next_match(pattern.text, pattern.fallback, pattern.matched, byte);
      longest = std::max(longest, pattern.matched);
      if (pattern.matched < pattern.text.size()) continue;
      if (complete == nullptr || pattern.text.size() > complete->text.size()) complete = &pattern;
    }
    if (complete != nullptr) {
      shown.append(held_, 0, held_.size() - complete->text.size());
      held_.clear();
      return &complete->text;
    }
    shown.append(held_, 0, held_.size() - longest);
    held_.erase(0, held_.size() - longest);
  }
  return nullptr;
}

void StopMatcher::finish(std::string& shown) {
  shown += held_;
  held_.clear();
}

}  // namespace sparrow
