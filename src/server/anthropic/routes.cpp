// Anthropic's routes: a row each.
#include "server/anthropic/dialect.h"
#include "server/anthropic/messages.h"
#include "server/operation.h"

namespace sparrow::anthropic {

std::vector<http::Route> routes(ServerState& state) {
  using Handle = void (*)(ServerState&, const std::shared_ptr<http::Exchange>&);
  const auto row = [&state](std::string method, std::string pattern, Handle handle,
                            std::string_view summary, std::string_view fields) {
    // A failure names the request, which the server's own error shape does not know.
    const auto handler = [&state, handle](const std::shared_ptr<http::Exchange>& exchange) {
      try {
        handle(state, exchange);
      } catch (const Error& error) {
        reply_error(*exchange, http::failure_of(error));
      }
    };
    return http::Route{.method = std::move(method),
                       .pattern = std::move(pattern),
                       .handler = handler,
                       .body = http::BodySize::large,
                       .error_shape = error_body,
                       .operation = operation(summary, fields)};
  };
  return {
      row("POST", "/v1/messages", messages, "An answer to a conversation",
          "model string, messages! array, max_tokens! integer, system string|array, "
          "stream boolean, stop_sequences array, temperature number, top_p number, top_k integer, "
          "tools array, tool_choice object"),
      row("POST", "/v1/messages/count_tokens", count_tokens, "How many tokens it would read",
          "model string, messages! array, system string|array, tools array"),
  };
}

}  // namespace sparrow::anthropic
