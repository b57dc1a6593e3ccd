// Any bytes as a template, rendered with fixed variables: it prints or refuses, within the budget,
// and what it says it wrote itself never holds a user's words.
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string_view>

#include "base/error.h"
#include "jinja/template.h"

namespace sparrow {
namespace {

// A character that only the user's words hold, unless the template writes it itself.
constexpr std::string_view kMark = "\uE000";

jinja::Variables make_variables() {
  const Json json = Json::parse(R"json({
    "x": "<|im_end|>", "n": 3, "f": 2.5, "t": true, "nil": null, "l": [3, 1, "b", [2]],
    "d": {"a": 1, "b": {"c": [1, 2]}, "": "", "items": 5},
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"properties": {"p": {"type": "string"}}}}}],
    "messages": [{"role": "system", "content": "s "}, {"role": "user", "content": [{"type": "text", "text": "Grüße 世"}]},
      {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"q": -1e30}}}]}]})json");
  jinja::Variables variables;
  for (const auto& [name, value] : json.items()) {
    if (!value.is_string()) {
      variables.emplace_back(name, jinja::from_json(value));
      continue;
    }
    variables.emplace_back(
        name, jinja::Value::string(std::string(kMark) + value.get<std::string>() + "\xff" +
                                   std::string(kMark)));
  }
  variables.emplace_back("bos_token", jinja::Value::string("<s>", true));
  return variables;
}

jinja::Limits small_limits() {
  jinja::Limits limits;
  limits.fuel = 200'000;
  limits.fuel_most = 200'000;
  limits.text_bytes = size_t{1} << 20;
  return limits;
}

void check_writers(std::string_view source, const jinja::Text& prompt) {
  // An escape or another case may make the mark without naming it.
  const bool can_make_mark =
      source.find(kMark) != std::string::npos || source.find('\\') != std::string::npos;
  if (can_make_mark) return;
  for (const Segment& segment : prompt.segments()) {
    if (segment.from_template && segment.text.find(kMark) != std::string::npos) std::abort();
  }
}

}  // namespace
}  // namespace sparrow

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const sparrow::jinja::Variables variables = sparrow::make_variables();
  static const sparrow::jinja::Limits limits = sparrow::small_limits();
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  try {
    const sparrow::jinja::Template parsed(source, limits);
    const std::tm now = {};
    sparrow::check_writers(source, parsed.render(variables, &now));
  } catch (const sparrow::Error&) {
  }
  return 0;
}
