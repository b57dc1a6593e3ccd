// The methods of Python's list, tuple and dict that change nothing.
#include <algorithm>

#include "base/error.h"
#include "jinja/builtins.h"
#include "jinja/compare.h"

namespace sparrow::jinja {
namespace {

using Arguments = BoundArguments;

bool is_equal(Runtime& runtime, const Value& left, const Value& right) {
  runtime.spend(std::min(left.weight(), right.weight()));
  return equals(left, right);
}

Value count(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  return Value::integer(
      std::count_if(receiver.items().begin(), receiver.items().end(),
                    [&](const Value& item) { return is_equal(runtime, item, arguments[0]); }));
}

Value index(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  const std::vector<Value>& items = receiver.items();
  const int64_t size = static_cast<int64_t>(items.size());
  const auto place = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + size : at, 0, size);
  };
  const int64_t end = place(arguments.integer(2, size));
  for (int64_t at = place(arguments.integer(1, 0)); at < end; ++at) {
    if (is_equal(runtime, items[static_cast<size_t>(at)], arguments[0])) return Value::integer(at);
  }
  fail(ErrorCode::invalid_argument, "the value is not in the {}", type_name(receiver));
}

Value copy(Runtime&, const Value& receiver, Arguments&) { return receiver; }

Value get(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  runtime.spend(arguments[0].weight());
  const Value* value = receiver.as_dict().find(arguments[0]);
  if (value != nullptr) return *value;
  return arguments.has(1) ? arguments[1] : Value();
}

template <DictView::Part part>
Value view(Runtime& runtime, const Value& receiver, Arguments&) {
  return Value::object(runtime.make<DictView>(receiver, part));
}

Value from_keys(Runtime& runtime, const Value&, Arguments& arguments) {
  std::vector<DictEntry> entries;
  for (Value& key : runtime.items_of(arguments[0])) {
    entries.push_back({std::move(key), arguments.has(1) ? arguments[1] : Value()});
  }
  return runtime.make_dict(std::move(entries));
}

constexpr Method kSequenceMethods[] = {
    {"copy", {}, copy},
    {"count", {{"value"}, 1}, count},
    {"index", {{"value", "start", "stop"}, 1}, index},
};

constexpr Method kDictMethods[] = {
    {"copy", {}, copy},
    {"fromkeys", {{"iterable", "value"}, 1}, from_keys},
    {"get", {{"key", "default"}, 1}, get},
    {"items", {}, view<DictView::Part::items>},
    {"keys", {}, view<DictView::Part::keys>},
    {"values", {}, view<DictView::Part::values>},
};

}  // namespace

std::span<const Method> sequence_methods() { return kSequenceMethods; }
std::span<const Method> dict_methods() { return kDictMethods; }

}  // namespace sparrow::jinja
