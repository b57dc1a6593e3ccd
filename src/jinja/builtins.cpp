#include "jinja/builtins.h"

#include <algorithm>

#include "base/error.h"
#include "jinja/loop.h"
#include "jinja/object.h"

namespace sparrow::jinja {
namespace {

template <typename Row>
const Row* find_row(std::span<const Row> rows, std::string_view name) {
  const auto row =
      std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.name == name; });
  return row == rows.end() ? nullptr : &*row;
}

Value cycler_next(Runtime&, const Value& receiver, BoundArguments&) {
  Cycler* cycler = dynamic_cast<Cycler*>(receiver.as_object());
  Value current = cycler->items[cycler->position];
  cycler->position = (cycler->position + 1) % cycler->items.size();
  return current;
}

Value cycler_reset(Runtime&, const Value& receiver, BoundArguments&) {
  dynamic_cast<Cycler*>(receiver.as_object())->position = 0;
  return Value();
}

Value loop_cycle(Runtime&, const Value& receiver, BoundArguments& arguments) {
  return dynamic_cast<Loop*>(receiver.as_object())->cycle(arguments.all().positional);
}

Value loop_changed(Runtime& runtime, const Value& receiver, BoundArguments& arguments) {
  for (const Value& value : arguments.all().positional) runtime.spend(value.weight());
  return Value::boolean(
      dynamic_cast<Loop*>(receiver.as_object())->changed(std::move(arguments.all().positional)));
}

Value dict_from_keys(Runtime& runtime, const Value&, BoundArguments& arguments) {
  const Value empty = Value::dict({});
  return call_method(runtime, *find_method(empty, "fromkeys"), empty, std::move(arguments.all()));
}

constexpr Method kDictFunctionMethods[] = {
    {"fromkeys", {.is_open = true}, dict_from_keys},
};

constexpr Method kLoopMethods[] = {
    {"changed", {.is_open = true}, loop_changed},
    {"cycle", {.is_open = true}, loop_cycle},
};

constexpr Method kCyclerMethods[] = {
    {"next", {}, cycler_next},
    {"reset", {}, cycler_reset},
};

std::span<const Method> methods_of(const Value& receiver) {
  if (receiver.is_string()) return string_methods();
  if (receiver.is(Kind::list)) return sequence_methods();
  if (receiver.is(Kind::tuple)) return sequence_methods().subspan(1);  // all but copy
  if (receiver.is(Kind::dict)) return dict_methods();
  if (dynamic_cast<const Cycler*>(receiver.as_object()) != nullptr) return kCyclerMethods;
  const auto* function = dynamic_cast<const FunctionObject*>(receiver.as_object());
  if (function != nullptr && function->function->name == "dict") return kDictFunctionMethods;
  if (dynamic_cast<const Loop*>(receiver.as_object()) != nullptr) return kLoopMethods;
  return {};
}

}  // namespace

std::optional<Value> CallArguments::take(std::string_view name) {
  const auto found =
      std::find_if(named.begin(), named.end(), [&](const auto& row) { return row.first == name; });
  if (found == named.end()) return std::nullopt;
  Value value = std::move(found->second);
  named.erase(found);
  return value;
}

BoundArguments::BoundArguments(std::string_view what, const Signature& signature,
                               CallArguments arguments)
    : what_(what) {
  if (signature.is_open) {
    all_ = std::move(arguments);
    return;
  }
  const auto end = std::find(signature.parameters.begin(), signature.parameters.end(), "");
  values_.resize(static_cast<size_t>(end - signature.parameters.begin()));
  if (arguments.positional.size() > values_.size()) {
    fail(ErrorCode::invalid_argument, "{} takes at most {} arguments, got {}", what, values_.size(),
         arguments.positional.size());
  }
  std::move(arguments.positional.begin(), arguments.positional.end(), values_.begin());
  for (auto& [name, value] : arguments.named) {
    const auto place = std::find(signature.parameters.begin(), end, name);
    if (place == end) fail(ErrorCode::invalid_argument, "{} takes no argument '{}'", what, name);
    std::optional<Value>& slot = values_[static_cast<size_t>(place - signature.parameters.begin())];
    if (slot) fail(ErrorCode::invalid_argument, "{} got two values for '{}'", what, name);
    slot = std::move(value);
  }
  for (size_t i = 0; i < static_cast<size_t>(signature.required); ++i) {
    if (!values_[i])
      fail(ErrorCode::invalid_argument, "{} lacks its argument '{}'", what,
           signature.parameters[i]);
  }
}

