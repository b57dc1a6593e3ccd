#include "jinja/expression_parser.h"

#include <algorithm>

#include "base/error.h"
#include "jinja/builtins.h"
#include "jinja/limits.h"

namespace sparrow::jinja {
namespace {

int32_t depth_of(const ExpressionPointer& expression) {
  return expression == nullptr ? 0 : expression->depth;
}

int32_t depth_of(const std::vector<ExpressionPointer>& expressions) {
  int32_t depth = 0;
  for (const ExpressionPointer& expression : expressions)
    depth = std::max(depth, expression->depth);
  return depth;
}

int32_t depth_of(const Arguments& arguments) {
  int32_t depth = std::max({depth_of(arguments.positional), depth_of(arguments.more_positional),
                            depth_of(arguments.more_named)});
  for (const auto& named : arguments.named) depth = std::max(depth, named.second->depth);
  return depth;
}

}  // namespace

ExpressionPointer ExpressionParser::make(Location at, Expression::Node node,
                                         int32_t children_depth) {
  // A chain of operators nests too, though the parser reads it in a loop.
  if (children_depth >= stream_.depth_limit()) {
    stream_.fail_at(at, fmt::format("an expression deeper than {} levels", stream_.depth_limit()));
  }
  return std::make_unique<Expression>(Expression{at, children_depth + 1, std::move(node)});
}

ExpressionPointer ExpressionParser::parse_expression(bool with_conditional) {
  const TokenStream::Nesting nesting(stream_);
  return with_conditional ? parse_conditional() : parse_or();
}

ExpressionPointer ExpressionParser::parse_conditional() {
  ExpressionPointer left = parse_or();
  while (stream_.is_name("if")) {
    const Location at = stream_.next().at;
    ExpressionPointer test = parse_or();
    ExpressionPointer otherwise;
    if (stream_.skip_name("else")) otherwise = parse_expression();
    const int32_t depth = std::max({depth_of(left), depth_of(test), depth_of(otherwise)});
    left = make(at, Conditional{std::move(test), std::move(left), std::move(otherwise)}, depth);
  }
  return left;
}

ExpressionPointer ExpressionParser::parse_or() {
  ExpressionPointer left = parse_and();
  while (stream_.is_name("or")) {
    const Location at = stream_.next().at;
    ExpressionPointer right = parse_and();
    const int32_t depth = std::max(depth_of(left), depth_of(right));
    left = make(at, Logical{false, std::move(left), std::move(right)}, depth);
  }
  return left;
}

ExpressionPointer ExpressionParser::parse_and() {
  ExpressionPointer left = parse_not();
  while (stream_.is_name("and")) {
    const Location at = stream_.next().at;
    ExpressionPointer right = parse_not();
    const int32_t depth = std::max(depth_of(left), depth_of(right));
    left = make(at, Logical{true, std::move(left), std::move(right)}, depth);
  }
  return left;
}

ExpressionPointer ExpressionParser::parse_not() {
  if (!stream_.is_name("not")) return parse_comparison();
  const TokenStream::Nesting nesting(stream_);
  const Location at = stream_.next().at;
  ExpressionPointer operand = parse_not();
  const int32_t depth = depth_of(operand);
  return make(at, Not{std::move(operand)}, depth);
}

ExpressionPointer ExpressionParser::parse_comparison() {
  constexpr std::pair<std::string_view, Comparator> kSymbols[] = {
      {"==", Comparator::equal},  {"!=", Comparator::not_equal},
      {"<", Comparator::less},    {"<=", Comparator::less_equal},
      {">", Comparator::greater}, {">=", Comparator::greater_equal}};
  ExpressionPointer first = parse_sum();
  const Location at = stream_.current().at;
  std::vector<std::pair<Comparator, ExpressionPointer>> rest;
  int32_t depth = depth_of(first);
  while (true) {
    const auto* symbol =
        std::find_if(std::begin(kSymbols), std::end(kSymbols),
                     [&](const auto& row) { return stream_.is_symbol(row.first); });
    Comparator comparator = Comparator::in;
    if (symbol != std::end(kSymbols)) {
      comparator = symbol->second;
      stream_.next();
    } else if (stream_.is_name("not") && stream_.look().is_name("in")) {
      comparator = Comparator::not_in;
      stream_.next();
      stream_.next();
    } else if (!stream_.skip_name("in")) {
      break;
    }
    rest.emplace_back(comparator, parse_sum());
    depth = std::max(depth, depth_of(rest.back().second));
  }
  if (rest.empty()) return first;
  return make(at, Comparison{std::move(first), std::move(rest)}, depth);
}

ExpressionPointer ExpressionParser::parse_sum() {
  ExpressionPointer left = parse_concatenation();
  while (stream_.is_symbol("+") || stream_.is_symbol("-")) {
    const BinaryOperator op =
        stream_.is_symbol("+") ? BinaryOperator::add : BinaryOperator::subtract;
    const Location at = stream_.next().at;
    ExpressionPointer right = parse_concatenation();
    const int32_t depth = std::max(depth_of(left), depth_of(right));
    left = make(at, Binary{op, std::move(left), std::move(right)}, depth);
  }
  return left;
}

ExpressionPointer ExpressionParser::parse_concatenation() {
  const Location at = stream_.current().at;
  std::vector<ExpressionPointer> parts;
  parts.push_back(parse_product());
  while (stream_.skip_symbol("~")) parts.push_back(parse_product());
  if (parts.size() == 1) return std::move(parts[0]);
  const int32_t depth = depth_of(parts);
  return make(at, Concatenation{std::move(parts)}, depth);
}

ExpressionPointer ExpressionParser::parse_product() {
  constexpr std::pair<std::string_view, BinaryOperator> kSymbols[] = {
      {"*", BinaryOperator::multiply},
      {"/", BinaryOperator::divide},
      {"//", BinaryOperator::floor_divide},
      {"%", BinaryOperator::modulo}};
  ExpressionPointer left = parse_power();
  while (true) {
    const auto* symbol =
        std::find_if(std::begin(kSymbols), std::end(kSymbols),
                     [&](const auto& row) { return stream_.is_symbol(row.first); });
    if (symbol == std::end(kSymbols)) return left;
    const Location at = stream_.next().at;
    ExpressionPointer right = parse_power();
    const int32_t depth = std::max(depth_of(left), depth_of(right));
    left = make(at, Binary{symbol->second, std::move(left), std::move(right)}, depth);
  }
}

ExpressionPointer ExpressionParser::parse_power() {
  ExpressionPointer left = parse_unary(true);
  while (stream_.is_symbol("**")) {
    const Location at = stream_.next().at;
    ExpressionPointer right = parse_unary(true);
    const int32_t depth = std::max(depth_of(left), depth_of(right));
    left = make(at, Binary{BinaryOperator::power, std::move(left), std::move(right)}, depth);
  }
  return left;
}

// A sign binds tighter than a filter: -1|abs is (-1)|abs.
ExpressionPointer ExpressionParser::parse_unary(bool with_filters) {
  ExpressionPointer operand;
  if (stream_.is_symbol("-") || stream_.is_symbol("+")) {
    const TokenStream::Nesting nesting(stream_);
    const UnaryOperator op = stream_.is_symbol("-") ? UnaryOperator::minus : UnaryOperator::plus;
    const Location at = stream_.next().at;
    ExpressionPointer inner = parse_unary(false);
    const int32_t depth = depth_of(inner);
    operand = make(at, Unary{op, std::move(inner)}, depth);
  } else {
    operand = parse_primary();
  }
  operand = parse_postfix(std::move(operand));
  return with_filters ? parse_filters_and_tests(std::move(operand)) : std::move(operand);
}

ExpressionPointer ExpressionParser::parse_primary() {
  const Token& token = stream_.current();
  switch (token.kind) {
    case TokenKind::name:
      return parse_name();
    case TokenKind::string: {
      // Strings beside each other are one.
      std::string text;
      while (stream_.is_kind(TokenKind::string)) text += stream_.next().text;
      return make(token.at, Constant{Value::string(std::move(text), true)}, 0);
    }
    case TokenKind::integer:
      return make(token.at, Constant{Value::integer(stream_.next().integer)}, 0);
    case TokenKind::real:
      return make(token.at, Constant{Value::real(stream_.next().real)}, 0);
    default:
      break;
  }
  if (stream_.is_symbol("(")) return parse_parentheses();
  if (stream_.is_symbol("[")) return parse_list();
  if (stream_.is_symbol("{")) return parse_dict();
  stream_.fail_here(fmt::format("unexpected {}", describe(token)));
}

ExpressionPointer ExpressionParser::parse_name() {
  const Token& token = stream_.next();
  const auto constant = [&](Value value) { return make(token.at, Constant{std::move(value)}, 0); };
  if (token.text == "true" || token.text == "True") return constant(Value::boolean(true));
  if (token.text == "false" || token.text == "False") return constant(Value::boolean(false));
  if (token.text == "none" || token.text == "None") return constant(Value());
  return make(token.at, Name{token.text}, 0);
}

ExpressionPointer ExpressionParser::parse_parentheses() {
  const Location at = stream_.next().at;
  ExpressionPointer inner = stream_.is_symbol(")") ? make(at, TupleLiteral{}, 0) : parse_tuple();
  stream_.expect_symbol(")");
  return inner;
}

ExpressionPointer ExpressionParser::parse_tuple(bool with_conditional, std::string_view end_name) {
  const Location at = stream_.current().at;
  std::vector<ExpressionPointer> items;
  bool is_tuple = false;
  while (!is_tuple_end(end_name)) {
    items.push_back(parse_expression(with_conditional));
    if (!stream_.skip_symbol(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && !items.empty()) return std::move(items[0]);
  if (!is_tuple) {
    stream_.fail_here(fmt::format("expected an expression, got {}", describe(stream_.current())));
  }
  const int32_t depth = depth_of(items);
  return make(at, TupleLiteral{std::move(items)}, depth);
}

bool ExpressionParser::is_tuple_end(std::string_view end_name) const {
  return stream_.is_kind(TokenKind::variable_end) || stream_.is_kind(TokenKind::block_end) ||
         stream_.is_symbol(")") || (!end_name.empty() && stream_.is_name(end_name));
}

ExpressionPointer ExpressionParser::parse_list() {
  const Location at = stream_.next().at;
  std::vector<ExpressionPointer> items;
  while (!stream_.is_symbol("]")) {
    if (!items.empty()) stream_.expect_symbol(",");
    if (stream_.is_symbol("]")) break;
    items.push_back(parse_expression());
  }
  stream_.expect_symbol("]");
  const int32_t depth = depth_of(items);
  return make(at, ListLiteral{std::move(items)}, depth);
}

ExpressionPointer ExpressionParser::parse_dict() {
  const Location at = stream_.next().at;
  DictLiteral dict;
  int32_t depth = 0;
  while (!stream_.is_symbol("}")) {
    if (!dict.entries.empty()) stream_.expect_symbol(",");
    if (stream_.is_symbol("}")) break;
    ExpressionPointer key = parse_expression();
    stream_.expect_symbol(":");
    ExpressionPointer value = parse_expression();
    depth = std::max({depth, depth_of(key), depth_of(value)});
    dict.entries.emplace_back(std::move(key), std::move(value));
  }
  stream_.expect_symbol("}");
  return make(at, std::move(dict), depth);
}

ExpressionPointer ExpressionParser::parse_postfix(ExpressionPointer operand) {
  while (true) {
    if (stream_.is_symbol(".")) {
      operand = parse_attribute(std::move(operand));
    } else if (stream_.is_symbol("[")) {
      operand = parse_subscript(std::move(operand));
    } else if (stream_.is_symbol("(")) {
      operand = parse_call(std::move(operand));
    } else {
      return operand;
    }
  }
}

ExpressionPointer ExpressionParser::parse_filters_and_tests(ExpressionPointer operand) {
  while (true) {
    if (stream_.skip_symbol("|")) {
      operand = parse_filter(std::move(operand));
    } else if (stream_.is_name("is")) {
      operand = parse_test(std::move(operand));
    } else if (stream_.is_symbol("(")) {
      operand = parse_call(std::move(operand));
    } else {
      return operand;
    }
  }
}

ExpressionPointer ExpressionParser::parse_attribute(ExpressionPointer object) {
  const Location at = stream_.next().at;
  const int32_t depth = depth_of(object);
  const Token& token = stream_.next();
  if (token.kind == TokenKind::name) {
    return make(at, Attribute{std::move(object), token.text}, depth);
  }
  if (token.kind != TokenKind::integer) stream_.fail_at(token.at, "expected a name or number");
  ExpressionPointer index = make(token.at, Constant{Value::integer(token.integer)}, 0);
  return make(at, Item{std::move(object), std::move(index)}, std::max(depth, 1));
}

ExpressionPointer ExpressionParser::parse_subscript(ExpressionPointer object) {
  const Location at = stream_.next().at;
  std::vector<ExpressionPointer> parts;  // start, stop, step; each may be null
  std::vector<ExpressionPointer> items;  // of object[a, b]
  bool is_slice = false;
  const auto ends_part = [&] {
    return stream_.is_symbol(":") || stream_.is_symbol("]") || stream_.is_symbol(",");
  };
  while (!stream_.is_symbol("]")) {
    if (!items.empty()) stream_.expect_symbol(",");
    parts.clear();
    parts.push_back(stream_.is_symbol(":") ? nullptr : parse_expression());
    while (parts.size() < 3 && stream_.skip_symbol(":")) {
      is_slice = true;
      parts.push_back(ends_part() ? nullptr : parse_expression());
    }
    if (is_slice) break;
    items.push_back(std::move(parts[0]));
  }
  if (is_slice && !items.empty()) stream_.fail_at(at, "a slice stands alone inside its brackets");
  stream_.expect_symbol("]");
  if (is_slice) {
    parts.resize(3);
    const int32_t depth =
        std::max({depth_of(object), depth_of(parts[0]), depth_of(parts[1]), depth_of(parts[2])});
    return make(
        at, Slice{std::move(object), std::move(parts[0]), std::move(parts[1]), std::move(parts[2])},
        depth);
  }
  const int32_t items_depth = depth_of(items);
  ExpressionPointer index = items.size() == 1
                                ? std::move(items[0])
                                : make(at, TupleLiteral{std::move(items)}, items_depth);
  const int32_t depth = std::max(depth_of(object), depth_of(index));
  return make(at, Item{std::move(object), std::move(index)}, depth);
}

ExpressionPointer ExpressionParser::parse_call(ExpressionPointer callee) {
  const Location at = stream_.current().at;
  Arguments arguments = parse_arguments();
  const int32_t depth = std::max(depth_of(callee), depth_of(arguments));
  return make(at, Call{std::move(callee), std::move(arguments)}, depth);
}

Arguments ExpressionParser::parse_arguments() {
  const Location at = stream_.current().at;
  stream_.expect_symbol("(");
  Arguments arguments;
  const auto require = [&](bool is_valid) {
    if (!is_valid) stream_.fail_at(at, "invalid order of arguments in a call");
  };
  bool is_first = true;
  while (!stream_.is_symbol(")")) {
    if (!is_first) stream_.expect_symbol(",");
    is_first = false;
    if (stream_.is_symbol(")")) break;
    if (stream_.skip_symbol("*")) {
      require(arguments.more_positional == nullptr && arguments.more_named == nullptr);
      arguments.more_positional = parse_expression();
    } else if (stream_.skip_symbol("**")) {
      require(arguments.more_named == nullptr);
      arguments.more_named = parse_expression();
    } else if (stream_.is_kind(TokenKind::name) && stream_.look().is_symbol("=")) {
      require(arguments.more_named == nullptr);
      std::string name = stream_.next().text;
      if (arguments.named.size() >= kMaxNames) {
        stream_.fail_here(fmt::format("more than {} named arguments", kMaxNames));
      }
      for (const auto& other : arguments.named) {
        if (other.first == name)
          stream_.fail_here(fmt::format("keyword argument repeated: {}", name));
      }
      stream_.next();
      arguments.named.emplace_back(std::move(name), parse_expression());
    } else {
      require(arguments.more_positional == nullptr && arguments.more_named == nullptr &&
              arguments.named.empty());
      arguments.positional.push_back(parse_expression());
    }
  }
  stream_.expect_symbol(")");
  return arguments;
}

std::string ExpressionParser::parse_dotted_name() {
  std::string name = stream_.expect(TokenKind::name).text;
  while (stream_.skip_symbol(".")) name += "." + stream_.expect(TokenKind::name).text;
  return name;
}

ExpressionPointer ExpressionParser::parse_filter(ExpressionPointer input) {
  const Location at = stream_.current().at;
  std::string name = parse_dotted_name();
  Arguments arguments;
  if (stream_.is_symbol("(")) arguments = parse_arguments();
  const Filter* filter = find_filter(name);
  const int32_t depth = std::max(depth_of(input), depth_of(arguments));
  return make(at, FilterCall{std::move(input), std::move(name), filter, std::move(arguments)},
              depth);
}

ExpressionPointer ExpressionParser::parse_filters_of_block(bool starts_inside) {
  ExpressionPointer filter;
  if (starts_inside) filter = parse_filter(nullptr);
  while (stream_.skip_symbol("|")) filter = parse_filter(std::move(filter));
  return filter;
}

ExpressionPointer ExpressionParser::parse_test(ExpressionPointer input) {
  const Location at = stream_.next().at;
  const bool is_negated = stream_.skip_name("not");
  std::string name = parse_dotted_name();
  Arguments arguments;
  const TokenKind kind = stream_.current().kind;
  const bool starts_operand = kind == TokenKind::name || kind == TokenKind::string ||
                              kind == TokenKind::integer || kind == TokenKind::real ||
                              stream_.is_symbol("[") || stream_.is_symbol("{");
  const bool is_operator =
      stream_.is_name("else") || stream_.is_name("or") || stream_.is_name("and");
  if (stream_.is_symbol("(")) {
    arguments = parse_arguments();
  } else if (starts_operand && !is_operator) {
    if (stream_.is_name("is")) stream_.fail_here("tests cannot be chained with is");
    const TokenStream::Nesting nesting(stream_);
    arguments.positional.push_back(parse_postfix(parse_primary()));
  }
  const Test* test = find_test(name);
  int32_t depth = std::max(depth_of(input), depth_of(arguments));
  ExpressionPointer result =
      make(at, TestCall{std::move(input), std::move(name), test, std::move(arguments)}, depth);
  if (!is_negated) return result;
  depth = depth_of(result);
  return make(at, Not{std::move(result)}, depth);
}

Target ExpressionParser::parse_target(bool with_tuple, bool with_attribute,
                                      std::string_view end_name) {
  const Location at = stream_.current().at;
  Target first = parse_one_target(with_attribute, with_tuple);
  if (!with_tuple || !stream_.is_symbol(",")) return first;
  Target target;
  target.at = at;
  target.is_tuple = true;
  target.items.push_back(std::move(first));
  while (stream_.skip_symbol(",")) {
    const bool is_end = is_tuple_end(end_name) || stream_.is_symbol("=");
    if (is_end) break;
    target.items.push_back(parse_one_target(with_attribute, with_tuple));
  }
  return target;
}

Target ExpressionParser::parse_one_target(bool with_attribute, bool with_tuple) {
  const TokenStream::Nesting nesting(stream_);
  if (with_tuple && (stream_.is_symbol("(") || stream_.is_symbol("["))) {
    const bool is_list = stream_.is_symbol("[");
    const Location at = stream_.next().at;
    if (is_list) stream_.fail_at(at, "can't assign to a list; write (a, b)");
    Target inner = parse_target(true, with_attribute);
    stream_.expect_symbol(")");
    return inner;
  }
  Target target;
  const Token& token = stream_.expect(TokenKind::name);
  target.at = token.at;
  target.name = token.text;
  constexpr std::string_view kReserved[] = {"true", "false", "none", "True", "False", "None"};
  if (std::find(std::begin(kReserved), std::end(kReserved), target.name) != std::end(kReserved)) {
    stream_.fail_at(token.at, fmt::format("can't assign to '{}'", target.name));
  }
  if (with_attribute && stream_.skip_symbol("."))
    target.attribute = stream_.expect(TokenKind::name).text;
  return target;
}

}  // namespace sparrow::jinja
