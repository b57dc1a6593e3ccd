#include "jinja/lookup.h"

#include <algorithm>

#include "base/error.h"
#include "jinja/builtins.h"
#include "jinja/characters.h"
#include "jinja/number_text.h"
#include "jinja/strings.h"
#include "jinja/value_text.h"

namespace sparrow::jinja {
namespace {

// "dict object", "None": a value in the words of Jinja's messages.
std::string object_words(const Value& value) {
  if (value.is_none()) return "None";
  return fmt::format("{} object", type_name(value));
}

std::optional<Value> find_attribute(Runtime& runtime, const Value& object, std::string_view name) {
  if (is_forbidden_method(object, name)) {
    return Value::undefined(
        fmt::format("access to attribute '{}' of '{}' object is unsafe.", name, type_name(object)));
  }
  if (Object* pointer = object.as_object()) {
    if (std::optional<Value> value = pointer->attribute(name)) return value;
  }
  if (object.is_group() && name == "grouper") return object.items()[0];
  if (object.is_group() && name == "list") return object.items()[1];
  if (const Method* method = find_method(object, name)) {
    return Value::object(runtime.make<BoundMethod>(object, method));
  }
  return std::nullopt;
}

std::optional<Value> at_index(Runtime& runtime, const Value& object, int64_t index) {
  if (object.is_sequence()) {
    const int64_t size = static_cast<int64_t>(object.items().size());
    const int64_t at = index < 0 ? index + size : index;
    if (at < 0 || at >= size) return std::nullopt;
    return object.items()[static_cast<size_t>(at)];
  }
  if (object.is_string()) {
    runtime.spend(object.weight());
    const Text& text = object.as_text();
    const int64_t size = character_count(text.view());
    const int64_t at = index < 0 ? index + size : index;
    if (at < 0 || at >= size) return std::nullopt;
    const size_t begin = byte_offset(text.view(), at);
    return runtime.make_string(
        text.slice(begin, begin + character_at(text.view(), begin).size_bytes), object.is_markup());
  }
  if (const auto* range = dynamic_cast<const Range*>(object.as_object())) {
    const int64_t at = index < 0 ? index + range->count : index;
    if (at < 0 || at >= range->count) return std::nullopt;
    return range->at(at);
  }
  return std::nullopt;
}

bool is_hashable(const Value& value) {
  if (value.is(Kind::list) || value.is(Kind::dict)) return false;
  if (!value.is(Kind::tuple)) return true;
  return std::all_of(value.items().begin(), value.items().end(), is_hashable);
}

std::optional<Value> find_item(Runtime& runtime, const Value& object, const Value& index) {
  if (object.is(Kind::dict)) {
    if (!is_hashable(index)) return std::nullopt;
    const Value* value = object.as_dict().find(index);
    return value == nullptr ? std::nullopt : std::optional<Value>(*value);
  }
  if (index.is(Kind::integer) || index.is(Kind::boolean))
    return at_index(runtime, object, small_integer(index));
  return std::nullopt;
}

void check_defined(const Value& object) {
  if (object.is_undefined()) fail(ErrorCode::invalid_argument, "{}", object.undefined_reason());
}

std::optional<int64_t> bound_of(const Value& value) {
  if (value.is_none()) return std::nullopt;
  if (!value.is(Kind::integer) && !value.is(Kind::boolean)) {
    fail(ErrorCode::invalid_argument, "slice indices must be integers or None, not {}",
         type_name(value));
  }
  return small_integer(value);
}

}  // namespace

Value get_attribute(Runtime& runtime, const Value& object, std::string_view name) {
  check_defined(object);
  if (std::optional<Value> value = find_attribute(runtime, object, name)) return *value;
  if (object.is(Kind::dict)) {
    if (const Value* value = object.as_dict().find(name)) return *value;
  }
  return Value::undefined(fmt::format("'{}' has no attribute '{}'", object_words(object), name));
}

Value get_item(Runtime& runtime, const Value& object, const Value& index) {
  check_defined(object);
  runtime.spend(index.weight());
  if (std::optional<Value> value = find_item(runtime, object, index)) return *value;
  if (index.is_string()) {
    if (std::optional<Value> value = find_attribute(runtime, object, index.as_view()))
      return *value;
    return Value::undefined(
        fmt::format("'{}' has no attribute '{}'", object_words(object), index.as_view()));
  }
  return Value::undefined(fmt::format("{} has no element {}", object_words(object),
                                      repr(index, runtime.limits().text_bytes)));
}

Value get_slice(Runtime& runtime, const Value& object, const Value& start, const Value& stop,
                const Value& step) {
  check_defined(object);
  const std::optional<int64_t> first = bound_of(start);
  const std::optional<int64_t> end = bound_of(stop);
  const int64_t stride = bound_of(step).value_or(1);
  if (object.is_string()) {
    runtime.spend(object.weight());
    return runtime.make_string(slice(object.as_text(), first, end, stride), object.is_markup());
  }
  if (object.is_sequence()) {
    const std::vector<Value>& items = object.items();
    const SliceRange range = slice_range(static_cast<int64_t>(items.size()), first, end, stride);
    std::vector<Value> part;
    part.reserve(static_cast<size_t>(range.count));
    for (int64_t i = 0; i < range.count; ++i)
      part.push_back(items[static_cast<size_t>(range.start + i * stride)]);
    return object.is(Kind::tuple) ? runtime.make_tuple(std::move(part))
                                  : runtime.make_list(std::move(part));
  }
  if (const auto* range = dynamic_cast<const Range*>(object.as_object())) {
    const SliceRange part = slice_range(range->count, first, end, stride);
    const Integer from = range->start + range->step * part.start;
    const Integer by = range->step * stride;
    return Value::object(runtime.make<Range>(from, from + by * part.count, by));
  }
  fail(ErrorCode::invalid_argument, "'{}' object is not subscriptable", type_name(object));
}

std::vector<Value> attribute_path(Runtime& runtime, const Value& attribute) {
  if (attribute.is_none()) return {};
  if (!attribute.is_string()) return {attribute};
  std::vector<Value> path;
  for (Text& part : split(attribute.as_text(), ".", -1, false)) {
    if (has_only(part.view(), kDigit)) {
      path.push_back(Value::integer(parse_integer(part.view(), 10).value_or(0)));
    } else {
      path.push_back(runtime.make_string(std::move(part)));
    }
  }
  return path;
}

Value follow_path(Runtime& runtime, Value object, const std::vector<Value>& path) {
  for (const Value& part : path) object = get_item(runtime, object, part);
  return object;
}

}  // namespace sparrow::jinja
