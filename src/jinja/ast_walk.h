// Visiting the parts of a tree without knowing every node.
#pragma once

#include "jinja/ast.h"

namespace sparrow::jinja {

template <typename Visit>
void for_each_child(Arguments& arguments, Visit visit) {
  for (ExpressionPointer& argument : arguments.positional) visit(*argument);
  for (auto& [name, argument] : arguments.named) visit(*argument);
  if (arguments.more_positional != nullptr) visit(*arguments.more_positional);
  if (arguments.more_named != nullptr) visit(*arguments.more_named);
}

// The expressions directly inside `expression`, in the order they stand.
template <typename Visit>
void for_each_child(Expression& expression, Visit visit) {
  const auto maybe = [&](ExpressionPointer& child) {
    if (child != nullptr) visit(*child);
  };
  const auto all = [&](std::vector<ExpressionPointer>& children) {
    for (ExpressionPointer& child : children) visit(*child);
  };
  struct Children {
    decltype(maybe)& maybe_;
    decltype(all)& all_;
    Visit& visit_;

    void operator()(Constant&) {}
    void operator()(Name&) {}
    void operator()(TupleLiteral& node) { all_(node.items); }
    void operator()(ListLiteral& node) { all_(node.items); }
    void operator()(DictLiteral& node) {
      for (auto& [key, value] : node.entries) {
        visit_(*key);
        visit_(*value);
      }
    }
    void operator()(Conditional& node) {
      visit_(*node.test);
      visit_(*node.then);
      maybe_(node.otherwise);
    }
    void operator()(Logical& node) {
      visit_(*node.left);
      visit_(*node.right);
    }
    void operator()(Not& node) { visit_(*node.operand); }
    void operator()(Unary& node) { visit_(*node.operand); }
    void operator()(Binary& node) {
      visit_(*node.left);
      visit_(*node.right);
    }
    void operator()(Concatenation& node) { all_(node.parts); }
    void operator()(Comparison& node) {
      visit_(*node.first);
      for (auto& [comparator, operand] : node.rest) visit_(*operand);
    }
    void operator()(Attribute& node) { visit_(*node.object); }
    void operator()(Item& node) {
      visit_(*node.object);
      visit_(*node.index);
    }
    void operator()(Slice& node) {
      visit_(*node.object);
      maybe_(node.start);
      maybe_(node.stop);
      maybe_(node.step);
    }
    void operator()(Call& node) {
      visit_(*node.callee);
      for_each_child(node.arguments, visit_);
    }
    void operator()(FilterCall& node) {
      maybe_(node.input);
      for_each_child(node.arguments, visit_);
    }
    void operator()(TestCall& node) {
      visit_(*node.input);
      for_each_child(node.arguments, visit_);
    }
  };
  std::visit(Children{maybe, all, visit}, expression.node);
}

}  // namespace sparrow::jinja
