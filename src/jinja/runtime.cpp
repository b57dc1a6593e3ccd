#include "jinja/runtime.h"

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "jinja/characters.h"
#include "jinja/compare.h"
#include "jinja/strings.h"
#include "jinja/value_text.h"

namespace sparrow::jinja {

Runtime::Runtime(const Limits& limits, int64_t input_weight, const std::tm& now)
    : limits_(limits),
      now_(now),
      fuel_(std::min(std::max(limits.fuel, limits.fuel_most),
                     limits.fuel + input_weight * limits.fuel_per_input)) {}

void Runtime::fail_out_of_fuel() const {
  fail(ErrorCode::invalid_argument,
       "the template takes more steps than are allowed; it may never end");
}

void Runtime::spend_text(size_t bytes) {
  if (bytes > limits_.text_bytes) {
    fail(ErrorCode::invalid_argument, "a string of {} bytes; at most {} are made", bytes,
         limits_.text_bytes);
  }
  spend(kStringCost + static_cast<int64_t>(bytes / 16));
}

Value Runtime::make_string(Text text, bool is_markup) {
  spend_text(text.size());
  spend(static_cast<int64_t>(text.border_count() / 2));
  return Value::string(std::move(text), is_markup);
}

Value Runtime::make_strings(std::vector<Text> texts, bool is_markup) {
  std::vector<Value> items;
  items.reserve(texts.size());
  for (Text& text : texts) items.push_back(make_string(std::move(text), is_markup));
  return make_list(std::move(items));
}

Value Runtime::make_list(std::vector<Value> items) {
  spend(kContainerCost + static_cast<int64_t>(items.size()));
  return Value::list(std::move(items));
}

Value Runtime::make_tuple(std::vector<Value> items) {
  spend(kContainerCost + static_cast<int64_t>(items.size()));
  return Value::tuple(std::move(items));
}

Value Runtime::make_dict(std::vector<DictEntry> entries) {
  // Each key is compared with as many others as finding its place takes.
  const int64_t comparisons = std::bit_width(entries.size());
  spend(kContainerCost + 2 * static_cast<int64_t>(entries.size()));
  for (const DictEntry& entry : entries) spend((entry.key.weight() - 1) * comparisons);
  return Value::dict(std::move(entries));
}

Text Runtime::text_of(const Value& value) {
  spend(value.weight());
  Text text = to_text(value, limits_.text_bytes);
  if (!value.is_string()) spend_text(text.size());
  return text;
}

std::vector<Value> Runtime::items_of(const Value& value) {
  std::vector<Value> items;
  const auto reserve = [&](size_t count) {
    spend(static_cast<int64_t>(count));
    items.reserve(count);
  };
  if (value.is_sequence()) {
    reserve(value.items().size());
    items = value.items();
  } else if (value.is_undefined()) {
    return items;
  } else if (value.is_string()) {
    const Text& text = value.as_text();
    for (size_t at = 0; at < text.size();) {
      const size_t end = at + character_at(text.view(), at).size_bytes;
      items.push_back(make_string(text.slice(at, end)));
      at = end;
    }
  } else if (value.is(Kind::dict)) {
    reserve(value.as_dict().entries().size());
    for (const DictEntry& entry : value.as_dict().entries()) items.push_back(entry.key);
  } else if (const auto* range = dynamic_cast<const Range*>(value.as_object())) {
    reserve(static_cast<size_t>(range->count));
    for (int64_t i = 0; i < range->count; ++i) items.push_back(range->at(i));
  } else if (const auto* view = dynamic_cast<const DictView*>(value.as_object())) {
    reserve(2 * view->dict.as_dict().entries().size());
    for (const DictEntry& entry : view->dict.as_dict().entries()) items.push_back(view->at(entry));
  } else if (auto* iterator = dynamic_cast<Iterator*>(value.as_object())) {
    reserve(iterator->items.size() - iterator->next);
    items.assign(iterator->items.begin() + static_cast<std::ptrdiff_t>(iterator->next),
                 iterator->items.end());
    iterator->next = iterator->items.size();
  } else {
    fail(ErrorCode::invalid_argument, "'{}' object is not iterable", type_name(value));
  }
  return items;
}

std::optional<int64_t> length_of(const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
      return 0;
    case Kind::string:
      return character_count(value.as_view());
    case Kind::list:
    case Kind::tuple:
      return static_cast<int64_t>(value.items().size());
    case Kind::dict:
      return static_cast<int64_t>(value.as_dict().entries().size());
    default:
      break;
  }
  if (const auto* range = dynamic_cast<const Range*>(value.as_object())) return range->count;
  if (const auto* view = dynamic_cast<const DictView*>(value.as_object()))
    return length_of(view->dict);
  return std::nullopt;
}

bool is_iterable(const Value& value) {
  const Object* object = value.as_object();
  return length_of(value).has_value() || dynamic_cast<const Iterator*>(object) != nullptr;
}

bool contains(Runtime& runtime, const Value& container, const Value& item) {
  const auto has_equal = [&](const std::vector<Value>& items) {
    return std::any_of(items.begin(), items.end(), [&](const Value& other) {
      runtime.spend(std::min(other.weight(), item.weight()));
      return equals(other, item);
    });
  };
  if (container.is_string()) {
    if (!item.is_string()) {
      fail(ErrorCode::invalid_argument, "'in <string>' requires string as left operand, not {}",
           type_name(item));
    }
    runtime.spend(container.weight());
    return find_first(container.as_view(), item.as_view()) != std::string::npos;
  }
  if (container.is_sequence()) return has_equal(container.items());
  if (container.is(Kind::dict)) {
    runtime.spend(item.weight());
    return container.as_dict().find(item) != nullptr;
  }
  if (!is_iterable(container)) {
    fail(ErrorCode::invalid_argument, "argument of type '{}' is not iterable",
         type_name(container));
  }
  return has_equal(runtime.items_of(container));
}

}  // namespace sparrow::jinja
