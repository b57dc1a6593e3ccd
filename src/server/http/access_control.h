// Who may ask: the Host a browser was tricked into using, the site a script runs on, and API keys.
// Decided from the head alone, before a body is read.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/api_keys.h"
#include "server/http/failure.h"
#include "server/http/request.h"
#include "server/http/route.h"

namespace sparrow::http {

struct AccessOptions {
  // Names that a Host header may have beside loopback addresses and "localhost", without a port:
  // "sparrow.example", "192.168.1.7". Without this, DNS rebinding lets any web page in.
  std::vector<std::string> hosts;
  // Beside the page's own origin: "https://chat.example", "http://localhost:*" (any port or none),
  // "app://*" (the whole scheme), "https://*.example", "*". The default are those that Ollama
  // allows.
  std::vector<std::string> origins = default_origins();
  std::vector<ApiKey> keys;  // empty: nobody needs one

  static std::vector<std::string> default_origins();
};

// Thread-safe.
class AccessControl {
 public:
  // Throws Error{invalid_argument} for a host or an origin that is none.
  explicit AccessControl(const AccessOptions& options);

  // The site rules, for every request, known path or not. On success `response_headers` receives
  // what a browser wants to see. No Origin and no Sec-Fetch-Site: no browser, so nothing to protect
  // from.
  std::optional<Failure> check_site(const Request& request, Headers& response_headers) const;

  // What an OPTIONS request that has passed check_site is told beside 204: a browser that asks
  // before a request (a CORS preflight) whether it may send it. `allow`: the methods of the path.
  void answer_preflight(const Request& request, std::string_view allow,
                        Headers& response_headers) const;

  // 401, 403 or 429; sets request.key_name.
  std::optional<Failure> check_key(Request& request, Scope scope);

 private:
  struct Origin {
    std::string scheme;  // "*": any
    std::string host;    // "*": any, "*.example": all below
    std::string port;    // "*": any; empty: none is written
  };
  static std::optional<Origin> parse_origin(std::string_view text);
  bool is_allowed_origin(const Request& request, std::string_view origin) const;

  std::vector<std::string> hosts_;
  std::vector<Origin> origins_;
  ApiKeys keys_;
};

// "localhost", 127.0.0.0/8, ::1, as written in a Host header without the port.
bool is_loopback_name(std::string_view host);

}  // namespace sparrow::http
