// The body of one request, from the bytes on the wire to what the handler reads: framing off,
// decompressed, within its limit at every step.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/chunk_decoder.h"
#include "server/http/content_decoder.h"
#include "server/http/failure.h"
#include "server/http/request.h"
#include "server/http/request_head.h"

namespace sparrow::http {

class BodyReader {
 public:
  // `most_bytes`: of the body as it comes, and again of what it becomes. A failure may be there at
  // once: too long by its own word, a coding nobody knows.
  // With a `sink`, it has the content piece by piece, and there is none to take.
  BodyReader(const RequestHead& head, const Limits& limits, size_t most_bytes,
             std::shared_ptr<BodySink> sink = nullptr);

  // How many of the bytes are the body's: all, unless it ends among them or there is a failure().
  size_t read(std::string_view bytes);

  bool is_whole() const { return is_whole_; }
  const std::optional<Failure>& failure() const { return failure_; }
  uint64_t received_bytes() const { return received_bytes_; }
  std::string take_content() { return std::move(content_); }

 private:
  void refuse(int status, std::string message);
  void refuse_size();
  void decompress(std::string_view bytes);
  void pour();
  void end();

  size_t most_bytes_;
  std::optional<ChunkDecoder> chunks_;  // of a chunked body
  uint64_t left_ = 0;                   // of another
  std::unique_ptr<ContentDecoder> decoder_;
  ContentDecoder::Status status_ = ContentDecoder::Status::more;
  bool is_compressed_ = false;
  bool is_whole_ = false;
  uint64_t received_bytes_ = 0;
  bool has_content_ = false;  // a compressed body of no bytes is an empty one
  std::string content_;
  std::shared_ptr<BodySink> sink_;
  size_t poured_bytes_ = 0;
  std::optional<Failure> failure_;
};

}  // namespace sparrow::http
