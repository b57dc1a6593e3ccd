// The part of the evaluator that calls: functions, methods, macros and recursive loops.
#include <algorithm>

#include "base/error.h"
#include "jinja/evaluator.h"
#include "jinja/lookup.h"

namespace sparrow::jinja {

std::optional<Value> MacroObject::attribute(std::string_view attribute) {
  if (attribute == "name") return Value::string(name, true);
  if (attribute == "catch_kwargs") return Value::boolean(body->uses_kwargs);
  if (attribute == "catch_varargs") return Value::boolean(body->uses_varargs);
  if (attribute == "caller") return Value::boolean(body->uses_caller);
  if (attribute != "arguments") return std::nullopt;
  std::vector<Value> names;
  for (const Parameter& parameter : body->parameters)
    names.push_back(Value::string(parameter.name, true));
  return Value::tuple(std::move(names));
}

CallArguments Evaluator::evaluate_arguments(const Arguments& arguments) {
  CallArguments result;
  result.positional = evaluate_all(arguments.positional);
  for (const auto& [name, expression] : arguments.named)
    result.named.emplace_back(name, evaluate(*expression));
  if (arguments.more_positional != nullptr) {
    const Value more = evaluate(*arguments.more_positional);
    at_ = arguments.more_positional->at;
    for (Value& value : runtime_.items_of(more)) result.positional.push_back(std::move(value));
  }
  if (arguments.more_named != nullptr) {
    const Value more = evaluate(*arguments.more_named);
    at_ = arguments.more_named->at;
    if (!more.is(Kind::dict))
      fail(ErrorCode::invalid_argument, "argument after ** must be a mapping, not {}",
           type_name(more));
    runtime_.spend(more.weight());
    for (const DictEntry& entry : more.as_dict().entries()) {
      if (!entry.key.is_string()) fail(ErrorCode::invalid_argument, "keywords must be strings");
      std::string name(entry.key.as_view());
      const bool is_repeated = std::any_of(arguments.named.begin(), arguments.named.end(),
                                           [&](const auto& row) { return row.first == name; });
      if (is_repeated)
        fail(ErrorCode::invalid_argument, "got multiple values for keyword argument '{}'", name);
      result.named.emplace_back(std::move(name), entry.value);
    }
  }
  return result;
}

Value Evaluator::evaluate_call(const Call& node, Location at, const Value* caller) {
  const auto arguments = [&] {
    CallArguments result = evaluate_arguments(node.arguments);
    if (caller != nullptr) result.named.emplace_back("caller", *caller);
    at_ = at;
    return result;
  };
  const Attribute* attribute = std::get_if<Attribute>(&node.callee->node);
  if (attribute == nullptr) {
    const Value callee = evaluate(*node.callee);
    return call_value(callee, arguments());
  }
  // object.method(…) needs no bound method in between.
  const Value object = evaluate(*attribute->object);
  at_ = node.callee->at;
  const bool is_plain = object.as_object() == nullptr && !object.is_group();
  const Method* method = is_plain && !is_forbidden_method(object, attribute->name)
                             ? find_method(object, attribute->name)
                             : nullptr;
  if (method != nullptr) return call_method(runtime_, *method, object, arguments());
  const Value callee = get_attribute(runtime_, object, attribute->name);
  return call_value(callee, arguments());
}

Value Evaluator::call_value(const Value& callee, CallArguments arguments) {
  if (callee.is_undefined()) fail(ErrorCode::invalid_argument, "{}", callee.undefined_reason());
  Object* object = callee.as_object();
  if (const auto* function = dynamic_cast<FunctionObject*>(object)) {
    return call_function(runtime_, *function->function, std::move(arguments));
  }
  if (const auto* bound = dynamic_cast<BoundMethod*>(object)) {
    return call_method(runtime_, *bound->method, bound->receiver, std::move(arguments));
  }
  if (const auto* macro = dynamic_cast<MacroObject*>(object))
    return call_macro(*macro, std::move(arguments));
  if (const auto* loop = dynamic_cast<Loop*>(object)) return call_loop(*loop, std::move(arguments));
  if (auto* joiner = dynamic_cast<Joiner*>(object)) {
    return std::exchange(joiner->is_used, true) ? joiner->separator : Value::string(std::string());
  }
  fail(ErrorCode::invalid_argument, "'{}' object is not callable", type_name(callee));
}

void Evaluator::enter_call() {
  if (++call_depth_ > runtime_.limits().call_depth) {
    fail(ErrorCode::invalid_argument,
         "macros and recursive loops call each other deeper than {} levels",
         runtime_.limits().call_depth);
  }
}

void Evaluator::bind_parameters(const MacroObject& macro, CallArguments arguments, Frame& frame) {
  const MacroBody& body = *macro.body;
  const auto set = [&](Slot slot, std::optional<Value> value) {
    frame.slots[static_cast<size_t>(slot.index)] = std::move(value);
  };
  bool has_caller = false;
  for (size_t i = 0; i < body.parameters.size(); ++i) {
    const Parameter& parameter = body.parameters[i];
    has_caller = has_caller || parameter.name == "caller";
    if (i < arguments.positional.size()) {
      set(parameter.slot, std::move(arguments.positional[i]));
    } else {
      set(parameter.slot, arguments.take(parameter.name));
    }
  }
  if (body.uses_caller && !has_caller) {
    std::optional<Value> caller = arguments.take("caller");
    set(body.caller_slot,
        caller && !caller->is_none() ? *caller : Value::undefined("No caller defined"));
  }
  if (body.uses_kwargs) {
    std::vector<DictEntry> rest;
    for (auto& [name, value] : arguments.named)
      rest.push_back({Value::string(name, true), std::move(value)});
    set(body.kwargs_slot, runtime_.make_dict(std::move(rest)));
  } else if (!arguments.named.empty()) {
    fail(ErrorCode::invalid_argument, "macro '{}' takes no keyword argument '{}'", macro.name,
         arguments.named[0].first);
  }
  const size_t count = std::min(body.parameters.size(), arguments.positional.size());
  if (body.uses_varargs) {
    set(body.varargs_slot,
        runtime_.make_tuple({arguments.positional.begin() + static_cast<std::ptrdiff_t>(count),
                             arguments.positional.end()}));
  } else if (arguments.positional.size() > count) {
    fail(ErrorCode::invalid_argument, "macro '{}' takes not more than {} argument(s)", macro.name,
         body.parameters.size());
  }
}

Value Evaluator::call_macro(const MacroObject& macro, CallArguments arguments) {
  enter_call();
  const std::shared_ptr<Frame> frame = make_frame(macro.body->frame, macro.scope);
  bind_parameters(macro, std::move(arguments), *frame);
  const std::shared_ptr<Frame> before = std::exchange(frame_, frame);
  for (const Parameter& parameter : macro.body->parameters) {
    std::optional<Value>& value = slot(parameter.slot);
    if (value) continue;
    Value otherwise =
        parameter.otherwise == nullptr
            ? Value::undefined(fmt::format("parameter '{}' was not provided", parameter.name))
            : evaluate(*parameter.otherwise);
    slot(parameter.slot) = std::move(otherwise);
  }
  Text text = capture(macro.body->body);
  leave(*frame);
  frame_ = before;
  --call_depth_;
  return runtime_.make_string(std::move(text));
}

Value Evaluator::call_loop(const Loop& loop, CallArguments arguments) {
  if (loop.recursive == nullptr) {
    fail(ErrorCode::invalid_argument,
         "The loop must have the 'recursive' marker to be called recursively.");
  }
  if (arguments.positional.size() != 1 || !arguments.named.empty() || loop.outer == nullptr) {
    fail(ErrorCode::invalid_argument,
         "a running recursive loop is called with one argument, the items");
  }
  enter_call();
  Loop* inner = make_loop(*loop.recursive, arguments.positional[0], loop.outer, loop.depth() + 1);
  Text text;
  Text* const before = std::exchange(out_, &text);
  run_loop(*loop.recursive, *inner, std::shared_ptr<Frame>(loop.outer));
  out_ = before;
  --call_depth_;
  return runtime_.make_string(std::move(text));
}

Value Evaluator::apply_block_filter(const Expression& filter, Text body) {
  const Value before = std::exchange(block_input_, runtime_.make_string(std::move(body)));
  Value result = evaluate(filter);
  block_input_ = before;
  return result;
}

}  // namespace sparrow::jinja
