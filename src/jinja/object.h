// Values with identity or behaviour: namespaces, ranges, views of dicts, iterators, loops, macros
// and functions. A render owns all of them until it ends, so no cycle leaks and no chain of them is
// ever destroyed by recursion.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jinja/value.h"

namespace sparrow::jinja {

struct Function;  // jinja/builtins.h
struct Method;

class Object {
 public:
  virtual ~Object() = default;
  virtual std::string_view type_name() const = 0;
  virtual bool is_callable() const { return false; }
  // What `object.name` gives, methods aside.
  virtual std::optional<Value> attribute(std::string_view) { return std::nullopt; }
};

// namespace(): the one thing that a template can change.
class Namespace final : public Object {
 public:
  std::string_view type_name() const override { return "Namespace"; }
  std::optional<Value> attribute(std::string_view name) override;
  void set(const Value& name, Value value);

  std::vector<DictEntry> attributes;
};

class Range final : public Object {
 public:
  Range(Integer start, Integer stop, Integer step);
  std::string_view type_name() const override { return "range"; }
  Value at(int64_t index) const { return Value::integer(start + step * index); }

  const Integer start, stop, step;
  int64_t count = 0;
};

// What dict.keys(), .values() and .items() give.
class DictView final : public Object {
 public:
  enum class Part { keys, values, items };
  DictView(Value dict, Part part) : dict(std::move(dict)), part(part) {}
  std::string_view type_name() const override;
  Value at(const DictEntry& entry) const;

  const Value dict;
  const Part part;
};

// A Python generator: it gives each item once, has no length and no index.
class Iterator final : public Object {
 public:
  explicit Iterator(std::vector<Value> items) : items(std::move(items)) {}
  std::string_view type_name() const override { return "generator"; }

  const std::vector<Value> items;
  size_t next = 0;
};

class Cycler final : public Object {
 public:
  explicit Cycler(std::vector<Value> items) : items(std::move(items)) {}
  std::string_view type_name() const override { return "Cycler"; }
  std::optional<Value> attribute(std::string_view name) override;

  const std::vector<Value> items;
  size_t position = 0;
};

class Joiner final : public Object {
 public:
  explicit Joiner(Value separator) : separator(std::move(separator)) {}
  std::string_view type_name() const override { return "Joiner"; }
  bool is_callable() const override { return true; }

  const Value separator;
  bool is_used = false;
};

// A function of the language itself, such as range.
class FunctionObject final : public Object {
 public:
  explicit FunctionObject(const Function* function) : function(function) {}
  std::string_view type_name() const override { return "function"; }
  bool is_callable() const override { return true; }

  const Function* const function;
};

// A method looked up but not called yet: `"a".upper`.
class BoundMethod final : public Object {
 public:
  BoundMethod(Value receiver, const Method* method)
      : receiver(std::move(receiver)), method(method) {}
  std::string_view type_name() const override { return "builtin_function_or_method"; }
  bool is_callable() const override { return true; }

  const Value receiver;
  const Method* const method;
};

}  // namespace sparrow::jinja
