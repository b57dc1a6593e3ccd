#include "server/openai/event_stream.h"

#include "server/http/sse.h"
#include "server/openai/dialect.h"
#include "server/wire.h"

namespace sparrow::openai {

void EventStream::begin() {
  if (exchange_->has_begun()) return;
  exchange_->begin_stream(
      200, {{"Content-Type", std::string(http::kSseContentType)}, {"Cache-Control", "no-cache"}});
}

void EventStream::send(const Json& data, std::string_view name) {
  begin();
  exchange_->write(http::sse_event(to_wire(data), name));
}

void EventStream::end_with_done() {
  begin();
  exchange_->write(http::sse_done());
  exchange_->end();
}

void EventStream::end() {
  begin();
  exchange_->end();
}

void EventStream::fail(const http::Failure& failure) {
  if (!exchange_->has_begun()) {
    exchange_->fail(failure);
    return;
  }
  send(error_json(failure));
  end_with_done();
}

}  // namespace sparrow::openai
