// Python's two ways of filling a string: "%s" % x and "{}".format(x). What the pattern says keeps
// the pattern's writers, what is filled in keeps its own.
#pragma once

#include "jinja/builtins.h"
#include "jinja/runtime.h"
#include "jinja/value.h"

namespace sparrow::jinja {

// `arguments` is a tuple, a mapping, or one value.
Value format_percent(Runtime& runtime, const Value& pattern, const Value& arguments);

Value format_braces(Runtime& runtime, const Value& pattern, const CallArguments& arguments);
// The same with names taken from a mapping.
Value format_map(Runtime& runtime, const Value& pattern, const Value& mapping);

// One value by a format specification: ">10", "05.2f", "x".
Text format_value(Runtime& runtime, const Value& value, std::string_view specification);

}  // namespace sparrow::jinja