bool BoundArguments::truth(size_t index, bool otherwise) const {
  return has(index) ? (*this)[index].truth() : otherwise;
}

int64_t BoundArguments::integer(size_t index, int64_t otherwise) const {
  return has(index) ? small_integer((*this)[index]) : otherwise;
}

const Text& BoundArguments::text(size_t index) const {
  const Value& value = (*this)[index];
  if (!value.is_string()) {
    fail(ErrorCode::invalid_argument, "{} wants a string, got {}", what_, type_name(value));
  }
  return value.as_text();
}

std::optional<int64_t> BoundArguments::maybe_integer(size_t index) const {
  if (!has(index) || (*this)[index].is_none()) return std::nullopt;
  return small_integer((*this)[index]);
}

std::optional<std::string_view> BoundArguments::maybe_view(size_t index) const {
  if (!has(index) || (*this)[index].is_none()) return std::nullopt;
  return text(index).view();
}

int64_t small_integer(const Value& value) {
  if (value.is_undefined()) fail(ErrorCode::invalid_argument, "{}", value.undefined_reason());
  if (!value.is(Kind::integer) && !value.is(Kind::boolean)) {
    fail(ErrorCode::invalid_argument, "'{}' object cannot be interpreted as an integer",
         type_name(value));
  }
  constexpr Integer kMost = Integer{1} << 62;
  return static_cast<int64_t>(std::clamp(value.as_integer(), -kMost, kMost));
}

const Filter* find_filter(std::string_view name) {
  for (const auto rows : {text_filters(), number_filters(), sequence_filters(), selection_filters(),
                          markup_filters()}) {
    if (const Filter* filter = find_row(rows, name)) return filter;
  }
  return nullptr;
}

const Function* find_function(std::string_view name) { return find_row(global_functions(), name); }

const Method* find_method(const Value& receiver, std::string_view name) {
  return find_row(methods_of(receiver), name);
}

bool is_forbidden_method(const Value& receiver, std::string_view name) {
  constexpr std::string_view kList[] = {"append", "clear", "pop",    "reverse",
                                        "insert", "sort",  "extend", "remove"};
  constexpr std::string_view kDict[] = {"clear", "pop", "popitem", "setdefault", "update"};
  const auto has = [&](std::span<const std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return (receiver.is(Kind::list) && has(kList)) || (receiver.is(Kind::dict) && has(kDict));
}

Value apply_filter(Runtime& runtime, const Filter& filter, const Value& input,
                   CallArguments arguments) {
  BoundArguments bound(filter.name, filter.signature, std::move(arguments));
  return filter.apply(runtime, input, bound);
}

bool apply_test(Runtime& runtime, const Test& test, const Value& input, CallArguments arguments) {
  BoundArguments bound(test.name, test.signature, std::move(arguments));
  return test.apply(runtime, input, bound);
}

Value call_function(Runtime& runtime, const Function& function, CallArguments arguments) {
  BoundArguments bound(function.name, function.signature, std::move(arguments));
  return function.call(runtime, bound);
}

Value call_method(Runtime& runtime, const Method& method, const Value& receiver,
                  CallArguments arguments) {
  BoundArguments bound(method.name, method.signature, std::move(arguments));
  return method.call(runtime, receiver, bound);
}

}  // namespace sparrow::jinja
