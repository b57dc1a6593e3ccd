// One JSON string by itself, lenient where text from elsewhere is broken.
#pragma once

#include <string>
#include <string_view>

namespace sparrow::cli {

// The bytes that `line`, a JSON string and nothing else, stands for. A surrogate without its other
// half is written as its three bytes, which are no UTF-8, as Python's 'surrogatepass' does; bytes
// that are no UTF-8 stay as they are. Throws Error{invalid_argument}, which begins with `where`.
std::string parse_json_string(std::string_view line, std::string_view where);

}  // namespace sparrow::cli
