// Filters that make text of a value.
#include <algorithm>

#include "base/error.h"
#include "jinja/builtins.h"
#include "jinja/characters.h"
#include "jinja/format.h"
#include "jinja/number_text.h"
#include "jinja/strings.h"
#include "jinja/value_text.h"

namespace sparrow::jinja {
namespace {

using Arguments = BoundArguments;

// The value itself where it is a string, else what it prints.
Value as_string(Runtime& runtime, const Value& value) {
  if (value.is_string()) {
    runtime.spend(value.weight());
    return value;
  }
  return runtime.make_string(runtime.text_of(value));
}

Value string(Runtime& runtime, const Value& input, Arguments&) { return as_string(runtime, input); }

template <Text (*convert)(const Text&)>
Value converted(Runtime& runtime, const Value& input, Arguments&) {
  const Value value = as_string(runtime, input);
  runtime.spend(static_cast<int64_t>(value.as_text().size() / 4));
  return runtime.make_string(convert(value.as_text()), value.is_markup());
}

// What Jinja takes for the start of a word, which is not what str.title() takes.
bool starts_word(char32_t code) {
  return is_space(code) || code == '-' || code == '(' || code == '{' || code == '[' || code == '<';
}

Value title(Runtime& runtime, const Value& input, Arguments&) {
  const Value value = as_string(runtime, input);
  const Text& text = value.as_text();
  runtime.spend(static_cast<int64_t>(text.size()));
  Text result;
  for (size_t begin = 0; begin < text.size();) {
    const size_t first = begin + character_at(text.view(), begin).size_bytes;
    const bool is_break = starts_word(character_at(text.view(), begin).code);
    size_t end = first;
    while (end < text.size() && starts_word(character_at(text.view(), end).code) == is_break) {
      end += character_at(text.view(), end).size_bytes;
    }
    result.append(to_upper(text.slice(begin, first)));
    result.append(to_lower(text.slice(first, end)));
    begin = end;
  }
  return runtime.make_string(std::move(result));
}

Value trim(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Value value = as_string(runtime, input);
  const std::optional<std::string_view> characters = arguments.maybe_view(0);
  if (characters) runtime.spend(static_cast<int64_t>(characters->size()));
  return runtime.make_string(strip(value.as_text(), Side::both, characters), value.is_markup());
}

Value replaced(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Text text = runtime.text_of(input);
  const Text old = runtime.text_of(arguments[0]);
  runtime.spend(static_cast<int64_t>(text.size() / 4));
  return runtime.make_string(replace(text, old.view(), runtime.text_of(arguments[1]),
                                     arguments.maybe_integer(2).value_or(-1),
                                     runtime.limits().text_bytes));
}

Value center(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Value value = as_string(runtime, input);
  CallArguments width;
  width.positional.push_back(Value::integer(arguments.integer(0, 80)));
  return call_method(runtime, *find_method(value, "center"), value, std::move(width));
}

Value format(Runtime& runtime, const Value& input, Arguments& arguments) {
  CallArguments& all = arguments.all();
  if (!all.positional.empty() && !all.named.empty()) {
    fail(ErrorCode::invalid_argument,
         "can't handle positional and keyword arguments at the same time");
  }
  const Value pattern = as_string(runtime, input);
  if (all.named.empty())
    return format_percent(runtime, pattern, runtime.make_tuple(std::move(all.positional)));
  std::vector<DictEntry> names;
  for (auto& [name, value] : all.named) names.push_back({Value::string(name), std::move(value)});
  return format_percent(runtime, pattern, Value::dict(std::move(names)));
}

Value indent(Runtime& runtime, const Value& input, Arguments& arguments) {
  if (!input.is_string()) {
    if (input.is_undefined()) fail(ErrorCode::invalid_argument, "{}", input.undefined_reason());
    fail(ErrorCode::invalid_argument, "indent wants a string, got {}", type_name(input));
  }
  Text step;
  if (arguments.has(0) && arguments[0].is_string()) {
    step = arguments[0].as_text();
  } else {
    const int64_t width = std::max<int64_t>(0, arguments.integer(0, 4));
    runtime.spend_text(static_cast<size_t>(width));
    step = Text(std::string(static_cast<size_t>(width), ' '), false);
  }
  Text text = input.as_text();
  text.append("\n", false);
  runtime.spend(input.weight() + 8 * count_occurrences(text.view(), "\n"));
  const std::vector<Text> lines = split_lines(text, false);
  Text result = arguments.truth(1, false) ? step : Text();
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) result.append("\n", false);
    if (i > 0 && (arguments.truth(2, false) || !lines[i].empty())) result.append(step);
    result.append(lines[i]);
    if (result.size() > runtime.limits().text_bytes) runtime.spend_text(result.size());
  }
  return runtime.make_string(std::move(result), input.is_markup());
}

