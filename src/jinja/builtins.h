// What a template can call, in closed tables: filters, tests, functions, and the methods of
// strings, lists, dicts and the language's own objects. There is nothing else: no attribute of a
// value leads out of them.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jinja/runtime.h"
#include "jinja/value.h"

namespace sparrow::jinja {

struct CallArguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  // The value given for `name`, taken out.
  std::optional<Value> take(std::string_view name);
};

// The parameters of a builtin, in order. `required` of them must be given.
struct Signature {
  std::array<std::string_view, 6> parameters = {};
  int required = 0;
  bool is_open = false;  // takes any arguments, as they are
};

// Arguments put in the order of a signature. An argument left out has no value.
class BoundArguments {
 public:
  // `what` stands in messages: "filter 'join'". Throws where they do not fit.
  BoundArguments(std::string_view what, const Signature& signature, CallArguments arguments);

  bool has(size_t index) const { return index < values_.size() && values_[index].has_value(); }
  const Value& operator[](size_t index) const { return *values_[index]; }
  // With what the parameter holds when it is left out.
  bool truth(size_t index, bool otherwise) const;
  int64_t integer(size_t index, int64_t otherwise) const;  // throws for another type
  const Text& text(size_t index) const;                    // throws for another type
  // None and left out are the same.
  std::optional<int64_t> maybe_integer(size_t index) const;
  std::optional<std::string_view> maybe_view(size_t index) const;

  // Of an open signature.
  CallArguments& all() { return all_; }

 private:
  std::string_view what_;
  std::vector<std::optional<Value>> values_;
  CallArguments all_;
};

// What Python calls a small integer: clamped, so that no arithmetic on it overflows. Throws for
// what is not an integer.
int64_t small_integer(const Value& value);

struct Filter {
  std::string_view name;
  Signature signature;
  Value (*apply)(Runtime& runtime, const Value& input, BoundArguments& arguments);
};

struct Test {
  std::string_view name;
  Signature signature;
  bool (*apply)(Runtime& runtime, const Value& input, BoundArguments& arguments);
};

struct Function {
  std::string_view name;
  Signature signature;
  Value (*call)(Runtime& runtime, BoundArguments& arguments);
};

struct Method {
  std::string_view name;
  Signature signature;
  Value (*call)(Runtime& runtime, const Value& receiver, BoundArguments& arguments);
};

// Null where there is none of that name.
const Filter* find_filter(std::string_view name);
const Test* find_test(std::string_view name);
const Function* find_function(std::string_view name);
const Method* find_method(const Value& receiver, std::string_view name);
// The functions that every template sees without being given them.
std::span<const Function> global_functions();
// Methods that Python has and the sandbox forbids, because they change their receiver.
bool is_forbidden_method(const Value& receiver, std::string_view name);

Value apply_filter(Runtime& runtime, const Filter& filter, const Value& input,
                   CallArguments arguments);
bool apply_test(Runtime& runtime, const Test& test, const Value& input, CallArguments arguments);
Value call_function(Runtime& runtime, const Function& function, CallArguments arguments);
Value call_method(Runtime& runtime, const Method& method, const Value& receiver,
                  CallArguments arguments);

// The tables, by theme; find_filter looks through all of them.
std::span<const Filter> text_filters();
std::span<const Filter> number_filters();
std::span<const Filter> sequence_filters();
std::span<const Filter> selection_filters();
std::span<const Filter> markup_filters();
std::span<const Method> string_methods();
std::span<const Method> sequence_methods();
std::span<const Method> dict_methods();

}  // namespace sparrow::jinja
