// What the dialects share whose streams are server-sent events.
#pragma once

#include <memory>
#include <utility>

#include "server/answering.h"
#include "server/event_stream.h"

namespace sparrow {

class EventWriter : public AnswerWriter {
 public:
  // A comment, which clients skip.
  void wait(const QueuePlace& place) final {
    if (is_streaming_) stream_.comment(to_string(place));
  }

 protected:
  EventWriter(std::shared_ptr<http::Exchange> exchange, bool is_streaming,
              http::Headers headers = {})
      : exchange_(std::move(exchange)),
        stream_(exchange_, std::move(headers)),
        is_streaming_(is_streaming) {}

  const std::shared_ptr<http::Exchange> exchange_;
  EventStream stream_;

 private:
  const bool is_streaming_;
};

}  // namespace sparrow
