// HTTP over libcurl, one request at a time: redirects followed by our own rules, time limits on the
// first byte and on every stretch after it, and a cancel flag looked at many times a second.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sparrow {

struct HttpRequest {
  std::string url;
  bool head_only = false;
  std::string method;  // empty: GET
  std::string body;    // sent as JSON if it is not empty
  std::vector<std::string> headers;
  std::string bearer_token;          // sent to the host of `url` alone
  uint64_t range_start = 0;          // 0: the whole
  std::string if_range;              // an ETag, with range_start
  std::string final_header;          // a redirect that carries this header is not followed
  int64_t answer_timeout_ms = 5000;  // until the last redirect's first byte
  int64_t stall_timeout_ms = 30000;  // less than 1 KiB/s over so long is a stall
};

struct HttpHead {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; the last of a name counts

  std::string header(const std::string& name) const;  // empty if absent
};

struct HttpResult {
  HttpHead head;             // of the last response
  std::string problem;       // empty: the whole response came
  bool may_retry = false;    // the problem may pass: broken line, stall
  bool was_stopped = false;  // on_head or on_bytes said so
};

// Both may be empty; false stops the transfer. Redirects and their bodies are not shown.
struct HttpSink {
  std::function<bool(const HttpHead&)> on_head;
  std::function<bool(std::span<const std::byte>)> on_bytes;
};

// Throws Error{cancelled} soon after `cancel` is true; everything else is told in the result.
HttpResult http_request(const HttpRequest& request, const HttpSink& sink,
                        const std::atomic<bool>* cancel);

// Why a redirect must not be followed; empty if it may. Encrypted to plain, to another protocol,
// and from a public host to this machine or its network are refused.
std::string redirect_problem(const std::string& from_url, const std::string& to_url);

// `location` may be relative. Empty if the result is no address.
std::string join_url(const std::string& base_url, const std::string& location);
std::string url_host(const std::string& url);        // with the port if one is given
std::string url_encode_path(std::string_view path);  // slashes stay

}  // namespace sparrow
