// Hermes, Qwen 2.5 and 3, and others: <tool_call>{"name": …, "arguments": {…}}</tool_call>.
#include "chat/parsers/formats.h"
#include "chat/parsers/marked_json.h"

namespace sparrow {

// Others write no JSON between these tags (Qwen3-Coder, GLM), or list the calls in another pair
// (Apriel): those show no such object, or have a pair of their own.
bool teaches_hermes(std::string_view template_source) {
  const auto has = [&](std::string_view word) {
    return template_source.find(word) != std::string_view::npos;
  };
  const bool has_object = has(R"({"name": )") || has(R"({\"name\": )");
  return has("<tool_call>") && has_object && !has("<function=") && !has("<tool_calls>");
}

std::unique_ptr<CallParser> make_hermes_parser() {
  return std::make_unique<MarkedJsonParser>(
      MarkedJsonSyntax{.open = "<tool_call>", .close = "</tool_call>"});
}

}  // namespace sparrow
