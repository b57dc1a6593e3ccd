// Python's ==, <, `in` and the order of dict keys. Recursion is bounded by kMaxValueDepth; the time
// by the weights of both sides, which the caller pays for.
#pragma once

#include <compare>
#include <string_view>

#include "jinja/value.h"

namespace sparrow::jinja {

bool equals(const Value& left, const Value& right);

// Throws what Python raises for two types that have no order; `symbol` stands in the message.
std::partial_ordering order(const Value& left, const Value& right, std::string_view symbol);

// Below, equal to or above 0: some total order in which Python's equal keys are equal.
int compare_keys(const Value& left, const Value& right);
int compare_key(const Value& left, std::string_view right);

// Exact, as Python compares an int with a float.
std::partial_ordering compare_numbers(const Value& left, const Value& right);

}  // namespace sparrow::jinja
