#include "jinja/evaluator.h"

#include <algorithm>

#include "base/error.h"

namespace sparrow::jinja {
namespace {

std::deque<FunctionObject> make_functions() {
  std::deque<FunctionObject> functions;
  for (const Function& function : global_functions()) functions.emplace_back(&function);
  return functions;
}

// The functions of the language and, over them, what the render was given.
std::vector<DictEntry> with_functions(std::deque<FunctionObject>& functions,
                                      const std::vector<DictEntry>& variables) {
  std::vector<DictEntry> entries;
  for (FunctionObject& function : functions) {
    entries.push_back(
        {Value::string(std::string(function.function->name), true), Value::object(&function)});
  }
  entries.insert(entries.end(), variables.begin(), variables.end());
  return entries;
}

}  // namespace

void Evaluator::Nesting::fail_too_deep(Location at) {
  evaluator_.at_ = at;
  fail(ErrorCode::invalid_argument, "the template nests deeper than {} steps",
       evaluator_.runtime_.limits().evaluation_depth);
}

Evaluator::Evaluator(Runtime& runtime, const std::vector<DictEntry>& variables)
    : runtime_(runtime),
      functions_(make_functions()),
      variables_(with_functions(functions_, variables)) {}

Text Evaluator::run(const Body& body, const FrameLayout& layout) {
  Text out;
  out_ = &out;
  try {
    root_ = make_frame(layout, nullptr);
    execute_in(root_, body);
  } catch (const Error& error) {
    throw Error(error.code(), located(at_, error.what()));
  }
  return out;
}

// ---- Scopes

std::shared_ptr<Frame> Evaluator::make_frame(const FrameLayout& layout,
                                             const std::shared_ptr<Frame>& outer) {
  runtime_.spend(4);
  auto frame = std::make_shared<Frame>();
  frame->layout = &layout;
  frame->outer = outer;
  frame->slots.resize(layout.slots.size());
  enter(*frame);
  return frame;
}

void Evaluator::enter(Frame& frame) {
  runtime_.spend(static_cast<int64_t>(frame.slots.size()));
  for (size_t i = 0; i < frame.slots.size(); ++i) {
    const SlotInfo& info = frame.layout->slots[i];
    std::optional<Value>& value = frame.slots[i];
    value.reset();
    if (info.load == SlotInfo::Load::resolve) {
      if (const Value* variable = variables_.find(info.name)) value = *variable;
    } else if (info.load == SlotInfo::Load::alias) {
      const Frame* source = &frame;
      for (int32_t out = info.outer.frames_out; out > 0; --out) source = source->outer.get();
      value = source->slots[static_cast<size_t>(info.outer.index)];
    }
  }
}

void Evaluator::leave(Frame& frame) {
  for (std::optional<Value>& value : frame.slots) value.reset();
}

std::optional<Value>& Evaluator::slot(Slot place) const {
  Frame* frame = frame_.get();
  for (int32_t out = place.frames_out; out > 0; --out) frame = frame->outer.get();
  return frame->slots[static_cast<size_t>(place.index)];
}

Evaluator::Flow Evaluator::execute_in(const std::shared_ptr<Frame>& frame, const Body& body) {
  const std::shared_ptr<Frame> before = std::exchange(frame_, frame);
  const Flow flow = execute(body);
  leave(*frame);
  frame_ = before;
  return flow;
}

Text Evaluator::capture(const Body& body, Flow* flow) {
  Text text;
  Text* const before = std::exchange(out_, &text);
  const Flow end = execute(body);
  if (flow != nullptr) *flow = end;
  out_ = before;
  return text;
}

// ---- Statements

Evaluator::Flow Evaluator::execute(const Body& body) {
  for (const Statement& statement : body) {
    const Nesting nesting(*this, statement.at);
    const Flow flow =
        std::visit([&](const auto& node) { return visit(node, statement.at); }, statement.node);
    if (flow != Flow::normal) return flow;
  }
  return Flow::normal;
}

void Evaluator::print(const Text& text) {
  runtime_.spend(1 + static_cast<int64_t>(text.size() / 16));
  if (text.size() + out_->size() > runtime_.limits().text_bytes) {
    fail(ErrorCode::invalid_argument, "the template prints more than {} bytes",
         runtime_.limits().text_bytes);
  }
  out_->append(text);
}

Evaluator::Flow Evaluator::visit(const Print& node, Location at) {
  for (const ExpressionPointer& expression : node.values) {
    const Value value = evaluate(*expression);
    at_ = at;
    if (value.is_string()) {
      print(value.as_text());
    } else {
      print(runtime_.text_of(value));
    }
  }
  return Flow::normal;
}

Evaluator::Flow Evaluator::visit(const Data& node, Location at) {
  at_ = at;
  print(node.text.as_text());
  return Flow::normal;
}

Evaluator::Flow Evaluator::visit(const If& node, Location) {
  for (const auto& [test, body] : node.branches) {
    if (evaluate(*test).truth()) return execute(body);
  }
  return execute(node.otherwise);
}

Evaluator::Flow Evaluator::visit(const ForLoop& node, Location at) {
  const Value iterable = evaluate(*node.iterable);
  at_ = at;
  Loop* const loop = make_loop(node, iterable, frame_, 1);
  return run_loop(node, *loop, frame_);
}

Loop* Evaluator::make_loop(const ForLoop& node, const Value& iterable,
                           const std::shared_ptr<Frame>& outer, int depth) {
  std::function<bool(const Value&)> passes;
  if (node.test != nullptr) {
    passes = [this, &node, frame = make_frame(node.test_frame, outer)](const Value& item) {
      const std::shared_ptr<Frame> before = std::exchange(frame_, frame);
      assign(node.test_target, item);
      const bool result = evaluate(*node.test).truth();
      frame_ = before;
      return result;
    };
  }
  Loop* const loop = runtime_.make<Loop>(runtime_.items_of(iterable), std::move(passes), depth);
  if (node.is_recursive) {
    loop->recursive = &node;
    loop->outer = outer;
  }
  return loop;
}

Evaluator::Flow Evaluator::run_loop(const ForLoop& node, Loop& loop,
                                    const std::shared_ptr<Frame>& outer) {
  const std::shared_ptr<Frame> frame = make_frame(node.frame, outer);
  const std::shared_ptr<Frame> before = std::exchange(frame_, outer);
  // An item whose body ran to its end; without one the else part runs, as in Jinja.
  bool has_whole_item = false;
  while (loop.advance()) {
    runtime_.spend(1);
    enter(*frame);
    frame_ = frame;
    if (node.has_loop_variable) slot(node.loop_slot) = Value::object(&loop);
    assign(node.target, loop.current());
    const Flow flow = execute(node.body);
    frame_ = outer;
    if (flow == Flow::break_loop) break;
    has_whole_item = has_whole_item || flow == Flow::normal;
  }
  leave(*frame);
  loop.finish();
  Flow flow = Flow::normal;
  if (!has_whole_item && !node.otherwise.empty()) {
    flow = execute_in(make_frame(node.otherwise_frame, outer), node.otherwise);
  }
  frame_ = before;
  return flow;
}

void Evaluator::assign(const Target& target, const Value& value) {
  if (!target.is_tuple) {
    std::optional<Value>& place = slot(target.slot);
    if (target.attribute.empty()) {
      place = value;
      return;
    }
    at_ = target.at;
    auto* name_space = place ? dynamic_cast<Namespace*>(place->as_object()) : nullptr;
    if (name_space == nullptr)
      fail(ErrorCode::invalid_argument, "cannot assign attribute on non-namespace object");
    name_space->set(Value::string(target.attribute, true), value);
    return;
  }
  at_ = target.at;
  const std::vector<Value> items = runtime_.items_of(value);
  if (items.size() != target.items.size()) {
    fail(ErrorCode::invalid_argument, "{} values to unpack, expected {}", items.size(),
         target.items.size());
  }
  for (size_t i = 0; i < items.size(); ++i) assign(target.items[i], items[i]);
}

Evaluator::Flow Evaluator::visit(const Set& node, Location) {
  assign(node.target, evaluate(*node.value));
  return Flow::normal;
}

Evaluator::Flow Evaluator::visit(const SetBlock& node, Location at) {
  const std::shared_ptr<Frame> frame = make_frame(node.frame, frame_);
  const std::shared_ptr<Frame> before = std::exchange(frame_, frame);
  Flow flow = Flow::normal;
  Text text = capture(node.body, &flow);
  Value value;
  if (flow == Flow::normal) {
    at_ = at;
    value = node.filter == nullptr ? runtime_.make_string(std::move(text))
                                   : apply_block_filter(*node.filter, std::move(text));
  }
  leave(*frame);
  frame_ = before;
  if (flow == Flow::normal) assign(node.target, value);
  return flow;
}

Evaluator::Flow Evaluator::visit(const Macro& node, Location at) {
  at_ = at;
  assign(node.name, Value::object(runtime_.make<MacroObject>(node.name.name, &node.macro, frame_)));
  return Flow::normal;
}

Evaluator::Flow Evaluator::visit(const CallBlock& node, Location at) {
  at_ = at;
  const auto* body = runtime_.make<MacroObject>(node.call == nullptr ? "generation" : "caller",
                                                &node.macro, frame_);
  if (node.call == nullptr) {
    print(call_macro(*body, {}).as_text());
    return Flow::normal;
  }
  const Value caller = Value::object(const_cast<MacroObject*>(body));
  const Value result = evaluate_call(std::get<Call>(node.call->node), node.call->at, &caller);
  at_ = at;
  print(runtime_.text_of(result));
  return Flow::normal;
}

Evaluator::Flow Evaluator::visit(const FilterBlock& node, Location at) {
  const std::shared_ptr<Frame> frame = make_frame(node.frame, frame_);
  const std::shared_ptr<Frame> before = std::exchange(frame_, frame);
  Flow flow = Flow::normal;
  Text text = capture(node.body, &flow);
  if (flow == Flow::normal) {
    at_ = at;
    print(runtime_.text_of(apply_block_filter(*node.filter, std::move(text))));
  }
  leave(*frame);
  frame_ = before;
  return flow;
}

Evaluator::Flow Evaluator::visit(const With& node, Location) {
  const std::shared_ptr<Frame> frame = make_frame(node.frame, frame_);
  const std::shared_ptr<Frame> before = frame_;
  for (const auto& [target, expression] : node.variables) {
    const Value value = evaluate(*expression);
    frame_ = frame;
    assign(target, value);
    frame_ = before;
  }
  return execute_in(frame, node.body);
}

Evaluator::Flow Evaluator::visit(const Block& node, Location) {
  return execute_in(make_frame(node.frame, node.is_scoped ? frame_ : root_), node.body);
}

Evaluator::Flow Evaluator::visit(const Break&, Location) { return Flow::break_loop; }
Evaluator::Flow Evaluator::visit(const Continue&, Location) { return Flow::continue_loop; }

Evaluator::Flow Evaluator::visit(const Unsupported& node, Location at) {
  at_ = at;
  fail(ErrorCode::invalid_argument, "'{}' needs other templates, and there are none", node.tag);
}

}  // namespace sparrow::jinja
