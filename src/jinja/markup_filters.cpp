// Filters of HTML and of addresses. Templates say |safe after |tojson; the rest is rare.
#include "base/error.h"
#include "jinja/builtins.h"
#include "jinja/operators.h"

namespace sparrow::jinja {
namespace {

using Arguments = BoundArguments;

Value safe(Runtime& runtime, const Value& input, Arguments&) {
  return runtime.make_string(runtime.text_of(input), true);
}

Value escaped(Runtime& runtime, const Value& input, Arguments&) {
  return runtime.make_string(escape_markup(runtime, input), true);
}

Value force_escaped(Runtime& runtime, const Value& input, Arguments&) {
  return runtime.make_string(escape_markup(runtime, Value::string(runtime.text_of(input))), true);
}

std::string quote(std::string_view text, bool is_query) {
  std::string result;
  for (const char c : text) {
    const bool is_letter =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (is_letter || c == '_' || c == '.' || c == '-' || c == '~' || (c == '/' && !is_query)) {
      result.push_back(c);
    } else if (c == ' ' && is_query) {
      result.push_back('+');
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

Value url_encoded(Runtime& runtime, const Value& input, Arguments&) {
  if (input.is_string() || !is_iterable(input))
    return runtime.make_string(quote(runtime.text_of(input).view(), false));
  std::vector<Value> pairs;
  if (input.is(Kind::dict)) {
    for (const DictEntry& entry : input.as_dict().entries())
      pairs.push_back(runtime.make_tuple({entry.key, entry.value}));
  } else {
    pairs = runtime.items_of(input);
  }
  std::string result;
  for (const Value& pair : pairs) {
    const std::vector<Value> parts = runtime.items_of(pair);
    if (parts.size() != 2)
      fail(ErrorCode::invalid_argument, "urlencode wants pairs, got {} values", parts.size());
    if (!result.empty()) result.push_back('&');
    result += quote(runtime.text_of(parts[0]).view(), true) + "=" +
              quote(runtime.text_of(parts[1]).view(), true);
    if (result.size() > runtime.limits().text_bytes) runtime.spend_text(result.size());
  }
  return runtime.make_string(std::move(result));
}

Value xml_attributes(Runtime& runtime, const Value& input, Arguments& arguments) {
  if (!input.is(Kind::dict))
    fail(ErrorCode::invalid_argument, "xmlattr wants a mapping, got {}", type_name(input));
  Text result;
  for (const DictEntry& entry : input.as_dict().entries()) {
    if (entry.value.is_none() || entry.value.is_undefined()) continue;
    if (!entry.key.is_string() ||
        entry.key.as_view().find_first_of(" \t\n\r\f\v/>=") != std::string::npos) {
      fail(ErrorCode::invalid_argument, "Invalid character in attribute name");
    }
    if (arguments.truth(0, true) || !result.empty()) result.append(" ", false);
    result.append(escape_markup(runtime, entry.key));
    result.append("=\"", false);
    result.append(escape_markup(runtime, entry.value));
    result.append("\"", false);
    if (result.size() > runtime.limits().text_bytes) runtime.spend_text(result.size());
  }
  return runtime.make_string(std::move(result));
}

constexpr Filter kMarkupFilters[] = {
    {"e", {}, escaped},
    {"escape", {}, escaped},
    {"forceescape", {}, force_escaped},
    {"safe", {}, safe},
    {"urlencode", {}, url_encoded},
    {"xmlattr", {{"autospace"}}, xml_attributes},
};

}  // namespace

std::span<const Filter> markup_filters() { return kMarkupFilters; }

}  // namespace sparrow::jinja
