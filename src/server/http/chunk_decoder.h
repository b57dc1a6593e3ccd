// Takes the framing off a chunked body (RFC 9112, section 7.1), strictly and byte by byte: no
// trailers, short extensions, no more content than allowed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/http/limits.h"

namespace sparrow::http {

class ChunkDecoder {
 public:
  // `most_bytes`: of all content together.
  ChunkDecoder(const Limits& limits, uint64_t most_bytes) : limits_(&limits), room_(most_bytes) {}

  // Appends what is content to `content` and returns how many bytes it took: all, unless the body
  // ends among them or is malformed.
  size_t decode(std::string_view bytes, std::string& content);

  bool is_whole() const { return state_ == State::whole; }
  bool is_malformed() const { return state_ == State::malformed; }
  // Known from the size of a chunk, before its content comes.
  bool is_too_large() const { return state_ == State::too_large; }

 private:
  bool is_over() const { return is_whole() || is_malformed() || is_too_large(); }

  enum class State {
    size,            // digits
    extension,       // from the semicolon
    size_line_feed,  // after the CR of a size line
    content,
    content_return,  // after a chunk's content
    content_line_feed,
    end_return,  // after the chunk of size 0: the empty line in place of trailers
    end_line_feed,
    whole,
    malformed,
    too_large,
  };
  State next(char c);

  const Limits* limits_;
  State state_ = State::size;
  uint64_t room_;      // for content to come
  uint64_t left_ = 0;  // of the size line while it is read, of the content afterwards
  int digit_count_ = 0;
  size_t extension_bytes_ = 0;
  bool is_quoted_ = false;   // inside a string of the extension
  bool is_escaped_ = false;  // after a backslash in it
};

}  // namespace sparrow::http
