#include "server/stream_group.h"

#include <algorithm>

namespace sparrow {

void StreamGroup::add(std::shared_ptr<OutputStream> stream) {
  const std::scoped_lock lock(mutex_);
  if (is_cancelled_) stream->cancel();
  streams_.push_back(std::move(stream));
}

void StreamGroup::clear() {
  const std::scoped_lock lock(mutex_);
  streams_.clear();
}

void StreamGroup::cancel() {
  const std::scoped_lock lock(mutex_);
  is_cancelled_ = true;
  for (const auto& stream : streams_) stream->cancel();
}

bool StreamGroup::is_cancelled() const {
  const std::scoped_lock lock(mutex_);
  return is_cancelled_;
}

int64_t StreamGroup::queue_position() const {
  const std::scoped_lock lock(mutex_);
  if (streams_.empty()) return 0;
  int64_t position = INT64_MAX;
  for (const auto& stream : streams_) position = std::min(position, stream->stats().queue_position);
  return position;
}

}  // namespace sparrow
