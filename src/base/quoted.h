// Foreign text in a message.
#pragma once

#include <string>
#include <string_view>

namespace sparrow {

// In quotes; control characters and bytes that are not UTF-8 are spelled out ("\x1b"), long text is
// cut. fmt's {:?} is no replacement: version 9 asserts on some broken text.
std::string quoted_text(std::string_view text);

}  // namespace sparrow
