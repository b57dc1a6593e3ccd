// A piece of a prompt and who wrote it. Control tokens count only in what the template wrote.
#pragma once

#include <string>

namespace sparrow {

struct Segment {
  std::string text;            // UTF-8
  bool from_template = false;  // false: a user's words, in which `<|im_end|>` is plain text
};

}  // namespace sparrow
