// "{} {name[0]:>5}".format(x, name=y), with the sandbox's lookups.
#include <algorithm>

#include "base/error.h"
#include "jinja/characters.h"
#include "jinja/format.h"
#include "jinja/lookup.h"
#include "jinja/number_text.h"
#include "jinja/operators.h"
#include "jinja/strings.h"
#include "jinja/value_text.h"

namespace sparrow::jinja {
namespace {

class BraceFormatter {
 public:
  BraceFormatter(Runtime& runtime, const std::vector<Value>& positional, Value names,
                 bool is_markup)
      : runtime_(runtime),
        positional_(positional),
        names_(std::move(names)),
        is_markup_(is_markup) {}

  Text run(const Text& pattern, int depth) {
    if (depth > 2) fail(ErrorCode::invalid_argument, "Max string recursion exceeded");
    Text result;
    const std::string_view view = pattern.view();
    size_t at = 0;
    while (at < view.size()) {
      const size_t brace = std::min(view.find_first_of("{}", at), view.size());
      result.append(pattern, at, brace);
      if (brace == view.size()) break;
      if (brace + 1 < view.size() && view[brace + 1] == view[brace]) {
        result.append(pattern, brace, brace + 1);
        at = brace + 2;
        continue;
      }
      if (view[brace] == '}')
        fail(ErrorCode::invalid_argument, "Single '}}' encountered in format string");
      const size_t close = closing_brace(view, brace);
      result.append(field(pattern.slice(brace + 1, close), depth));
      at = close + 1;
      if (result.size() > runtime_.limits().text_bytes) runtime_.spend_text(result.size());
    }
    return result;
  }

 private:
  static size_t closing_brace(std::string_view view, size_t open) {
    int depth = 0;
    bool is_index = false;
    for (size_t at = open; at < view.size(); ++at) {
      if (view[at] == '[') is_index = true;
      if (view[at] == ']') is_index = false;
      if (is_index) continue;
      if (view[at] == '{') ++depth;
      if (view[at] == '}' && --depth == 0) return at;
    }
    fail(ErrorCode::invalid_argument, "expected '}}' before end of string");
  }

  // name!conversion:specification
  Text field(const Text& text, int depth) {
    const std::string_view view = text.view();
    size_t name_end = 0;
    bool is_index = false;
    while (name_end < view.size() &&
           (is_index || (view[name_end] != '!' && view[name_end] != ':'))) {
      if (view[name_end] == '[') is_index = true;
      if (view[name_end] == ']') is_index = false;
      ++name_end;
    }
    Value value = find(view.substr(0, name_end));
    size_t at = name_end;
    char conversion = '\0';
    if (at < view.size() && view[at] == '!') {
      if (at + 1 >= view.size()) fail(ErrorCode::invalid_argument, "unmatched '{{' in format spec");
      conversion = view[at + 1];
      at += 2;
      if (at < view.size() && view[at] != ':')
        fail(ErrorCode::invalid_argument, "expected ':' after conversion specifier");
    }
    const Text specification =
        at < view.size() ? run(text.slice(at + 1, view.size()), depth + 1) : Text();
    value = convert(value, conversion);
    if (is_markup_ && specification.empty()) return escape_markup(runtime_, value);
    return format_value(runtime_, value, specification.view());
  }

  Value convert(const Value& value, char conversion) {
    switch (conversion) {
      case '\0':
        return value;
      case 's':
        return runtime_.make_string(runtime_.text_of(value));
      case 'r':
        runtime_.spend(value.weight());
        return runtime_.make_string(repr(value, runtime_.limits().text_bytes));
      case 'a':
        runtime_.spend(value.weight());
        return runtime_.make_string(ascii_repr(value, runtime_.limits().text_bytes));
      default:
        fail(ErrorCode::invalid_argument, "unknown conversion specifier '{}'", conversion);
    }
  }

  // "0", "name", "" (the next one), each with .attributes and [items] behind.
  Value find(std::string_view path) {
    const size_t first_end = std::min(path.find_first_of(".["), path.size());
    Value value = first(path.substr(0, first_end), path.empty());
    for (size_t at = first_end; at < path.size();) {
      if (path[at] == '.') {
        const size_t end = std::min(path.find_first_of(".[", at + 1), path.size());
        value = get_attribute(runtime_, value, path.substr(at + 1, end - at - 1));
        at = end;
      } else {
        const size_t end = path.find(']', at);
        if (path[at] != '[' || end == std::string::npos || end == at + 1) {
          fail(ErrorCode::invalid_argument, "bad field name '{}' in format string", path);
        }
        const std::string_view key = path.substr(at + 1, end - at - 1);
        const bool is_number = has_only(key, kDecimal);
        value = get_item(runtime_, value,
                         is_number ? Value::integer(parse_integer(key, 10).value_or(0))
                                   : runtime_.make_string(std::string(key)));
        at = end + 1;
      }
    }
    return value;
  }

  Value first(std::string_view name, bool is_automatic) {
    if (is_automatic || has_only(name, kDecimal)) {
      const Numbering wanted = is_automatic ? Numbering::automatic : Numbering::manual;
      if (numbering_ != Numbering::none && numbering_ != wanted) {
        fail(ErrorCode::invalid_argument, "cannot mix automatic and manual field numbering");
      }
      numbering_ = wanted;
      const Integer index = is_automatic ? Integer{next_++} : parse_integer(name, 10).value_or(-1);
      if (index < 0 || index >= static_cast<Integer>(positional_.size())) {
        fail(ErrorCode::invalid_argument, "replacement index {} out of range", integer_text(index));
      }
      return positional_[static_cast<size_t>(index)];
    }
    const Value* value = names_.as_dict().find(name);
    if (value == nullptr) fail(ErrorCode::invalid_argument, "format() was given no '{}'", name);
    return *value;
  }

  enum class Numbering { none, automatic, manual };

  Runtime& runtime_;
  const std::vector<Value>& positional_;
  const Value names_;
  const bool is_markup_;
  Numbering numbering_ = Numbering::none;
  size_t next_ = 0;
};

}  // namespace

Value format_braces(Runtime& runtime, const Value& pattern, const CallArguments& arguments) {
  runtime.spend(pattern.weight());
  std::vector<DictEntry> names;
  for (const auto& [name, value] : arguments.named) names.push_back({Value::string(name), value});
  BraceFormatter formatter(runtime, arguments.positional, Value::dict(std::move(names)),
                           pattern.is_markup());
  return runtime.make_string(formatter.run(pattern.as_text(), 0), pattern.is_markup());
}

Value format_map(Runtime& runtime, const Value& pattern, const Value& mapping) {
  if (!mapping.is(Kind::dict))
    fail(ErrorCode::invalid_argument, "format_map() wants a mapping, got {}", type_name(mapping));
  runtime.spend(pattern.weight());
  const std::vector<Value> none;
  BraceFormatter formatter(runtime, none, mapping, pattern.is_markup());
  return runtime.make_string(formatter.run(pattern.as_text(), 0), pattern.is_markup());
}

}  // namespace sparrow::jinja
