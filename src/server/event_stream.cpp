#include "server/event_stream.h"

#include "server/http/sse.h"
#include "server/wire.h"

namespace sparrow {

void EventStream::write(std::string_view text) {
  if (!has_begun()) {
    headers_.set("Content-Type", std::string(http::kSseContentType));
    headers_.set("Cache-Control", "no-cache");
    exchange_->begin_stream(200, headers_);
  }
  exchange_->write(text);
}

void EventStream::send(const Json& data, std::string_view name) {
  write(http::sse_event(to_wire(data), name));
}

void EventStream::comment(std::string_view text) { write(http::sse_comment(text)); }

void EventStream::end_with_done() {
  write(http::sse_done());
  exchange_->end();
}

void EventStream::end() {
  write({});
  exchange_->end();
}

}  // namespace sparrow
