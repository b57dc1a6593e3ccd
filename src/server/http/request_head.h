// The head of a request: request line and header fields, read strictly (RFC 9112 without its
// lenient alternatives), because what one program forgives and the next does not is how requests
// are smuggled.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/failure.h"
#include "server/http/headers.h"
#include "server/http/limits.h"

namespace sparrow::http {

struct RequestHead {
  std::string method;
  std::string target;
  bool is_http10 = false;
  Headers headers;
  bool is_chunked = false;
  uint64_t content_length = 0;    // of the body as sent; 0 without one and when chunked
  bool expects_continue = false;  // and waits with its body
  bool wants_to_stay = true;      // keep-alive

  bool has_body() const { return is_chunked || content_length > 0; }
};

// Reads a head while its bytes come in, and refuses as soon as it can. It looks at each byte once,
// in order, so the result does not depend on how they were split.
class HeadParser {
 public:
  explicit HeadParser(const Limits& limits) : limits_(&limits) {}

  // `bytes`: all that has come of this head so far. True: the head is whole, head() and
  // size_bytes() say what it is. After a failure the connection can only be closed: where the next
  // request would begin is not known.
  bool parse(std::string_view bytes);
  const std::optional<Failure>& failure() const { return failure_; }

  RequestHead& head() { return head_; }
  size_t size_bytes() const { return seen_; }  // the empty line included

  void reset();

 private:
  // True at the empty line.
  bool end_line(std::string_view line);
  bool is_allowed(char c);
  bool refuse(int status, std::string message);
  void parse_request_line(std::string_view line);
  void parse_field(std::string_view line);
  void check_fields();

  const Limits* limits_;
  RequestHead head_;
  std::optional<Failure> failure_;
  size_t seen_ = 0;  // bytes looked at
  size_t line_start_ = 0;
  size_t fields_start_ = 0;  // 0: the request line is not over
  bool has_skipped_line_ = false;
};

}  // namespace sparrow::http
