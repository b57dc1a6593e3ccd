#include "jinja/value.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "jinja/compare.h"
#include "jinja/limits.h"
#include "jinja/object.h"

namespace sparrow::jinja {
namespace {

// Below this many entries a dict is searched from front to back.
constexpr size_t kSmallDict = 8;

// How deep and heavy a container of such values becomes, checked.
struct Extent {
  int depth = 1;
  int64_t weight = 1;

  void add(const Value& value) {
    depth = std::max(depth, value.depth() + 1);
    weight += value.weight();
    if (depth > kMaxValueDepth) {
      fail(ErrorCode::invalid_argument, "values nest deeper than {} levels", kMaxValueDepth);
    }
    if (weight > kMaxValueWeight) {
      fail(ErrorCode::invalid_argument, "a value holds more than {} values", kMaxValueWeight);
    }
  }
};

void check_hashable(const Value& key) {
  if (key.is(Kind::list) || key.is(Kind::dict)) {
    fail(ErrorCode::invalid_argument, "unhashable type: '{}'", type_name(key));
  }
  if (key.is(Kind::tuple)) {
    for (const Value& item : key.items()) check_hashable(item);
  }
}

// Of equal keys the last value moves to the first place. `order` sorts the entries by key, equal
// ones in their order.
void merge_equal_keys(std::vector<DictEntry>& entries, std::vector<uint32_t>& order) {
  std::vector<bool> is_dropped(entries.size(), false);
  bool has_dropped = false;
  for (size_t i = 0; i < order.size();) {
    const size_t first = i++;
    while (i < order.size() &&
           compare_keys(entries[order[first]].key, entries[order[i]].key) == 0) {
      entries[order[first]].value = entries[order[i]].value;
      is_dropped[order[i++]] = true;
      has_dropped = true;
    }
  }
  if (!has_dropped) return;
  std::vector<uint32_t> moved_to(entries.size());
  size_t kept = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (is_dropped[i]) continue;
    moved_to[i] = static_cast<uint32_t>(kept);
    if (kept != i) entries[kept] = std::move(entries[i]);
    ++kept;
  }
  entries.resize(kept);
  std::erase_if(order, [&](uint32_t i) { return is_dropped[i]; });
  for (uint32_t& i : order) i = moved_to[i];
}

}  // namespace

Dict::Dict(std::vector<DictEntry> entries) : entries_(std::move(entries)) {
  for (const DictEntry& entry : entries_) check_hashable(entry.key);
  std::vector<uint32_t> order(entries_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return compare_keys(entries_[a].key, entries_[b].key) < 0;
  });
  merge_equal_keys(entries_, order);
  Extent extent;
  for (const DictEntry& entry : entries_) {
    extent.add(entry.key);
    extent.add(entry.value);
  }
  depth_ = extent.depth;
  weight_ = extent.weight;
  if (entries_.size() > kSmallDict) order_ = std::move(order);
}

const Value* Dict::find(const Value& key) const {
  if (key.is_string()) return find(key.as_view());
  check_hashable(key);
  return find_by([&](const Value& other) { return compare_keys(other, key); });
}

const Value* Dict::find(std::string_view key) const {
  return find_by([&](const Value& other) { return compare_key(other, key); });
}

// `compare` tells how a key of the dict stands to the one looked for.
template <typename Compare>
const Value* Dict::find_by(Compare compare) const {
  if (order_.empty()) {
    for (const DictEntry& entry : entries_) {
      if (compare(entry.key) == 0) return &entry.value;
    }
    return nullptr;
  }
  const auto found = std::partition_point(order_.begin(), order_.end(),
                                          [&](uint32_t i) { return compare(entries_[i].key) < 0; });
  if (found == order_.end() || compare(entries_[*found].key) != 0) return nullptr;
  return &entries_[*found].value;
}

Value Value::undefined(std::string reason) {
  return Value(Undefined{std::make_shared<const std::string>(std::move(reason))});
}

Value Value::string(Text text, bool is_markup) {
  return Value(std::make_shared<const String>(String{std::move(text), is_markup}));
}

Value Value::string(std::string bytes, bool from_template) {
  return string(Text(std::move(bytes), from_template), false);
}

Value Value::sequence(std::vector<Value> items, Sequence::Type type) {
  Extent extent;
  for (const Value& item : items) extent.add(item);
  return Value(std::make_shared<const Sequence>(
      Sequence{std::move(items), type, extent.depth, extent.weight}));
}

Value Value::group(Value key, Value items) {
  return sequence({std::move(key), std::move(items)}, Sequence::Type::group);
}

Value Value::dict(std::vector<DictEntry> entries) {
  return Value(std::make_shared<const Dict>(std::move(entries)));
}

