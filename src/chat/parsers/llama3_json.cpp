// Llama 3.1 and later: {"name": …, "parameters": {…}} is the answer, perhaps behind <|python_tag|>.
#include "chat/parsers/formats.h"
#include "chat/parsers/marked_json.h"

namespace sparrow {
namespace {

constexpr std::string_view kOpen = "<|python_tag|>";

}  // namespace

// Llama 3.2 never prints the tag, but gives results to the same role. Functionary, trained on Llama
// 3.1, has the tag for code and tags of its own for calls.
bool teaches_llama3_json(std::string_view template_source) {
  const auto has = [&](std::string_view word) {
    return template_source.find(word) != std::string_view::npos;
  };
  return (has(kOpen) || has("<|start_header_id|>ipython")) && has(R"("parameters": )") &&
         !has("<function=");
}

std::unique_ptr<CallParser> make_llama3_json_parser() {
  return std::make_unique<MarkedJsonParser>(
      MarkedJsonSyntax{.open = kOpen, .separator = ';', .takes_any_bare = true});
}

}  // namespace sparrow
