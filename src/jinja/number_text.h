// Numbers to text and back, digit for digit as Python writes and reads them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "jinja/value.h"

namespace sparrow::jinja {

std::string integer_text(Integer value, int base = 10);  // base 2, 8, 10 or 16, lower case
std::string real_text(double value);                     // repr(): the shortest that reads back

// Python's %f, %e and %g ('f', 'e', 'g'; upper case for INF and E), and 'r': format() with a
// precision and no type. `keep_point` is the '#' flag.
std::string real_text(double value, char conversion, int precision, bool keep_point = false);

// int(text, base): spaces around, a sign, underscores between digits, a prefix where base is 0 or
// fits it. Empty where Python raises ValueError; throws where the value is out of range.
std::optional<Integer> parse_integer(std::string_view text, int base);
// float(text); empty where Python raises ValueError.
std::optional<double> parse_real(std::string_view text);

// A float without its fraction; throws for infinity, NaN and what does not fit.
Integer truncate(double value);

// round(value, digits): to even where it is halfway.
double round_half_even(double value, int64_t digits);

}  // namespace sparrow::jinja
