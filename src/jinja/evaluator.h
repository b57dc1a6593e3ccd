// Runs a parsed template. One evaluator is one rendering: it is made, run once, and thrown away.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jinja/ast.h"
#include "jinja/builtins.h"
#include "jinja/loop.h"
#include "jinja/runtime.h"

namespace sparrow::jinja {

// The variables of one scope while it runs. A variable without a value is not set.
struct Frame {
  const FrameLayout* layout = nullptr;
  std::shared_ptr<Frame> outer;
  std::vector<std::optional<Value>> slots;
};

// A macro, or the body of a call block, with the scope it was defined in.
class MacroObject final : public Object {
 public:
  MacroObject(std::string name, const MacroBody* body, std::shared_ptr<Frame> scope)
      : name(std::move(name)), body(body), scope(std::move(scope)) {}
  std::string_view type_name() const override { return "Macro"; }
  bool is_callable() const override { return true; }
  std::optional<Value> attribute(std::string_view name) override;

  const std::string name;
  const MacroBody* const body;
  const std::shared_ptr<Frame> scope;
};

class Evaluator {
 public:
  // `variables` are the render's; they hide the functions of the same name.
  Evaluator(Runtime& runtime, const std::vector<DictEntry>& variables);

  // Throws Error{invalid_argument} with line and column.
  Text run(const Body& body, const FrameLayout& layout);

 private:
  enum class Flow { normal, break_loop, continue_loop };
  class Nesting;

  // Statements (evaluator.cpp)
  Flow execute(const Body& body);
  Flow visit(const Print& node, Location at);
  Flow visit(const Data& node, Location at);
  Flow visit(const ForLoop& node, Location at);
  Flow visit(const If& node, Location at);
  Flow visit(const Set& node, Location at);
  Flow visit(const SetBlock& node, Location at);
  Flow visit(const Macro& node, Location at);
  Flow visit(const CallBlock& node, Location at);
  Flow visit(const FilterBlock& node, Location at);
  Flow visit(const With& node, Location at);
  Flow visit(const Block& node, Location at);
  Flow visit(const Break& node, Location at);
  Flow visit(const Continue& node, Location at);
  Flow visit(const Unsupported& node, Location at);
  void print(const Text& text);
  void assign(const Target& target, const Value& value);
  Flow run_loop(const ForLoop& node, Loop& loop, const std::shared_ptr<Frame>& outer);
  Loop* make_loop(const ForLoop& node, const Value& iterable, const std::shared_ptr<Frame>& outer,
                  int depth);

  // Expressions (expressions.cpp)
  Value evaluate(const Expression& expression);
  Value visit(const Constant& node, Location at);
  Value visit(const Name& node, Location at);
  Value visit(const TupleLiteral& node, Location at);
  Value visit(const ListLiteral& node, Location at);
  Value visit(const DictLiteral& node, Location at);
  Value visit(const Conditional& node, Location at);
  Value visit(const Logical& node, Location at);
  Value visit(const Not& node, Location at);
  Value visit(const Unary& node, Location at);
  Value visit(const Binary& node, Location at);
  Value visit(const Concatenation& node, Location at);
  Value visit(const Comparison& node, Location at);
  Value visit(const Attribute& node, Location at);
  Value visit(const Item& node, Location at);
  Value visit(const Slice& node, Location at);
  Value visit(const Call& node, Location at);
  Value visit(const FilterCall& node, Location at);
  Value visit(const TestCall& node, Location at);
  bool compare(Comparator comparator, const Value& left, const Value& right);
  std::vector<Value> evaluate_all(const std::vector<ExpressionPointer>& expressions);

  // Calls (calls.cpp)
  CallArguments evaluate_arguments(const Arguments& arguments);
  Value evaluate_call(const Call& node, Location at, const Value* caller);
  Value call_value(const Value& callee, CallArguments arguments);
  Value call_macro(const MacroObject& macro, CallArguments arguments);
  void bind_parameters(const MacroObject& macro, CallArguments arguments, Frame& frame);
  Value call_loop(const Loop& loop, CallArguments arguments);
  // The filters of a block, applied to what it printed.
  Value apply_block_filter(const Expression& filter, Text body);
  void enter_call();

  // Scopes (evaluator.cpp)
  std::shared_ptr<Frame> make_frame(const FrameLayout& layout, const std::shared_ptr<Frame>& outer);
  // Gives each variable what it begins with.
  void enter(Frame& frame);
  static void leave(Frame& frame);
  std::optional<Value>& slot(Slot place) const;
  Flow execute_in(const std::shared_ptr<Frame>& frame, const Body& body);
  // What a body prints; `flow` tells how it ended.
  Text capture(const Body& body, Flow* flow = nullptr);

  Runtime& runtime_;
  std::deque<FunctionObject> functions_;
  const Dict variables_;
  std::shared_ptr<Frame> frame_;
  std::shared_ptr<Frame> root_;
  Text* out_ = nullptr;
  Value block_input_;  // what the first filter of a block is applied to
  Location at_;        // where the work is; errors bear it
  int depth_ = 0;
  int call_depth_ = 0;
};

// Counts how much is under way at once, which bounds the C++ stack.
class Evaluator::Nesting {
 public:
  Nesting(Evaluator& evaluator, Location at) : evaluator_(evaluator) {
    if (++evaluator.depth_ > evaluator.runtime_.limits().evaluation_depth) fail_too_deep(at);
    evaluator.runtime_.spend(1);
  }
  ~Nesting() { --evaluator_.depth_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;

 private:
  [[noreturn]] void fail_too_deep(Location at);

  Evaluator& evaluator_;
};

}  // namespace sparrow::jinja
