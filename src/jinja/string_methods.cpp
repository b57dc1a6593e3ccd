// The methods of Python's str.
#include <algorithm>

#include "base/error.h"
#include "jinja/builtins.h"
#include "jinja/characters.h"
#include "jinja/format.h"
#include "jinja/operators.h"
#include "jinja/strings.h"

namespace sparrow::jinja {
namespace {

using Arguments = BoundArguments;

// Every method pays for reading its text first.
const Text& read(Runtime& runtime, const Value& receiver) {
  runtime.spend(receiver.weight());
  return receiver.as_text();
}

// An argument beside a |safe string is escaped, as markupsafe does.
Text beside(Runtime& runtime, const Value& receiver, const Value& argument) {
  return receiver.is_markup() ? escape_markup(runtime, argument) : argument.as_text();
}

Value give(Runtime& runtime, const Value& receiver, Text text) {
  return runtime.make_string(std::move(text), receiver.is_markup());
}

template <Text (*convert)(const Text&)>
Value converted(Runtime& runtime, const Value& receiver, Arguments&) {
  const Text& text = read(runtime, receiver);
  runtime.spend(static_cast<int64_t>(text.size() / 4));
  return give(runtime, receiver, convert(text));
}

template <Side side>
Value stripped(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  const std::optional<std::string_view> characters = arguments.maybe_view(0);
  if (characters) runtime.spend(static_cast<int64_t>(characters->size()));
  return give(runtime, receiver, strip(read(runtime, receiver), side, characters));
}

template <bool from_right>
Value split_up(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  const Text& text = read(runtime, receiver);
  const std::optional<std::string_view> separator = arguments.maybe_view(0);
  // A part costs more than a letter: they are paid for before they are made.
  runtime.spend(separator && !separator->empty() ? 8 * count_occurrences(text.view(), *separator)
                                                 : static_cast<int64_t>(text.size() / 2));
  return runtime.make_strings(split(text, separator, arguments.integer(1, -1), from_right),
                              receiver.is_markup());
}

Value split_into_lines(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  const Text& text = read(runtime, receiver);
  runtime.spend(8 * count_occurrences(text.view(), "\n") + static_cast<int64_t>(text.size() / 4));
  return runtime.make_strings(split_lines(text, arguments.truth(0, false)), receiver.is_markup());
}

template <bool from_right>
Value partitioned(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  std::vector<Value> parts;
  for (Text& part : partition(read(runtime, receiver), arguments.text(0), from_right)) {
    parts.push_back(give(runtime, receiver, std::move(part)));
  }
  return runtime.make_tuple(std::move(parts));
}

Value replaced(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  const Text& text = read(runtime, receiver);
  arguments.text(0);
  arguments.text(1);
  const Text old = beside(runtime, receiver, arguments[0]);
  const Text replacement = beside(runtime, receiver, arguments[1]);
  runtime.spend(static_cast<int64_t>(text.size() / 4));
  return give(runtime, receiver,
              replace(text, old.view(), replacement, arguments.integer(2, -1),
                      runtime.limits().text_bytes));
}

// The bytes that [start, end) of a method's arguments `first` and `first` + 1 mean.
struct ByteRange {
  size_t begin;
  size_t end;
  bool is_valid;  // start is not behind the text's end
};
ByteRange range_of(const Text& text, const Arguments& arguments, size_t first) {
  const int64_t size = character_count(text.view());
  const int64_t start = arguments.maybe_integer(first).value_or(0);
  const int64_t end = arguments.maybe_integer(first + 1).value_or(size);
  const auto place = [&](int64_t index) {
    return std::clamp<int64_t>(index < 0 ? index + size : index, 0, size);
  };
  const bool is_valid = start <= size && place(start) <= place(end);
  return {byte_offset(text.view(), place(start)), byte_offset(text.view(), place(end)), is_valid};
}

// The character index of an occurrence, -1 if there is none.
template <bool from_right>
int64_t index_of(Runtime& runtime, const Value& receiver, const Arguments& arguments) {
  const Text& text = read(runtime, receiver);
  const std::string_view part = arguments.text(0).view();
  runtime.spend(static_cast<int64_t>(part.size() / 16));
  const ByteRange range = range_of(text, arguments, 1);
  if (!range.is_valid) return -1;
  const std::string_view inside = text.view().substr(range.begin, range.end - range.begin);
  const size_t at = from_right ? find_last(inside, part) : find_first(inside, part);
  return at == std::string::npos ? -1 : character_count(text.view().substr(0, range.begin + at));
}

template <bool from_right>
Value find_index(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  return Value::integer(index_of<from_right>(runtime, receiver, arguments));
}

template <bool from_right>
Value require_index(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  const int64_t index = index_of<from_right>(runtime, receiver, arguments);
  if (index < 0) fail(ErrorCode::invalid_argument, "substring not found");
  return Value::integer(index);
}

Value count_parts(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  const Text& text = read(runtime, receiver);
  const ByteRange range = range_of(text, arguments, 1);
  if (!range.is_valid) return Value::integer(0);
  return Value::integer(count_occurrences(text.view().substr(range.begin, range.end - range.begin),
                                          arguments.text(0).view()));
}

template <bool at_end>
Value has_affix(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  const Text& text = read(runtime, receiver);
  const ByteRange range = range_of(text, arguments, 1);
  const std::string_view inside = text.view().substr(range.begin, range.end - range.begin);
  const auto matches = [&](const Value& affix) {
    if (!affix.is_string()) {
      fail(ErrorCode::invalid_argument, "{} first arg must be str or a tuple of str, not {}",
           at_end ? "endswith" : "startswith", type_name(affix));
    }
    runtime.spend(1);
    return at_end ? inside.ends_with(affix.as_view()) : inside.starts_with(affix.as_view());
  };
  if (!range.is_valid) return Value::boolean(false);
  if (!arguments[0].is(Kind::tuple)) return Value::boolean(matches(arguments[0]));
  const std::vector<Value>& affixes = arguments[0].items();
  return Value::boolean(std::any_of(affixes.begin(), affixes.end(), matches));
}

Value without_prefix(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  const Text& text = read(runtime, receiver);
  const std::string_view prefix = arguments.text(0).view();
  if (!text.view().starts_with(prefix)) return receiver;
  return give(runtime, receiver, text.slice(prefix.size(), text.size()));
}

Value without_suffix(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  const Text& text = read(runtime, receiver);
  const std::string_view suffix = arguments.text(0).view();
  if (!text.view().ends_with(suffix)) return receiver;
  return give(runtime, receiver, text.slice(0, text.size() - suffix.size()));
}

Value join(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  const std::vector<Value> items = runtime.items_of(arguments[0]);
  Text result;
  for (size_t i = 0; i < items.size(); ++i) {
    if (!items[i].is_string() && !receiver.is_markup()) {
      fail(ErrorCode::invalid_argument, "sequence item {}: expected str instance, {} found", i,
           type_name(items[i]));
    }
    if (i > 0) result.append(read(runtime, receiver));
    result.append(receiver.is_markup() ? escape_markup(runtime, items[i])
                                       : read(runtime, items[i]));
    if (result.size() > runtime.limits().text_bytes) runtime.spend_text(result.size());
  }
  return give(runtime, receiver, std::move(result));
}

// How many characters are missing to the width of argument 0, and what fills them.
struct Padding {
  int64_t count;
  Text fill;
};
Padding padding_of(Runtime& runtime, const Value& receiver, const Arguments& arguments) {
  const int64_t missing = std::max<int64_t>(
      0, arguments.integer(0, 0) - character_count(read(runtime, receiver).view()));
  Text fill = arguments.has(1) ? arguments.text(1) : Text(" ", false);
  if (character_count(fill.view()) != 1)
    fail(ErrorCode::invalid_argument, "The fill character must be exactly one character long");
  const int64_t most = static_cast<int64_t>(runtime.limits().text_bytes) + 1;
  runtime.spend_text(static_cast<size_t>(std::min(missing, most)) * fill.size());
  return {missing, std::move(fill)};
}

Value padded(Runtime& runtime, const Value& receiver, const Padding& padding, int64_t left) {
  Text result;
  for (int64_t i = 0; i < left; ++i) result.append(padding.fill);
  result.append(receiver.as_text());
  for (int64_t i = left; i < padding.count; ++i) result.append(padding.fill);
  return give(runtime, receiver, std::move(result));
}

Value left_justified(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  return padded(runtime, receiver, padding_of(runtime, receiver, arguments), 0);
}

Value right_justified(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  const Padding padding = padding_of(runtime, receiver, arguments);
  return padded(runtime, receiver, padding, padding.count);
}

Value centered(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  const Padding padding = padding_of(runtime, receiver, arguments);
  // CPython's rule for an odd remainder.
  const int64_t left = padding.count / 2 + (padding.count & arguments.integer(0, 0) & 1);
  return padded(runtime, receiver, padding, left);
}

Value zero_filled(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  const Text& text = read(runtime, receiver);
  const int64_t missing = arguments.integer(0, 0) - character_count(text.view());
  if (missing <= 0) return receiver;
  runtime.spend_text(static_cast<size_t>(missing));
  const size_t sign = text.view().starts_with('+') || text.view().starts_with('-') ? 1 : 0;
  Text result = text.slice(0, sign);
  result.append(std::string(static_cast<size_t>(missing), '0'), false);
  result.append(text, sign, text.size());
  return give(runtime, receiver, std::move(result));
}

Value with_tabs_expanded(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  const Text& text = read(runtime, receiver);
  const int64_t tab_size = arguments.integer(0, 8);
  if (tab_size > static_cast<int64_t>(runtime.limits().text_bytes))
    runtime.spend_text(static_cast<size_t>(tab_size));
  Text result;
  int64_t column = 0;
  for (size_t at = 0; at < text.size();) {
    const Character c = character_at(text.view(), at);
    if (c.code == '\t') {
      const int64_t count = tab_size > 0 ? tab_size - column % tab_size : 0;
      runtime.spend_text(result.size() + static_cast<size_t>(count) > runtime.limits().text_bytes
                             ? runtime.limits().text_bytes + 1
                             : static_cast<size_t>(count));
      result.append(std::string(static_cast<size_t>(count), ' '), false);
      column += count;
    } else {
      result.append(text, at, at + c.size_bytes);
      column = c.code == '\n' || c.code == '\r' ? 0 : column + 1;
    }
    at += c.size_bytes;
  }
  return give(runtime, receiver, std::move(result));
}

template <uint16_t any_of>
Value has_only_such(Runtime& runtime, const Value& receiver, Arguments&) {
  return Value::boolean(has_only(read(runtime, receiver).view(), any_of));
}

template <bool (*predicate)(std::string_view)>
Value holds(Runtime& runtime, const Value& receiver, Arguments&) {
  return Value::boolean(predicate(read(runtime, receiver).view()));
}

Value is_all_printable(Runtime& runtime, const Value& receiver, Arguments&) {
  const Text& text = read(runtime, receiver);
  return Value::boolean(text.empty() || has_only(text.view(), kPrintable));
}

Value format(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  return format_braces(runtime, receiver, arguments.all());
}

Value format_by_map(Runtime& runtime, const Value& receiver, Arguments& arguments) {
  return format_map(runtime, receiver, arguments[0]);
}

Value refused(Runtime&, const Value&, Arguments&) {
  fail(ErrorCode::invalid_argument,
       "the string methods encode, maketrans and translate are not supported in templates");
}

constexpr Signature kAny = {.is_open = true};

constexpr Method kStringMethods[] = {
    {"capitalize", {}, converted<to_capitalized>},
    {"casefold", {}, converted<to_folded>},
    {"center", {{"width", "fillchar"}, 1}, centered},
    {"count", {{"sub", "start", "end"}, 1}, count_parts},
    {"encode", kAny, refused},
    {"endswith", {{"suffix", "start", "end"}, 1}, has_affix<true>},
    {"expandtabs", {{"tabsize"}}, with_tabs_expanded},
    {"find", {{"sub", "start", "end"}, 1}, find_index<false>},
    {"format", kAny, format},
    {"format_map", {{"mapping"}, 1}, format_by_map},
    {"index", {{"sub", "start", "end"}, 1}, require_index<false>},
    {"isalnum", {}, has_only_such<kAlpha | kDecimal | kDigit | kNumeric>},
    {"isalpha", {}, has_only_such<kAlpha>},
    {"isascii", {}, holds<is_ascii>},
    {"isdecimal", {}, has_only_such<kDecimal>},
    {"isdigit", {}, has_only_such<kDigit>},
    {"isidentifier", {}, holds<is_identifier>},
    {"islower", {}, holds<is_all_lower>},
    {"isnumeric", {}, has_only_such<kNumeric>},
    {"isprintable", {}, is_all_printable},
    {"isspace", {}, holds<is_all_space>},
    {"istitle", {}, holds<is_titled>},
    {"isupper", {}, holds<is_all_upper>},
    {"join", {{"iterable"}, 1}, join},
    {"ljust", {{"width", "fillchar"}, 1}, left_justified},
    {"lower", {}, converted<to_lower>},
    {"lstrip", {{"chars"}}, stripped<Side::left>},
    {"maketrans", kAny, refused},
    {"partition", {{"sep"}, 1}, partitioned<false>},
    {"removeprefix", {{"prefix"}, 1}, without_prefix},
    {"removesuffix", {{"suffix"}, 1}, without_suffix},
    {"replace", {{"old", "new", "count"}, 2}, replaced},
    {"rfind", {{"sub", "start", "end"}, 1}, find_index<true>},
    {"rindex", {{"sub", "start", "end"}, 1}, require_index<true>},
    {"rjust", {{"width", "fillchar"}, 1}, right_justified},
    {"rpartition", {{"sep"}, 1}, partitioned<true>},
    {"rsplit", {{"sep", "maxsplit"}}, split_up<true>},
    {"rstrip", {{"chars"}}, stripped<Side::right>},
    {"split", {{"sep", "maxsplit"}}, split_up<false>},
    {"splitlines", {{"keepends"}}, split_into_lines},
    {"startswith", {{"prefix", "start", "end"}, 1}, has_affix<false>},
    {"strip", {{"chars"}}, stripped<Side::both>},
    {"swapcase", {}, converted<swap_case>},
    {"title", {}, converted<to_title>},
    {"translate", kAny, refused},
    {"upper", {}, converted<to_upper>},
    {"zfill", {{"width"}, 1}, zero_filled},
};

}  // namespace

std::span<const Method> string_methods() { return kStringMethods; }

}  // namespace sparrow::jinja
