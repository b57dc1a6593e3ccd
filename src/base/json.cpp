#include "base/json.h"

#include <vector>

#include "base/error.h"
#include "base/utf8.h"

namespace sparrow {

namespace {

// What the parser says of a text can be as long as the text.
std::string beginning(std::string_view text) {
  constexpr size_t kShown = 200;
  if (text.size() <= kShown) return std::string(text);
  text = text.substr(0, kShown);
  text.remove_suffix(unfinished_utf8_bytes(text));
  return std::string(text) + "…";
}

// The number in quotation marks at the end of the parser's sentence.
std::string_view number_of(const nlohmann::detail::out_of_range& error) {
  std::string_view text = error.what();
  const size_t quote = text.find('\'');
  if (quote == std::string_view::npos) return text;
  text.remove_prefix(quote + 1);
  return text.substr(0, text.find('\''));
}

constexpr size_t kMostNumberChars = 64;
constexpr size_t kMostStringBytes = size_t{16} << 20;

// The parser does not show how a number was written, so this looks at the text beforehand.
void check_numbers(std::string_view text, std::string_view what, ErrorCode code) {
  bool is_in_string = false;
  size_t length = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_in_string) {
      if (c == '\\') ++i;
      if (c == '"') is_in_string = false;
      continue;
    }
    is_in_string = c == '"';
    const bool is_of_number =
        (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
    length = is_of_number ? length + 1 : 0;
    if (length > kMostNumberChars) {
      fail(code, "{} has a number of more than {} characters at byte {}", what, kMostNumberChars,
           i + 1 - kMostNumberChars);
    }
  }
}

// Limits are checked while parsing: what breaks them must never exist, not even to be destroyed.
template <typename AnyJson>
AnyJson parse_within(std::string_view text, std::string_view what, const JsonLimits& limits,
                     ErrorCode code) {
  if (text.size() > limits.size_bytes) {
    fail(code, "{} is {} bytes of JSON; at most {} are taken", what, text.size(),
         limits.size_bytes);
  }
  using Event = typename AnyJson::parse_event_t;
  std::vector<size_t> key_counts(limits.depth + 1);  // of the open objects, by depth
  check_numbers(text, what, code);
  const auto is_within = [&](int depth, Event event, AnyJson& value) {
    const size_t level = static_cast<size_t>(depth);
    if ((event == Event::key || event == Event::value) && value.is_string()) {
      const size_t size_bytes = value.template get_ref<const std::string&>().size();
      if (size_bytes > kMostStringBytes) {
        fail(code, "{} has a string of {} bytes; at most {} are taken", what, size_bytes,
             kMostStringBytes);
      }
    }
    if ((event == Event::object_start || event == Event::array_start) && level >= limits.depth) {
      fail(code, "{} nests JSON deeper than {} levels", what, limits.depth);
    }
    if (event == Event::object_start) key_counts[level + 1] = 0;
    if (event == Event::key && ++key_counts[level] > limits.object_keys) {
      fail(code, "{} has an object of more than {} keys", what, limits.object_keys);
    }
    return true;
  };
  try {
    return AnyJson::parse(text, is_within);
  } catch (const nlohmann::detail::parse_error& error) {
    fail(code, "{} is not valid JSON at byte {}: {}", what, error.byte, beginning(error.what()));
  } catch (const nlohmann::detail::out_of_range& error) {
    fail(code, "{} holds a number beyond 64-bit floats: {}", what, beginning(number_of(error)));
  }
}

}  // namespace

Json parse_json(std::string_view text, std::string_view what, JsonLimits limits) {
  return parse_within<Json>(text, what, limits, ErrorCode::invalid_argument);
}

TreeJson parse_tree_json(std::string_view text, std::string_view what, JsonLimits limits) {
  limits.object_keys = SIZE_MAX;
  return parse_within<TreeJson>(text, what, limits, ErrorCode::invalid_file);
}

}  // namespace sparrow
