// Filters that take other filters, tests and attributes by name, and defaults.
#include "base/error.h"
#include "jinja/builtins.h"
#include "jinja/lookup.h"

namespace sparrow::jinja {
namespace {

using Arguments = BoundArguments;

// Takes the first positional argument away.
std::optional<Value> take_first(CallArguments& arguments) {
  if (arguments.positional.empty()) return std::nullopt;
  Value first = std::move(arguments.positional.front());
  arguments.positional.erase(arguments.positional.begin());
  return first;
}

std::string_view name_of(const Value& value, std::string_view what) {
  if (!value.is_string())
    fail(ErrorCode::invalid_argument, "a {} is named by a string, got {}", what, type_name(value));
  return value.as_view();
}

Value map_attribute(Runtime& runtime, const Value& input, CallArguments& all) {
  const std::vector<Value> path = attribute_path(runtime, *all.take("attribute"));
  const std::optional<Value> otherwise = all.take("default");
  if (!all.named.empty())
    fail(ErrorCode::invalid_argument, "Unexpected keyword argument '{}'", all.named[0].first);
  std::vector<Value> result;
  for (Value& item : runtime.items_of(input)) {
    for (const Value& part : path) {
      item = get_item(runtime, item, part);
      if (item.is_undefined() && otherwise && !otherwise->is_none()) item = *otherwise;
    }
    result.push_back(std::move(item));
  }
  return Value::object(runtime.make<Iterator>(std::move(result)));
}

Value map(Runtime& runtime, const Value& input, Arguments& arguments) {
  CallArguments& all = arguments.all();
  if (!input.truth()) return Value::object(runtime.make<Iterator>(std::vector<Value>()));
  const bool has_attribute = std::any_of(all.named.begin(), all.named.end(),
                                         [](const auto& row) { return row.first == "attribute"; });
  if (all.positional.empty() && has_attribute) return map_attribute(runtime, input, all);
  const std::optional<Value> name = take_first(all);
  if (!name) fail(ErrorCode::invalid_argument, "map requires a filter argument");
  const Filter* filter = find_filter(name_of(*name, "filter"));
  if (filter == nullptr)
    fail(ErrorCode::invalid_argument, "No filter named '{}'.", name->as_view());
  std::vector<Value> result;
  for (const Value& item : runtime.items_of(input)) {
    runtime.spend(1 + static_cast<int64_t>(all.positional.size() + all.named.size()));
    result.push_back(apply_filter(runtime, *filter, item, all));
  }
  return Value::object(runtime.make<Iterator>(std::move(result)));
}

// select, reject, selectattr and rejectattr: the items for which a test says `wanted`.
template <bool wanted, bool by_attribute>
Value select(Runtime& runtime, const Value& input, Arguments& arguments) {
  CallArguments& all = arguments.all();
  if (!input.truth()) return Value::object(runtime.make<Iterator>(std::vector<Value>()));
  std::vector<Value> path;
  if (by_attribute) {
    const std::optional<Value> attribute = take_first(all);
    if (!attribute) fail(ErrorCode::invalid_argument, "Missing parameter for attribute name");
    path = attribute_path(runtime, *attribute);
  }
  const std::optional<Value> name = take_first(all);
  const Test* test = name ? find_test(name_of(*name, "test")) : nullptr;
  if (name && test == nullptr)
    fail(ErrorCode::invalid_argument, "No test named '{}'.", name->as_view());
  std::vector<Value> result;
  for (Value& item : runtime.items_of(input)) {
    const Value tested = follow_path(runtime, item, path);
    runtime.spend(1 + static_cast<int64_t>(all.positional.size() + all.named.size()));
    const bool holds = test == nullptr ? tested.truth() : apply_test(runtime, *test, tested, all);
    if (holds == wanted) result.push_back(std::move(item));
  }
  return Value::object(runtime.make<Iterator>(std::move(result)));
}

Value attribute(Runtime& runtime, const Value& input, Arguments& arguments) {
  const std::string_view name = arguments.text(0).view();
  // Not the items of a dict: only what `input.name` would find first.
  if (input.is(Kind::dict) && find_method(input, name) == nullptr) {
    return Value::undefined(fmt::format("'dict object' has no attribute '{}'", name));
  }
  return get_attribute(runtime, input, name);
}

Value otherwise(Runtime&, const Value& input, Arguments& arguments) {
  const bool is_missing = input.is_undefined() || (arguments.truth(1, false) && !input.truth());
  if (!is_missing) return input;
  return arguments.has(0) ? arguments[0] : Value::string(std::string());
}

constexpr Signature kOpen = {.is_open = true};
constexpr Filter kSelectionFilters[] = {
    {"attr", {{"name"}, 1}, attribute},
    {"d", {{"default_value", "boolean"}}, otherwise},
    {"default", {{"default_value", "boolean"}}, otherwise},
    {"map", kOpen, map},
    {"reject", kOpen, select<false, false>},
    {"rejectattr", kOpen, select<false, true>},
    {"select", kOpen, select<true, false>},
    {"selectattr", kOpen, select<true, true>},
};

}  // namespace

std::span<const Filter> selection_filters() { return kSelectionFilters; }

}  // namespace sparrow::jinja
