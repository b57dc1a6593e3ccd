// object.name and object[index], as Jinja's sandbox looks them up.
#pragma once

#include <string_view>

#include "jinja/runtime.h"
#include "jinja/value.h"

namespace sparrow::jinja {

// Attributes and methods first, then items. Undefined where there is neither; throws for an
// attribute of undefined.
Value get_attribute(Runtime& runtime, const Value& object, std::string_view name);
// Items first, then attributes and methods.
Value get_item(Runtime& runtime, const Value& object, const Value& index);
// object[start:stop:step]; none stands for a bound left out.
Value get_slice(Runtime& runtime, const Value& object, const Value& start, const Value& stop,
                const Value& step);

// The path of an `attribute` argument: names with dots between them, numbers as indices.
std::vector<Value> attribute_path(Runtime& runtime, const Value& attribute);
Value follow_path(Runtime& runtime, Value object, const std::vector<Value>& path);

}  // namespace sparrow::jinja
