#include "jinja/object.h"

#include "base/error.h"
#include "jinja/compare.h"
#include "jinja/limits.h"

namespace sparrow::jinja {

std::optional<Value> Namespace::attribute(std::string_view name) {
  for (const DictEntry& attribute : attributes) {
    if (attribute.key.is_string() && attribute.key.as_view() == name) return attribute.value;
  }
  return std::nullopt;
}

void Namespace::set(const Value& name, Value value) {
  // Hugging Face's environment forbids these.
  if (name.is_string() && name.as_view().starts_with('_')) {
    fail(ErrorCode::invalid_argument,
         "chat templates cannot store underscore-prefixed attributes on a namespace, but got '{}'",
         name.as_view());
  }
  for (DictEntry& attribute : attributes) {
    if (compare_keys(attribute.key, name) == 0) {
      attribute.value = std::move(value);
      return;
    }
  }
  if (attributes.size() >= kMaxNamespaceAttributes) {
    fail(ErrorCode::invalid_argument, "a namespace holds at most {} attributes",
         kMaxNamespaceAttributes);
  }
  attributes.push_back({name, std::move(value)});
}

Range::Range(Integer start, Integer stop, Integer step) : start(start), stop(stop), step(step) {
  constexpr Integer kMost = Integer{1} << 62;
  const Integer distance = step > 0 ? stop - start : start - stop;
  const Integer stride = step > 0 ? step : -step;
  if (distance > 0) count = static_cast<int64_t>(std::min(kMost, (distance + stride - 1) / stride));
}

std::optional<Value> Cycler::attribute(std::string_view name) {
  if (name == "current") return items[position];
  return std::nullopt;
}

std::string_view DictView::type_name() const {
  switch (part) {
    case Part::keys:
      return "dict_keys";
    case Part::values:
      return "dict_values";
    case Part::items:
      return "dict_items";
  }
  return "dict_items";
}

Value DictView::at(const DictEntry& entry) const {
  switch (part) {
    case Part::keys:
      return entry.key;
    case Part::values:
      return entry.value;
    case Part::items:
      return Value::tuple({entry.key, entry.value});
  }
  return Value();
}

}  // namespace sparrow::jinja
