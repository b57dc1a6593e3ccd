// The half of the evaluator that computes values.
#include "base/error.h"
#include "jinja/compare.h"
#include "jinja/evaluator.h"
#include "jinja/lookup.h"
#include "jinja/operators.h"

namespace sparrow::jinja {

Value Evaluator::evaluate(const Expression& expression) {
  const Nesting nesting(*this, expression.at);
  return std::visit([&](const auto& node) { return visit(node, expression.at); }, expression.node);
}

std::vector<Value> Evaluator::evaluate_all(const std::vector<ExpressionPointer>& expressions) {
  std::vector<Value> values;
  values.reserve(expressions.size());
  for (const ExpressionPointer& expression : expressions) values.push_back(evaluate(*expression));
  return values;
}

Value Evaluator::visit(const Constant& node, Location) { return node.value; }

Value Evaluator::visit(const Name& node, Location) {
  const std::optional<Value>& value = slot(node.slot);
  return value ? *value : Value::undefined(fmt::format("'{}' is undefined", node.name));
}

Value Evaluator::visit(const TupleLiteral& node, Location at) {
  std::vector<Value> items = evaluate_all(node.items);
  at_ = at;
  return runtime_.make_tuple(std::move(items));
}

Value Evaluator::visit(const ListLiteral& node, Location at) {
  std::vector<Value> items = evaluate_all(node.items);
  at_ = at;
  return runtime_.make_list(std::move(items));
}

Value Evaluator::visit(const DictLiteral& node, Location at) {
  std::vector<DictEntry> entries;
  entries.reserve(node.entries.size());
  for (const auto& [key, value] : node.entries) {
    Value key_value = evaluate(*key);
    entries.push_back({std::move(key_value), evaluate(*value)});
  }
  at_ = at;
  return runtime_.make_dict(std::move(entries));
}

Value Evaluator::visit(const Conditional& node, Location) {
  if (evaluate(*node.test).truth()) return evaluate(*node.then);
  if (node.otherwise != nullptr) return evaluate(*node.otherwise);
  return Value::undefined(
      "the inline if-expression evaluated to false and no else section was defined.");
}

Value Evaluator::visit(const Logical& node, Location) {
  Value left = evaluate(*node.left);
  return left.truth() == node.is_and ? evaluate(*node.right) : left;
}

Value Evaluator::visit(const Not& node, Location) {
  return Value::boolean(!evaluate(*node.operand).truth());
}

Value Evaluator::visit(const Unary& node, Location at) {
  const Value operand = evaluate(*node.operand);
  at_ = at;
  return node.op == UnaryOperator::minus ? negate(operand) : plus(operand);
}

Value Evaluator::visit(const Binary& node, Location at) {
  const Value left = evaluate(*node.left);
  const Value right = evaluate(*node.right);
  at_ = at;
  switch (node.op) {
    case BinaryOperator::add:
      return add(runtime_, left, right);
    case BinaryOperator::subtract:
      return subtract(runtime_, left, right);
    case BinaryOperator::multiply:
      return multiply(runtime_, left, right);
    case BinaryOperator::divide:
      return divide(runtime_, left, right);
    case BinaryOperator::floor_divide:
      return floor_divide(runtime_, left, right);
    case BinaryOperator::modulo:
      return modulo(runtime_, left, right);
    case BinaryOperator::power:
      return power(runtime_, left, right);
  }
  return Value();
}

Value Evaluator::visit(const Concatenation& node, Location at) {
  const std::vector<Value> parts = evaluate_all(node.parts);
  at_ = at;
  Text text;
  for (const Value& part : parts) {
    text.append(part.is_string() ? part.as_text() : runtime_.text_of(part));
    if (text.size() > runtime_.limits().text_bytes) runtime_.spend_text(text.size());
  }
  return runtime_.make_string(std::move(text));
}

Value Evaluator::visit(const Comparison& node, Location at) {
  Value left = evaluate(*node.first);
  for (const auto& [comparator, expression] : node.rest) {
    Value right = evaluate(*expression);
    at_ = at;
    if (!compare(comparator, left, right)) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

bool Evaluator::compare(Comparator comparator, const Value& left, const Value& right) {
  if (comparator == Comparator::in) return contains(runtime_, right, left);
  if (comparator == Comparator::not_in) return !contains(runtime_, right, left);
  runtime_.spend(std::min(left.weight(), right.weight()));
  switch (comparator) {
    case Comparator::equal:
      return equals(left, right);
    case Comparator::not_equal:
      return !equals(left, right);
    case Comparator::less:
      return order(left, right, "<") < 0;
    case Comparator::less_equal:
      return order(left, right, "<=") <= 0;
    case Comparator::greater:
      return order(left, right, ">") > 0;
    default:
      return order(left, right, ">=") >= 0;
  }
}

Value Evaluator::visit(const Attribute& node, Location at) {
  const Value object = evaluate(*node.object);
  at_ = at;
  return get_attribute(runtime_, object, node.name);
}

Value Evaluator::visit(const Item& node, Location at) {
  const Value object = evaluate(*node.object);
  const Value index = evaluate(*node.index);
  at_ = at;
  return get_item(runtime_, object, index);
}

Value Evaluator::visit(const Slice& node, Location at) {
  const Value object = evaluate(*node.object);
  const auto bound = [&](const ExpressionPointer& expression) {
    return expression == nullptr ? Value() : evaluate(*expression);
  };
  const Value start = bound(node.start);
  const Value stop = bound(node.stop);
  const Value step = bound(node.step);
  at_ = at;
  return get_slice(runtime_, object, start, stop, step);
}

Value Evaluator::visit(const Call& node, Location at) { return evaluate_call(node, at, nullptr); }

Value Evaluator::visit(const FilterCall& node, Location at) {
  const Value input = node.input == nullptr ? block_input_ : evaluate(*node.input);
  CallArguments arguments = evaluate_arguments(node.arguments);
  at_ = at;
  if (node.filter == nullptr)
    fail(ErrorCode::invalid_argument, "No filter named '{}' found.", node.name);
  return apply_filter(runtime_, *node.filter, input, std::move(arguments));
}

Value Evaluator::visit(const TestCall& node, Location at) {
  const Value input = evaluate(*node.input);
  CallArguments arguments = evaluate_arguments(node.arguments);
  at_ = at;
  if (node.test == nullptr)
    fail(ErrorCode::invalid_argument, "No test named '{}' found.", node.name);
  return Value::boolean(apply_test(runtime_, *node.test, input, std::move(arguments)));
}

}  // namespace sparrow::jinja