Kind Value::kind() const {
  constexpr Kind kKinds[] = {Kind::undefined, Kind::none, Kind::boolean, Kind::integer, Kind::real,
                             Kind::string,    Kind::list, Kind::dict,    Kind::object};
  const Kind kind = kKinds[data_.index()];
  const bool is_tuple =
      kind == Kind::list && std::get<SequencePointer>(data_)->type != Sequence::Type::list;
  return is_tuple ? Kind::tuple : kind;
}

bool Value::is_number() const { return is(Kind::boolean) || is(Kind::integer) || is(Kind::real); }

Integer Value::as_integer() const {
  if (const bool* boolean = std::get_if<bool>(&data_)) return *boolean ? 1 : 0;
  return std::get<Integer>(data_);
}

double Value::as_real() const {
  if (const double* real = std::get_if<double>(&data_)) return *real;
  return static_cast<double>(as_integer());
}

bool Value::is_markup() const { return is_string() && std::get<StringPointer>(data_)->is_markup; }

Object* Value::as_object() const {
  Object* const* object = std::get_if<Object*>(&data_);
  return object == nullptr ? nullptr : *object;
}

bool Value::is_group() const {
  return is_sequence() && std::get<SequencePointer>(data_)->type == Sequence::Type::group;
}

bool Value::truth() const {
  switch (kind()) {
    case Kind::undefined:
    case Kind::none:
      return false;
    case Kind::boolean:
    case Kind::integer:
      return as_integer() != 0;
    case Kind::real:
      return as_real() != 0;
    case Kind::string:
      return !as_text().empty();
    case Kind::list:
    case Kind::tuple:
      return !items().empty();
    case Kind::dict:
      return !as_dict().entries().empty();
    case Kind::object:
      break;
  }
  if (const auto* range = dynamic_cast<const Range*>(as_object())) return range->count != 0;
  if (const auto* view = dynamic_cast<const DictView*>(as_object())) return view->dict.truth();
  return true;
}

int64_t Value::weight() const {
  if (is_string()) {
    return 1 + static_cast<int64_t>(as_text().size() / 16 + as_text().border_count() / 2);
  }
  if (is_sequence()) return std::get<SequencePointer>(data_)->weight;
  if (is(Kind::dict)) return as_dict().weight();
  return 1;
}

int Value::depth() const {
  if (is_sequence()) return std::get<SequencePointer>(data_)->depth;
  if (is(Kind::dict)) return as_dict().depth();
  return 0;
}

bool Value::is_same_as(const Value& other) const {
  if (data_.index() != other.data_.index()) return false;
  switch (kind()) {
    case Kind::undefined:
      return std::get<Undefined>(data_).reason == std::get<Undefined>(other.data_).reason;
    case Kind::none:
      return true;
    case Kind::boolean:
    case Kind::integer:
      return as_integer() == other.as_integer();
    case Kind::real:
      return as_real() == other.as_real();
    case Kind::string:  // Python shares equal literals; sharing every equal string comes closest
      return as_view() == other.as_view();
    case Kind::list:
    case Kind::tuple:
      return std::get<SequencePointer>(data_) == std::get<SequencePointer>(other.data_);
    case Kind::dict:
      return &as_dict() == &other.as_dict();
    case Kind::object:
      return as_object() == other.as_object();
  }
  return false;
}

std::string_view type_name(const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
      return "Undefined";
    case Kind::none:
      return "NoneType";
    case Kind::boolean:
      return "bool";
    case Kind::integer:
      return "int";
    case Kind::real:
      return "float";
    case Kind::string:
      return value.is_markup() ? "Markup" : "str";
    case Kind::list:
      return "list";
    case Kind::tuple:
      return "tuple";
    case Kind::dict:
      return "dict";
    case Kind::object:
      break;
  }
  return value.as_object()->type_name();
}

namespace {

Value from_json(const Json& json, int depth) {
  if (depth > kMaxValueDepth) {
    fail(ErrorCode::invalid_argument, "the input nests deeper than {} levels", kMaxValueDepth);
  }
  switch (json.type()) {
    case Json::value_t::boolean:
      return Value::boolean(json.get<bool>());
    case Json::value_t::number_integer:
      return Value::integer(json.get<int64_t>());
    case Json::value_t::number_unsigned:
      return Value::integer(json.get<uint64_t>());
    case Json::value_t::number_float:
      return Value::real(json.get<double>());
    case Json::value_t::string:
      return Value::string(json.get_ref<const std::string&>());
    case Json::value_t::array: {
      std::vector<Value> items;
      items.reserve(json.size());
      for (const Json& item : json) items.push_back(from_json(item, depth + 1));
      return Value::list(std::move(items));
    }
    case Json::value_t::object: {
      std::vector<DictEntry> entries;
      entries.reserve(json.size());
      for (const auto& [key, item] : json.items()) {
        entries.push_back({Value::string(key), from_json(item, depth + 1)});
      }
      return Value::dict(std::move(entries));
    }
    default:
      return Value();
  }
}

}  // namespace

Value from_json(const Json& json) { return from_json(json, 0); }

}  // namespace sparrow::jinja
