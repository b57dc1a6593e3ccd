// Python's arithmetic on values.
#pragma once

#include <string_view>

#include "jinja/runtime.h"
#include "jinja/value.h"

namespace sparrow::jinja {

Value add(Runtime& runtime, const Value& left, const Value& right);
Value subtract(Runtime& runtime, const Value& left, const Value& right);
Value multiply(Runtime& runtime, const Value& left, const Value& right);
Value divide(Runtime& runtime, const Value& left, const Value& right);
Value floor_divide(Runtime& runtime, const Value& left, const Value& right);
Value modulo(Runtime& runtime, const Value& left, const Value& right);  // also "%s" % x
Value power(Runtime& runtime, const Value& left, const Value& right);
Value negate(const Value& operand);
Value plus(const Value& operand);

// What |safe strings demand of the others beside them: & < > ' " written as HTML.
Text escape_markup(Runtime& runtime, const Value& value);

}  // namespace sparrow::jinja
