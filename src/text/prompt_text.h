// The segments of a prompt as one valid UTF-8 text that still knows who wrote which byte.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/segment.h"

namespace sparrow {

class PromptText {
 public:
  // Joins and repairs them: a character cut by a border is whole again.
  explicit PromptText(std::span<const Segment> segments);

  std::string_view text() const { return text_; }
  // True if the template wrote every byte of [begin, end).
  bool is_from_template(size_t begin, size_t end) const;

 private:
  struct Run {
    size_t end;
    bool from_template;
  };
  void add_run(size_t end, bool from_template);

  std::string text_;
  std::vector<Run> runs_;  // ascending, neighbours differ
};

}  // namespace sparrow
