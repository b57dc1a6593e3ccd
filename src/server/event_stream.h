// A stream of server-sent events, as the dialects that have them send it.
#pragma once

#include <memory>
#include <string_view>

#include "base/json.h"
#include "server/http/exchange.h"

namespace sparrow {

// One thread. The status goes out with the first event or comment.
class EventStream {
 public:
  // `headers`: beside those that every such stream has.
  explicit EventStream(std::shared_ptr<http::Exchange> exchange, http::Headers headers = {})
      : exchange_(std::move(exchange)), headers_(std::move(headers)) {}

  // `name`: the event's; none in OpenAI's chats and completions.
  void send(const Json& data, std::string_view name = {});
  void comment(std::string_view text);
  void end_with_done();  // data: [DONE]
  void end();

  // Before that a failure can still be a response of its own.
  bool has_begun() const { return exchange_->has_begun(); }
  http::Exchange& exchange() const { return *exchange_; }

 private:
  void write(std::string_view text);

  const std::shared_ptr<http::Exchange> exchange_;
  http::Headers headers_;
};

}  // namespace sparrow
