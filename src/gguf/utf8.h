// Whether bytes are well-formed UTF-8 (Unicode 15, table 3-7): names in a file must be.
#pragma once

#include <string_view>

namespace sparrow::gguf {

bool is_valid_utf8(std::string_view text);

}  // namespace sparrow::gguf
