// What a template computes with: Python's values as far as JSON has them, tuples, and a few objects
// of the template language. Immutable and cheap to copy. Nothing here reaches beyond the render.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "jinja/text.h"

namespace sparrow::jinja {

class Object;  // jinja/object.h
class Value;
struct DictEntry;

// Python's integers have no bound; these reach ±1.7e38 and refuse to go further.
__extension__ using Integer = __int128;

enum class Kind : uint8_t {
  undefined,
  none,
  boolean,
  integer,
  real,
  string,
  list,
  tuple,
  dict,
  object
};

// Items of a list or tuple.
struct Sequence {
  enum class Type : uint8_t { list, tuple, group };
  std::vector<Value> items;
  Type type = Type::list;
  int depth = 1;
  int64_t weight = 1;
};

// Insertion-ordered, keys unique by Python's equality.
class Dict {
 public:
  // Of two equal keys the first stays, with the last value, as in Python. Throws for a key that
  // Python could not hash.
  explicit Dict(std::vector<DictEntry> entries);

  const std::vector<DictEntry>& entries() const { return entries_; }
  const Value* find(const Value& key) const;  // null if absent; throws for an unhashable key
  const Value* find(std::string_view key) const;
  int depth() const { return depth_; }
  int64_t weight() const { return weight_; }

 private:
  template <typename Compare>
  const Value* find_by(Compare compare) const;

  std::vector<DictEntry> entries_;
  std::vector<uint32_t> order_;  // entries by key; empty while the dict is small
  int depth_ = 1;
  int64_t weight_ = 1;
};

class Value {
 public:
  Value() : data_(None{}) {}

  // `reason` says what was missing; it becomes the error when the value is used.
  static Value undefined(std::string reason);
  static Value boolean(bool value) { return Value(Data(value)); }
  static Value integer(Integer value) { return Value(Data(value)); }
  static Value real(double value) { return Value(Data(value)); }
  static Value string(Text text, bool is_markup = false);
  // Text that the interpreter itself makes counts as the user's: it can never be a control token.
  static Value string(std::string bytes, bool from_template = false);
  // Throw where the value would nest too deep or weigh too much.
  static Value list(std::vector<Value> items) {
    return sequence(std::move(items), Sequence::Type::list);
  }
  static Value tuple(std::vector<Value> items) {
    return sequence(std::move(items), Sequence::Type::tuple);
  }
  static Value dict(std::vector<DictEntry> entries);
  // A tuple of |groupby, whose two items also go by the names `grouper` and `list`.
  static Value group(Value key, Value items);
  // The object is owned by the render and outlives every value of it.
  static Value object(Object* object) { return Value(Data(object)); }

  Kind kind() const;
  bool is(Kind kind) const { return this->kind() == kind; }
  bool is_undefined() const { return std::holds_alternative<Undefined>(data_); }
  bool is_none() const { return std::holds_alternative<None>(data_); }
  bool is_string() const { return std::holds_alternative<StringPointer>(data_); }
  bool is_sequence() const {
    return std::holds_alternative<SequencePointer>(data_);
  }                        // list, tuple
  bool is_number() const;  // boolean, integer, real

  // Each wants its kind.
  bool as_boolean() const { return std::get<bool>(data_); }
  Integer as_integer() const;  // boolean or integer
  double as_real() const;      // any number
  const Text& as_text() const { return std::get<StringPointer>(data_)->text; }
  std::string_view as_view() const { return as_text().view(); }
  bool is_markup() const;  // a string made by |safe or |escape
  bool is_group() const;   // a tuple made by |groupby
  const std::vector<Value>& items() const { return std::get<SequencePointer>(data_)->items; }
  const Dict& as_dict() const { return *std::get<DictPointer>(data_); }
  Object* as_object() const;  // null unless an object
  const std::string& undefined_reason() const { return *std::get<Undefined>(data_).reason; }

  // Python's truth.
  bool truth() const;
  // Steps that walking all of it takes: values inside, and one for each 16 bytes of text.
  int64_t weight() const;
  int depth() const;
  // Python's `is`.
  bool is_same_as(const Value& other) const;

 private:
  struct Undefined {
    std::shared_ptr<const std::string> reason;
  };
  struct None {};
  struct String {
    Text text;
    bool is_markup = false;
  };
  using StringPointer = std::shared_ptr<const String>;
  using SequencePointer = std::shared_ptr<const Sequence>;
  using DictPointer = std::shared_ptr<const Dict>;
  using Data = std::variant<Undefined, None, bool, Integer, double, StringPointer, SequencePointer,
                            DictPointer, Object*>;

  explicit Value(Data data) : data_(std::move(data)) {}
  static Value sequence(std::vector<Value> items, Sequence::Type type);

  Data data_;
};

struct DictEntry {
  Value key;
  Value value;
};

// The words of an error message: "str", "int", "NoneType", as Python names them.
std::string_view type_name(const Value& value);

// All text of `json` is a user's. Integers beyond 64 bits and text that is not UTF-8 stay as they
// are. Throws where it nests too deep.
Value from_json(const Json& json);

}  // namespace sparrow::jinja
