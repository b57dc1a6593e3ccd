// Anthropic's routes: a row each.
#include <fmt/format.h>

#include "server/anthropic/dialect.h"
#include "server/anthropic/messages.h"
#include "server/http/sse.h"
#include "server/operation.h"
#include "server/wire.h"

namespace sparrow::anthropic {
namespace {

std::string conversation_fields() {
  constexpr std::string_view kBlocks =
      "{type! 'text', text! string}|{type! 'tool_use', id! string, name! string, input object}"
      "|{type! 'tool_result', tool_use_id! string, content CONTENT}"
      "|{type! 'thinking', thinking string}|{type! 'redacted_thinking'}";
  std::string blocks(kBlocks);
  blocks.replace(blocks.find("CONTENT"), 7, kContentType);
  return fmt::format(
      "model string, messages! [{{role! 'user'|'assistant', content! string|[{}]}}](1..{}), "
      "system {}, tools [{{type 'custom' = \"custom\", name! string, description string, "
      "input_schema! object, strict false}}](..{}), tool_choice {{type! 'auto'|'none'}}, "
      "thinking {{type! string}}",
      blocks, kMostMessages, kContentType, kMostTools);
}

}  // namespace

std::vector<http::Route> routes(ServerState& state) {
  using Handle = void (*)(ServerState&, const std::shared_ptr<http::Exchange>&);
  const auto row = [&state](std::string method, std::string pattern, Handle handle,
                            const Operation& described) {
    return http::Route{
        .method = std::move(method),
        .pattern = std::move(pattern),
        .handler = [&state, handle](const auto& exchange) { handle(state, exchange); },
        .body = http::BodySize::large,
        .error_shape = error_body,
        .operation = operation(described)};
  };
  const std::string message =
      "{id! string, type! 'message', role! 'assistant', model! string, content! [{type! string}], "
      "stop_reason! 'end_turn'|'max_tokens'|'stop_sequence'|'tool_use', stop_sequence string, "
      "usage! {input_tokens! integer, output_tokens! integer}}";
  return {
      row("POST", "/v1/messages", messages,
          {.summary = "An answer to a conversation",
           .fields = conversation_fields() +
                     ", max_tokens! integer(1..16777216), stream boolean = false, "
                     "output_config {format null}, output_format null",
           .more_fields = params_schema(),
           .replies = {{.type = message},
                       {.content_type = http::kSseContentType,
                        .type = "{event string, data! string}"}}}),
      row("POST", "/v1/messages/count_tokens", count_tokens,
          {.summary = "How many tokens it would read",
           .fields = conversation_fields(),
           .replies = {{.type = "{input_tokens! integer}"}}}),
  };
}

}  // namespace sparrow::anthropic
