// Filters on whole sequences and dicts.
#include <algorithm>
#include <set>

#include "base/error.h"
#include "jinja/builtins.h"
#include "jinja/compare.h"
#include "jinja/lookup.h"
#include "jinja/operators.h"
#include "jinja/strings.h"

namespace sparrow::jinja {
namespace {

using Arguments = BoundArguments;

Value iterator(Runtime& runtime, std::vector<Value> items) {
  runtime.spend(static_cast<int64_t>(items.size()));
  return Value::object(runtime.make<Iterator>(std::move(items)));
}

// What a filter compares items by: themselves or an attribute, with case or without.
class Key {
 public:
  Key(Runtime& runtime, const Value* attribute, bool is_case_sensitive)
      : runtime_(runtime), is_case_sensitive_(is_case_sensitive) {
    if (attribute != nullptr) path_ = attribute_path(runtime, *attribute);
  }

  Value of(const Value& item, const Value* otherwise = nullptr) const {
    Value value = item;
    for (const Value& part : path_) {
      value = get_item(runtime_, value, part);
      if (otherwise != nullptr && value.is_undefined()) value = *otherwise;
    }
    return folded(value);
  }

  Value folded(const Value& value) const {
    if (is_case_sensitive_ || !value.is_string()) return value;
    runtime_.spend(value.weight() + static_cast<int64_t>(value.as_view().size() / 4));
    return runtime_.make_string(to_lower(value.as_text()));
  }

