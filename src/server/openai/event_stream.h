// A stream of server-sent events, as OpenAI's routes send it.
#pragma once

#include <memory>
#include <string_view>

#include "base/json.h"
#include "server/http/exchange.h"

namespace sparrow::openai {

// One thread. The status goes out with the first event.
class EventStream {
 public:
  explicit EventStream(std::shared_ptr<http::Exchange> exchange) : exchange_(std::move(exchange)) {}

  // `name`: the event's; none in chats and completions.
  void send(const Json& data, std::string_view name = {});
  void end_with_done();  // data: [DONE]
  void end();
  // A response of its own where nothing was sent yet; else an event, and the end.
  void fail(const http::Failure& failure);

  bool has_begun() const { return exchange_->has_begun(); }

 private:
  void begin();

  const std::shared_ptr<http::Exchange> exchange_;
};

}  // namespace sparrow::openai
