// A parsed template: statements and expressions, each a struct of its own, immutable once
// resolve_names has been over it. Every node knows where it stands and how deep it goes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "jinja/lexer.h"
#include "jinja/value.h"

namespace sparrow::jinja {

struct Filter;  // jinja/builtins.h
struct Test;

struct Expression;
struct Statement;
using ExpressionPointer = std::unique_ptr<Expression>;
using Body = std::vector<Statement>;

// ---- Names, decided before rendering (jinja/scope.h)

// A variable of a frame: so many frames out, and its place there.
struct Slot {
  int32_t frames_out = 0;
  int32_t index = 0;
};

// What a variable holds when its frame is entered.
struct SlotInfo {
  enum class Load : uint8_t {
    parameter,  // set by the one who enters
    resolve,    // the render's variable of that name
    alias,      // the value of `outer`
    missing,    // nothing, until it is set
  };
  std::string name;
  Load load = Load::missing;
  Slot outer;  // counted from the frame entered
};

struct FrameLayout {
  std::vector<SlotInfo> slots;
};

// ---- Expressions

struct Constant {
  Value value;
};
struct Name {
  std::string name;
  Slot slot = {};
};
struct TupleLiteral {
  std::vector<ExpressionPointer> items;
};
struct ListLiteral {
  std::vector<ExpressionPointer> items;
};
struct DictLiteral {
  std::vector<std::pair<ExpressionPointer, ExpressionPointer>> entries;
};
struct Conditional {                        // then if test else otherwise
  ExpressionPointer test, then, otherwise;  // `otherwise` may be null
};
struct Logical {
  bool is_and = false;
  ExpressionPointer left, right;
};
struct Not {
  ExpressionPointer operand;
};
enum class UnaryOperator : uint8_t { plus, minus };
struct Unary {
  UnaryOperator op;
  ExpressionPointer operand;
};
enum class BinaryOperator : uint8_t {
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
  modulo,
  power
};
struct Binary {
  BinaryOperator op;
  ExpressionPointer left, right;
};
struct Concatenation {  // a ~ b ~ c
  std::vector<ExpressionPointer> parts;
};
enum class Comparator : uint8_t {
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  not_in
};
struct Comparison {  // a < b <= c
  ExpressionPointer first;
  std::vector<std::pair<Comparator, ExpressionPointer>> rest;
};
struct Attribute {  // object.name
  ExpressionPointer object;
  std::string name;
};
struct Item {  // object[index]
  ExpressionPointer object, index;
};
struct Slice {  // object[start:stop:step]; each may be null
  ExpressionPointer object, start, stop, step;
};
struct Arguments {
  std::vector<ExpressionPointer> positional;
  std::vector<std::pair<std::string, ExpressionPointer>> named;
  ExpressionPointer more_positional, more_named;  // *a, **b; may be null
};
struct Call {
  ExpressionPointer callee;
  Arguments arguments;
};
struct FilterCall {
  ExpressionPointer input;  // null: the body of a filter or set block
  std::string name;
  const Filter* filter = nullptr;  // null: there is none of that name
  Arguments arguments;
};
struct TestCall {
  ExpressionPointer input;
  std::string name;
  const Test* test = nullptr;
  Arguments arguments;
};

struct Expression {
  using Node = std::variant<Constant, Name, TupleLiteral, ListLiteral, DictLiteral, Conditional,
                            Logical, Not, Unary, Binary, Concatenation, Comparison, Attribute, Item,
                            Slice, Call, FilterCall, TestCall>;
  Location at;
  int32_t depth = 1;
  Node node;
};

// ---- Statements

// What a value is assigned to: a name, an attribute of a namespace, or a tuple of targets.
struct Target {
  Location at;
  std::string name;
  std::string attribute;      // not empty: name.attribute
  std::vector<Target> items;  // not empty, or is_tuple: a tuple
  bool is_tuple = false;
  Slot slot = {};
};

struct Print {  // {{ expression }}, {% print a, b %}
  std::vector<ExpressionPointer> values;
};
struct Data {  // text outside of tags
  Value text;
};
struct ForLoop {
  Target target;
  Target test_target;                // the same as the test's own frame has it
  ExpressionPointer iterable, test;  // `test` may be null
  Body body, otherwise;
  bool is_recursive = false;
  bool has_loop_variable = false;
  Slot loop_slot = {};
  FrameLayout frame, test_frame, otherwise_frame;
};
struct If {
  std::vector<std::pair<ExpressionPointer, Body>> branches;
  Body otherwise;
};
struct Set {
  Target target;
  ExpressionPointer value;
};
struct SetBlock {
  Target target;
  ExpressionPointer filter;  // may be null
  Body body;
  FrameLayout frame = {};
};
struct Parameter {
  std::string name;
  ExpressionPointer otherwise;  // its default; may be null
  Slot slot = {};
};
// The part that {% macro %} and {% call %} share.
struct MacroBody {
  std::vector<Parameter> parameters;
  Body body;
  FrameLayout frame = {};
  // Whether the body reads these names without declaring them, and where they are.
  bool uses_caller = false, uses_kwargs = false, uses_varargs = false;
  Slot caller_slot = {}, kwargs_slot = {}, varargs_slot = {};
};
struct Macro {
  Target name;
  MacroBody macro;
};
struct CallBlock {
  ExpressionPointer call;  // a Call; null: {% generation %}, which prints its body
  MacroBody macro;
};
struct FilterBlock {
  ExpressionPointer filter;
  Body body;
  FrameLayout frame = {};
};
struct With {
  std::vector<std::pair<Target, ExpressionPointer>> variables;
  Body body;
  FrameLayout frame = {};
};
struct Block {  // {% block name %}: there is nothing to inherit from, so it prints its body
  std::string name;
  bool is_scoped = false;
  Body body;
  FrameLayout frame = {};
};
struct Break {};
struct Continue {};
struct Unsupported {  // include, import, extends: there are no other templates
  std::string tag;
};

struct Statement {
  using Node = std::variant<Print, Data, ForLoop, If, Set, SetBlock, Macro, CallBlock, FilterBlock,
                            With, Block, Break, Continue, Unsupported>;
  Location at;
  Node node;
};

}  // namespace sparrow::jinja