 private:
  Runtime& runtime_;
  std::vector<Value> path_;
  bool is_case_sensitive_;
};

const Value* maybe(const Arguments& arguments, size_t index) {
  return arguments.has(index) ? &arguments[index] : nullptr;
}

bool is_less(Runtime& runtime, const Value& left, const Value& right) {
  runtime.spend(std::min(left.weight(), right.weight()));
  return order(left, right, "<") < 0;
}

bool is_equal(Runtime& runtime, const Value& left, const Value& right) {
  runtime.spend(std::min(left.weight(), right.weight()));
  return equals(left, right);
}

// The places of the items in the order of their keys; equal ones stay as they are.
std::vector<size_t> sorted_places(Runtime& runtime, const std::vector<Value>& keys,
                                  bool is_reverse) {
  std::vector<size_t> places(keys.size());
  for (size_t i = 0; i < places.size(); ++i) places[i] = i;
  std::stable_sort(places.begin(), places.end(), [&](size_t a, size_t b) {
    return is_reverse ? is_less(runtime, keys[b], keys[a]) : is_less(runtime, keys[a], keys[b]);
  });
  return places;
}

Value sorted(Runtime& runtime, const Value& input, Arguments& arguments) {
  std::vector<Key> parts;
  const bool is_case_sensitive = arguments.truth(1, false);
  if (arguments.has(2) && arguments[2].is_string()) {
    for (Text& name : split(arguments[2].as_text(), ",", -1, false)) {
      const Value attribute = runtime.make_string(std::move(name));
      parts.emplace_back(runtime, &attribute, is_case_sensitive);
    }
  } else {
    parts.emplace_back(runtime, maybe(arguments, 2), is_case_sensitive);
  }
  const std::vector<Value> items = runtime.items_of(input);
  std::vector<Value> keys;
  for (const Value& item : items) {
    std::vector<Value> key;
    for (const Key& part : parts) key.push_back(part.of(item));
    keys.push_back(runtime.make_list(std::move(key)));
  }
  std::vector<Value> result;
  for (const size_t place : sorted_places(runtime, keys, arguments.truth(0, false)))
    result.push_back(items[place]);
  return runtime.make_list(std::move(result));
}

Value dict_sorted(Runtime& runtime, const Value& input, Arguments& arguments) {
  if (input.is_undefined()) fail(ErrorCode::invalid_argument, "{}", input.undefined_reason());
  if (!input.is(Kind::dict))
    fail(ErrorCode::invalid_argument, "dictsort wants a mapping, got {}", type_name(input));
  const std::string_view by = arguments.has(1) ? arguments.text(1).view() : "key";
  if (by != "key" && by != "value")
    fail(ErrorCode::invalid_argument, "You can only sort by either \"key\" or \"value\"");
  const Key key(runtime, nullptr, arguments.truth(0, false));
  const std::vector<DictEntry>& entries = input.as_dict().entries();
  std::vector<Value> keys;
  for (const DictEntry& entry : entries)
    keys.push_back(key.folded(by == "key" ? entry.key : entry.value));
  std::vector<Value> result;
  for (const size_t place : sorted_places(runtime, keys, arguments.truth(2, false))) {
    result.push_back(runtime.make_tuple({entries[place].key, entries[place].value}));
  }
  return runtime.make_list(std::move(result));
}

template <bool wants_largest>
Value extreme(Runtime& runtime, const Value& input, Arguments& arguments) {
  const std::vector<Value> items = runtime.items_of(input);
  if (items.empty()) return Value::undefined("No aggregated item, sequence was empty.");
  const Key key(runtime, maybe(arguments, 1), arguments.truth(0, false));
  size_t best = 0;
  Value best_key = key.of(items[0]);
  for (size_t i = 1; i < items.size(); ++i) {
    Value item_key = key.of(items[i]);
    const bool is_better =
        wants_largest ? is_less(runtime, best_key, item_key) : is_less(runtime, item_key, best_key);
    if (!is_better) continue;
    best = i;
    best_key = std::move(item_key);
  }
  return items[best];
}

Value unique(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Key key(runtime, maybe(arguments, 1), arguments.truth(0, false));
  const auto is_before = [&](const Value& a, const Value& b) {
    runtime.spend(std::min(a.weight(), b.weight()));
    return compare_keys(a, b) < 0;
  };
  std::set<Value, decltype(is_before)> seen(is_before);
  std::vector<Value> result;
  for (Value& item : runtime.items_of(input)) {
    Value item_key = key.of(item);
    runtime.spend(item_key.weight());
    Dict({{item_key, Value()}});  // refuses what cannot be hashed
    if (seen.insert(std::move(item_key)).second) result.push_back(std::move(item));
  }
  return iterator(runtime, std::move(result));
}

Value grouped(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Value* otherwise = arguments.has(1) && !arguments[1].is_none() ? &arguments[1] : nullptr;
  const bool is_case_sensitive = arguments.truth(2, false);
  const Key key(runtime, &arguments[0], is_case_sensitive);
  const Key shown(runtime, &arguments[0], true);
  const std::vector<Value> items = runtime.items_of(input);
  std::vector<Value> keys;
  for (const Value& item : items) keys.push_back(key.of(item, otherwise));
  const std::vector<size_t> places = sorted_places(runtime, keys, false);
  std::vector<Value> result;
  for (size_t i = 0; i < places.size();) {
    const size_t first = places[i];
    std::vector<Value> group;
    for (; i < places.size() && is_equal(runtime, keys[places[i]], keys[first]); ++i)
      group.push_back(items[places[i]]);
    result.push_back(
        Value::group(shown.of(items[first], otherwise), runtime.make_list(std::move(group))));
  }
  return runtime.make_list(std::move(result));
}

Value first(Runtime& runtime, const Value& input, Arguments&) {
  Iterator* source = dynamic_cast<Iterator*>(input.as_object());
  if (source != nullptr && source->next < source->items.size())
    return source->items[source->next++];
  const std::vector<Value> items = runtime.items_of(input);
  return items.empty() ? Value::undefined("No first item, sequence was empty.") : items.front();
}

Value last(Runtime& runtime, const Value& input, Arguments&) {
  if (dynamic_cast<Iterator*>(input.as_object()) != nullptr) {
    fail(ErrorCode::invalid_argument, "'generator' object is not reversible");
  }
  const std::vector<Value> items = runtime.items_of(input);
  return items.empty() ? Value::undefined("No last item, sequence was empty.") : items.back();
}

Value reversed(Runtime& runtime, const Value& input, Arguments&) {
  if (input.is_string()) return get_slice(runtime, input, Value(), Value(), Value::integer(-1));
  if (!is_iterable(input)) fail(ErrorCode::invalid_argument, "argument must be iterable");
  const bool is_generator = dynamic_cast<Iterator*>(input.as_object()) != nullptr;
  std::vector<Value> items = runtime.items_of(input);
  std::reverse(items.begin(), items.end());
  return is_generator ? runtime.make_list(std::move(items)) : iterator(runtime, std::move(items));
}

Value length(Runtime& runtime, const Value& input, Arguments&) {
  if (input.is_string()) runtime.spend(input.weight());
  const std::optional<int64_t> count = length_of(input);
  if (!count)
    fail(ErrorCode::invalid_argument, "object of type '{}' has no len()", type_name(input));
  return Value::integer(*count);
}

Value list(Runtime& runtime, const Value& input, Arguments&) {
  return runtime.make_list(runtime.items_of(input));
}

Value items(Runtime& runtime, const Value& input, Arguments&) {
  if (input.is_undefined()) return iterator(runtime, {});
  if (!input.is(Kind::dict))
    fail(ErrorCode::invalid_argument, "Can only get item pairs from a mapping.");
  std::vector<Value> pairs;
  for (const DictEntry& entry : input.as_dict().entries())
    pairs.push_back(runtime.make_tuple({entry.key, entry.value}));
  return iterator(runtime, std::move(pairs));
}

Value joined(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Text separator = arguments.has(0) ? runtime.text_of(arguments[0]) : Text();
  const Value attribute = arguments.has(1) ? arguments[1] : Value();
  const std::vector<Value> path = attribute_path(runtime, attribute);
  Text result;
  bool is_first = true;
  for (const Value& item : runtime.items_of(input)) {
    if (!is_first) result.append(separator);
    is_first = false;
    result.append(runtime.text_of(follow_path(runtime, item, path)));
    runtime.spend(static_cast<int64_t>(separator.size() / 16));
    if (result.size() > runtime.limits().text_bytes) runtime.spend_text(result.size());
  }
  return runtime.make_string(std::move(result));
}

Value sum(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Value attribute = arguments.has(0) ? arguments[0] : Value();
  const std::vector<Value> path = attribute_path(runtime, attribute);
  Value total = arguments.has(1) ? arguments[1] : Value::integer(0);
  if (total.is_string())
    fail(ErrorCode::invalid_argument, "sum() can't sum strings [use ''.join(seq) instead]");
  for (const Value& item : runtime.items_of(input))
    total = add(runtime, total, follow_path(runtime, item, path));
  return total;
}

Value sliced(Runtime& runtime, const Value& input, Arguments& arguments) {
  const std::vector<Value> all = runtime.items_of(input);
  const int64_t size = static_cast<int64_t>(all.size());
  const int64_t slices = arguments.integer(0, 0);
  if (slices == 0) fail(ErrorCode::invalid_argument, "integer division or modulo by zero");
  runtime.spend(std::max<int64_t>(slices, 0));
  const int64_t whole = slices > 0 ? size / slices : 0;
  const int64_t longer = slices > 0 ? size % slices : 0;
  const bool has_fill = arguments.has(1) && !arguments[1].is_none();
  std::vector<Value> result;
  auto at = all.begin();
  for (int64_t i = 0; i < slices; ++i) {
    std::vector<Value> part(at, at + whole + (i < longer ? 1 : 0));
    at += static_cast<std::ptrdiff_t>(part.size());
    if (has_fill && i >= longer) part.push_back(arguments[1]);
    result.push_back(runtime.make_list(std::move(part)));
  }
  return iterator(runtime, std::move(result));
}

Value batched(Runtime& runtime, const Value& input, Arguments& arguments) {
  const int64_t count = arguments.integer(0, 0);
  const bool has_fill = arguments.has(1) && !arguments[1].is_none();
  std::vector<Value> result;
  std::vector<Value> batch;
  for (Value& item : runtime.items_of(input)) {
    if (static_cast<int64_t>(batch.size()) == count) {
      result.push_back(runtime.make_list(std::move(batch)));
      batch.clear();
    }
    batch.push_back(std::move(item));
  }
  if (!batch.empty()) {
    if (has_fill && static_cast<int64_t>(batch.size()) < count) {
      runtime.spend(count);
      batch.resize(static_cast<size_t>(count), arguments[1]);
    }
    result.push_back(runtime.make_list(std::move(batch)));
  }
  return iterator(runtime, std::move(result));
}

constexpr Filter kSequenceFilters[] = {
    {"batch", {{"linecount", "fill_with"}, 1}, batched},
    {"count", {}, length},
    {"dictsort", {{"case_sensitive", "by", "reverse"}}, dict_sorted},
    {"first", {}, first},
    {"groupby", {{"attribute", "default", "case_sensitive"}, 1}, grouped},
    {"items", {}, items},
    {"join", {{"d", "attribute"}}, joined},
    {"last", {}, last},
    {"length", {}, length},
    {"list", {}, list},
    {"max", {{"case_sensitive", "attribute"}}, extreme<true>},
    {"min", {{"case_sensitive", "attribute"}}, extreme<false>},
    {"reverse", {}, reversed},
    {"slice", {{"slices", "fill_with"}, 1}, sliced},
    {"sort", {{"reverse", "case_sensitive", "attribute"}}, sorted},
    {"sum", {{"attribute", "start"}}, sum},
    {"unique", {{"case_sensitive", "attribute"}}, unique},
};

}  // namespace

std::span<const Filter> sequence_filters() { return kSequenceFilters; }

}  // namespace sparrow::jinja