Value truncated(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Value value = as_string(runtime, input);
  const int64_t length = arguments.integer(0, 255);
  const Text end = arguments.has(2) ? arguments.text(2) : Text("...", false);
  const int64_t leeway = arguments.maybe_integer(3).value_or(5);
  const int64_t end_length = character_count(end.view());
  if (length < end_length)
    fail(ErrorCode::invalid_argument, "expected length >= {}, got {}", end_length, length);
  if (leeway < 0) fail(ErrorCode::invalid_argument, "expected leeway >= 0, got {}", leeway);
  if (character_count(value.as_view()) <= length + leeway) return value;
  Text result = slice(value.as_text(), std::nullopt, length - end_length, 1);
  if (!arguments.truth(1, false)) result = split(result, " ", 1, true)[0];
  result.append(end);
  return runtime.make_string(std::move(result));
}

Value count_words(Runtime& runtime, const Value& input, Arguments&) {
  const Value value = as_string(runtime, input);
  int64_t count = 0;
  bool is_inside = false;
  for (size_t at = 0; at < value.as_view().size();) {
    const Character c = character_at(value.as_view(), at);
    const bool is_part = is_word(c.code);
    if (is_part && !is_inside) ++count;
    is_inside = is_part;
    at += c.size_bytes;
  }
  return Value::integer(count);
}

// Hugging Face's tojson, which is not Jinja's: no HTML escapes, no sorting, all of Unicode as it
// is.
Value tojson(Runtime& runtime, const Value& input, Arguments& arguments) {
  JsonStyle style;
  style.ensure_ascii = arguments.truth(0, false);
  if (arguments.has(1) && !arguments[1].is_none()) {
    if (arguments[1].is_string()) {
      style.indent = std::string(arguments[1].as_view());
    } else {
      const int64_t width = std::max<int64_t>(0, small_integer(arguments[1]));
      runtime.spend_text(static_cast<size_t>(width));
      style.indent = std::string(static_cast<size_t>(width), ' ');
    }
    style.item_separator = std::string(1, ',');
  }
  if (arguments.has(2) && !arguments[2].is_none()) {
    const std::vector<Value> separators = runtime.items_of(arguments[2]);
    if (separators.size() != 2 || !separators[0].is_string() || !separators[1].is_string()) {
      fail(ErrorCode::invalid_argument, "tojson wants two strings as separators");
    }
    style.item_separator = separators[0].as_view();
    style.key_separator = separators[1].as_view();
  }
  style.sort_keys = arguments.truth(3, false);
  runtime.spend(input.weight() * (style.sort_keys ? 4 : 1));
  return runtime.make_string(to_json_text(input, style, runtime.limits().text_bytes));
}

Value file_size(Runtime& runtime, const Value& input, Arguments& arguments) {
  const std::optional<double> bytes = input.is_number()   ? input.as_real()
                                      : input.is_string() ? parse_real(input.as_view())
                                                          : std::nullopt;
  if (!bytes)
    fail(ErrorCode::invalid_argument, "filesizeformat wants a number, got {}", type_name(input));
  const bool is_binary = arguments.truth(0, false);
  const double base = is_binary ? 1024 : 1000;
  if (*bytes == 1) return runtime.make_string("1 Byte");
  if (*bytes < base) return runtime.make_string(integer_text(truncate(*bytes)) + " Bytes");
  constexpr std::string_view kPrefixes = "kMGTPEZY";
  double unit = base;
  size_t prefix = 0;
  while (prefix + 1 < kPrefixes.size() && *bytes >= unit * base) {
    unit *= base;
    ++prefix;
  }
  const char letter = is_binary && prefix == 0 ? 'K' : kPrefixes[prefix];
  return runtime.make_string(
      fmt::format("{} {}{}B", real_text(*bytes / unit, 'f', 1), letter, is_binary ? "i" : ""));
}

Value refused(Runtime&, const Value&, Arguments&) {
  fail(ErrorCode::invalid_argument,
       "the filters pprint, random, striptags, urlize and wordwrap are not supported");
}

constexpr Filter kTextFilters[] = {
    {"capitalize", {}, converted<to_capitalized>},
    {"center", {{"width"}}, center},
    {"filesizeformat", {{"binary"}}, file_size},
    {"format", {.is_open = true}, format},
    {"indent", {{"width", "first", "blank"}}, indent},
    {"lower", {}, converted<to_lower>},
    {"pprint", {.is_open = true}, refused},
    {"random", {.is_open = true}, refused},
    {"replace", {{"old", "new", "count"}, 2}, replaced},
    {"string", {}, string},
    {"striptags", {.is_open = true}, refused},
    {"title", {}, title},
    {"tojson", {{"ensure_ascii", "indent", "separators", "sort_keys"}}, tojson},
    {"trim", {{"chars"}}, trim},
    {"truncate", {{"length", "killwords", "end", "leeway"}}, truncated},
    {"upper", {}, converted<to_upper>},
    {"urlize", {.is_open = true}, refused},
    {"wordcount", {}, count_words},
    {"wordwrap", {.is_open = true}, refused},
};

}  // namespace

std::span<const Filter> text_filters() { return kTextFilters; }

}  // namespace sparrow::jinja
