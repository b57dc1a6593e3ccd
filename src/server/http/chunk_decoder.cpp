#include "server/http/chunk_decoder.h"

#include <algorithm>

namespace sparrow::http {
namespace {

constexpr int kMaxDigits = 15;  // below 2^60, so nothing can wrap

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

size_t ChunkDecoder::decode(std::string_view bytes, std::string& content) {
  size_t at = 0;
  while (at < bytes.size() && !is_over()) {
    if (state_ == State::content) {
      const size_t count = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size() - at));
      content.append(bytes, at, count);
      at += count;
      left_ -= count;
      room_ -= count;
      if (left_ == 0) state_ = State::content_return;
    } else {
      state_ = next(bytes[at++]);
    }
  }
  return at;
}

ChunkDecoder::State ChunkDecoder::next(char c) {
  switch (state_) {
    case State::size: {
      const int value = hex_value(c);
      if (value >= 0) {
        left_ = left_ << 4 | static_cast<uint64_t>(value);
        if (left_ > room_) return State::too_large;
        return ++digit_count_ <= kMaxDigits ? State::size : State::malformed;
      }
      if (digit_count_ == 0) return State::malformed;
      if (c == '\r') return State::size_line_feed;
      if (c != ';') return State::malformed;
      extension_bytes_ = 1;
      return limits_->chunk_extension_bytes > 0 ? State::extension : State::malformed;
    }
    case State::extension:
      // An open quote may not hide the end of the line: some would read on.
      if (c == '\r') return is_quoted_ ? State::malformed : State::size_line_feed;
      if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) return State::malformed;
      if (is_escaped_) {
        is_escaped_ = false;
      } else if (c == '"') {
        is_quoted_ = !is_quoted_;
      } else if (c == '\\') {
        if (!is_quoted_) return State::malformed;
        is_escaped_ = true;
      }
      return ++extension_bytes_ <= limits_->chunk_extension_bytes ? State::extension
                                                                  : State::malformed;
    case State::size_line_feed:
      if (c != '\n') return State::malformed;
      digit_count_ = 0;
      return left_ > 0 ? State::content : State::end_return;
    case State::content_return:
      return c == '\r' ? State::content_line_feed : State::malformed;
    case State::content_line_feed:
      return c == '\n' ? State::size : State::malformed;
    case State::end_return:
      return c == '\r' ? State::end_line_feed : State::malformed;
    case State::end_line_feed:
      return c == '\n' ? State::whole : State::malformed;
    case State::content:
    case State::whole:
    case State::malformed:
    case State::too_large:
      break;
  }
  return state_;
}

}  // namespace sparrow::http
