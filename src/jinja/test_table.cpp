// What stands behind `is`.
#include "base/error.h"
#include "jinja/builtins.h"
#include "jinja/compare.h"
#include "jinja/operators.h"
#include "jinja/strings.h"

namespace sparrow::jinja {
namespace {

using Arguments = BoundArguments;

template <Kind kind>
bool is_kind(Runtime&, const Value& input, Arguments&) {
  return input.is(kind);
}

bool leaves(Runtime& runtime, const Value& input, const Value& divisor, Integer rest) {
  return equals(modulo(runtime, input, divisor), Value::integer(rest));
}
bool is_odd(Runtime& runtime, const Value& input, Arguments&) {
  return leaves(runtime, input, Value::integer(2), 1);
}
bool is_even(Runtime& runtime, const Value& input, Arguments&) {
  return leaves(runtime, input, Value::integer(2), 0);
}
bool is_divisible_by(Runtime& runtime, const Value& input, Arguments& arguments) {
  return leaves(runtime, input, arguments[0], 0);
}

bool is_defined(Runtime&, const Value& input, Arguments&) { return !input.is_undefined(); }
bool is_true(Runtime&, const Value& input, Arguments&) {
  return input.is(Kind::boolean) && input.truth();
}
bool is_false(Runtime&, const Value& input, Arguments&) {
  return input.is(Kind::boolean) && !input.truth();
}
bool is_number(Runtime&, const Value& input, Arguments&) { return input.is_number(); }
bool is_escaped(Runtime&, const Value& input, Arguments&) { return input.is_markup(); }

bool is_lower(Runtime& runtime, const Value& input, Arguments&) {
  return is_all_lower(runtime.text_of(input).view());
}
bool is_upper(Runtime& runtime, const Value& input, Arguments&) {
  return is_all_upper(runtime.text_of(input).view());
}

// It has a length and can be indexed.
bool is_sequence(Runtime&, const Value& input, Arguments&) {
  return length_of(input).has_value() &&
         dynamic_cast<const DictView*>(input.as_object()) == nullptr;
}
bool is_iterable(Runtime&, const Value& input, Arguments&) { return jinja::is_iterable(input); }
bool is_callable(Runtime&, const Value& input, Arguments&) {
  // Undefined can be called, to raise its error.
  return input.is_undefined() || (input.as_object() != nullptr && input.as_object()->is_callable());
}

bool is_same_as(Runtime&, const Value& input, Arguments& arguments) {
  return input.is_same_as(arguments[0]);
}
bool is_in(Runtime& runtime, const Value& input, Arguments& arguments) {
  return contains(runtime, arguments[0], input);
}
bool is_filter(Runtime&, const Value& input, Arguments&) {
  return input.is_string() && find_filter(input.as_view()) != nullptr;
}
bool is_test(Runtime&, const Value& input, Arguments&) {
  return input.is_string() && find_test(input.as_view()) != nullptr;
}

void pay(Runtime& runtime, const Value& left, const Value& right) {
  runtime.spend(std::min(left.weight(), right.weight()));
}
bool is_equal(Runtime& runtime, const Value& input, Arguments& arguments) {
  pay(runtime, input, arguments[0]);
  return equals(input, arguments[0]);
}
bool is_unequal(Runtime& runtime, const Value& input, Arguments& arguments) {
  return !is_equal(runtime, input, arguments);
}
bool is_less(Runtime& runtime, const Value& input, Arguments& arguments) {
  pay(runtime, input, arguments[0]);
  return order(input, arguments[0], "<") < 0;
}
bool is_at_most(Runtime& runtime, const Value& input, Arguments& arguments) {
  pay(runtime, input, arguments[0]);
  return order(input, arguments[0], "<=") <= 0;
}
bool is_greater(Runtime& runtime, const Value& input, Arguments& arguments) {
  pay(runtime, input, arguments[0]);
  return order(input, arguments[0], ">") > 0;
}
bool is_at_least(Runtime& runtime, const Value& input, Arguments& arguments) {
  pay(runtime, input, arguments[0]);
  return order(input, arguments[0], ">=") >= 0;
}

constexpr Signature kOther = {{"other"}, 1};
constexpr Test kTests[] = {
    {"!=", kOther, is_unequal},
    {"<", kOther, is_less},
    {"<=", kOther, is_at_most},
    {"==", kOther, is_equal},
    {">", kOther, is_greater},
    {">=", kOther, is_at_least},
    {"boolean", {}, is_kind<Kind::boolean>},
    {"callable", {}, is_callable},
    {"defined", {}, is_defined},
    {"divisibleby", {{"num"}, 1}, is_divisible_by},
    {"eq", kOther, is_equal},
    {"equalto", kOther, is_equal},
    {"escaped", {}, is_escaped},
    {"even", {}, is_even},
    {"false", {}, is_false},
    {"filter", {}, is_filter},
    {"float", {}, is_kind<Kind::real>},
    {"ge", kOther, is_at_least},
    {"greaterthan", kOther, is_greater},
    {"gt", kOther, is_greater},
    {"in", {{"seq"}, 1}, is_in},
    {"integer", {}, is_kind<Kind::integer>},
    {"iterable", {}, is_iterable},
    {"le", kOther, is_at_most},
    {"lessthan", kOther, is_less},
    {"lower", {}, is_lower},
    {"lt", kOther, is_less},
    {"mapping", {}, is_kind<Kind::dict>},
    {"ne", kOther, is_unequal},
    {"none", {}, is_kind<Kind::none>},
    {"number", {}, is_number},
    {"odd", {}, is_odd},
    {"sameas", kOther, is_same_as},
    {"sequence", {}, is_sequence},
    {"string", {}, is_kind<Kind::string>},
    {"test", {}, is_test},
    {"true", {}, is_true},
    {"undefined", {}, is_kind<Kind::undefined>},
    {"upper", {}, is_upper},
};

}  // namespace

const Test* find_test(std::string_view name) {
  const auto* row = std::find_if(std::begin(kTests), std::end(kTests),
                                 [&](const Test& test) { return test.name == name; });
  return row == std::end(kTests) ? nullptr : row;
}

}  // namespace sparrow::jinja
