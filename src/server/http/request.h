// A request as a handler sees it: a plain value, whole and checked.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/headers.h"

namespace sparrow::http {

// Where a body goes that is not to be kept in memory. write() is called from io threads, for one
// piece after the other, and may throw Error, which the client is told. It goes with the request.
class BodySink {
 public:
  virtual ~BodySink() = default;
  virtual void write(std::string_view bytes) = 0;
};

struct Request {
  std::string method;  // "POST"; a HEAD that a GET row serves stays "HEAD"
  std::string target;  // as it came: "/v1/models/a%2Fb?limit=2"
  std::string path;    // percent-decoded once: "/v1/models/a/b"
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  std::vector<std::pair<std::string, std::string>>
      path_parameters;  // of the row's pattern, decoded
  Headers headers;
  std::string body;  // without chunked framing, decompressed; empty where the row has a sink
  std::shared_ptr<BodySink> body_sink;  // has the whole body
  std::string peer;                     // "127.0.0.1:52114", "[::1]:52114" or "unix"
  bool is_loopback = false;             // from this machine, over TCP or a Unix socket
  bool is_encrypted = false;
  std::string id;        // the client's X-Request-Id if it is sane, else 32 random hex digits
  std::string key_name;  // of the API key; empty without one
  std::chrono::steady_clock::time_point received_at;  // its first byte

  // Empty if there is none.
  std::string_view path_parameter(std::string_view name) const;
  std::string_view query_value(std::string_view name) const;
};

}  // namespace sparrow::http
