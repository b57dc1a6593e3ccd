// The half of the parser that reads expressions.
#pragma once

#include <string_view>
#include <utility>

#include "jinja/ast.h"
#include "jinja/token_stream.h"

namespace sparrow::jinja {

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& stream) : stream_(stream) {}

  ExpressionPointer parse_expression(bool with_conditional = true);
  // One expression, or several with commas between them as a tuple. `end_name` may end it early.
  ExpressionPointer parse_tuple(bool with_conditional = true, std::string_view end_name = {});
  // The filters behind a | (or, `starts_inside`, behind {% filter), around no input.
  ExpressionPointer parse_filters_of_block(bool starts_inside);
  Target parse_target(bool with_tuple, bool with_attribute, std::string_view end_name = {});

 private:
  ExpressionPointer make(Location at, Expression::Node node, int32_t children_depth);
  ExpressionPointer parse_conditional();
  ExpressionPointer parse_or();
  ExpressionPointer parse_and();
  ExpressionPointer parse_not();
  ExpressionPointer parse_comparison();
  ExpressionPointer parse_sum();
  ExpressionPointer parse_concatenation();
  ExpressionPointer parse_product();
  ExpressionPointer parse_power();
  ExpressionPointer parse_unary(bool with_filters);
  ExpressionPointer parse_primary();
  ExpressionPointer parse_name();
  ExpressionPointer parse_parentheses();
  ExpressionPointer parse_list();
  ExpressionPointer parse_dict();
  ExpressionPointer parse_postfix(ExpressionPointer operand);
  ExpressionPointer parse_filters_and_tests(ExpressionPointer operand);
  ExpressionPointer parse_attribute(ExpressionPointer object);
  ExpressionPointer parse_subscript(ExpressionPointer object);
  ExpressionPointer parse_call(ExpressionPointer callee);
  ExpressionPointer parse_filter(ExpressionPointer input);
  ExpressionPointer parse_test(ExpressionPointer input);
  Arguments parse_arguments();
  std::string parse_dotted_name();
  Target parse_one_target(bool with_attribute, bool with_tuple);
  bool is_tuple_end(std::string_view end_name) const;

  TokenStream& stream_;
};

}  // namespace sparrow::jinja
