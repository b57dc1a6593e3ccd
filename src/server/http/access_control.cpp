#include "server/http/access_control.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/quoted.h"

namespace sparrow::http {
namespace {

// What a page may send beside what browsers always allow; "x-stainless-" is how OpenAI's and
// Anthropic's clients begin theirs.
constexpr std::string_view kRequestHeaders[] = {"accept",
                                                "anthropic-beta",
                                                "anthropic-dangerous-direct-browser-access",
                                                "anthropic-version",
                                                "authorization",
                                                "content-type",
                                                "openai-beta",
                                                "openai-organization",
                                                "openai-project",
                                                "user-agent",
                                                "x-api-key",
                                                "x-request-id",
                                                "x-requested-with"};
constexpr std::string_view kStainless = "x-stainless-";

Failure forbidden(std::string message) {
  return {.status = 403, .message = std::move(message), .code = "forbidden"};
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == text.npos;
}

// "localhost:80" -> "localhost", "[::1]:80" -> "::1"; nothing for what is no Host.
std::optional<std::string> host_name(std::string_view text) {
  std::string_view rest;
  std::string_view name;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    name = text.substr(1, end - 1);
    rest = text.substr(end + 1);
    in6_addr address{};
    if (inet_pton(AF_INET6, std::string(name).c_str(), &address) != 1) return std::nullopt;
  } else {
    name = text.substr(0, text.find(':'));
    rest = text.substr(name.size());
    constexpr std::string_view kAllowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    if (name.empty() || name.find_first_not_of(kAllowed) != std::string_view::npos) {
      return std::nullopt;
    }
  }
  if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) return std::nullopt;
  return lower(name);
}

bool fits(std::string_view rule, std::string_view value) {
  if (rule == "*") return true;
  if (rule.starts_with("*.")) {
    return value.size() > rule.size() - 1 && value.ends_with(rule.substr(1));
  }
  return rule == value;
}

}  // namespace

std::vector<std::string> AccessOptions::default_origins() {
  std::vector<std::string> origins;
  for (const std::string_view host : {"localhost", "127.0.0.1", "0.0.0.0"}) {
    for (const std::string_view scheme : {"http", "https"}) {
      origins.push_back(fmt::format("{}://{}:*", scheme, host));
    }
  }
  for (const std::string_view scheme : {"app", "file", "tauri", "vscode-webview", "vscode-file"}) {
    origins.push_back(fmt::format("{}://*", scheme));
  }
  return origins;
}

bool is_loopback_name(std::string_view host) {
  if (equals_ignoring_case(host, "localhost")) return true;
  const std::string text(host);
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, text.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

AccessControl::AccessControl(const AccessOptions& options) : keys_(options.keys) {
  for (const std::string& host : options.hosts) {
    const bool is_bare_v6 = std::count(host.begin(), host.end(), ':') > 1 && !host.starts_with('[');
    const std::optional<std::string> name =
        host_name(is_bare_v6 ? fmt::format("[{}]", host) : host);
    if (!name) {
      fail(ErrorCode::invalid_argument, "an allowed host must be a name or an address, got {}",
           quoted_text(host));
    }
    hosts_.push_back(*name);
  }
  for (const std::string& text : options.origins) {
    const std::optional<Origin> origin = text == "*" ? Origin{"*", "*", "*"} : parse_origin(text);
    if (!origin) {
      fail(ErrorCode::invalid_argument,
           "an allowed origin must look like https://chat.example, http://localhost:*, app://* or "
           "*, "
           "got {}",
           quoted_text(text));
    }
    origins_.push_back(*origin);
  }
}

std::optional<AccessControl::Origin> AccessControl::parse_origin(std::string_view text) {
  const size_t end = text.find("://");
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  Origin origin;
  origin.scheme = lower(text.substr(0, end));
  text.remove_prefix(end + 3);
  if (text.ends_with('/')) text.remove_suffix(1);
  if (text.find_first_of("/?#@ ,") != std::string_view::npos) return std::nullopt;
  const size_t colon = text.rfind(':');
  const bool has_port = colon != std::string_view::npos && text.find(']', colon) == text.npos;
  origin.host = lower(text.substr(0, has_port ? colon : text.npos));
  if (has_port) origin.port = text.substr(colon + 1);
  if (has_port && origin.port != "*" && !is_port(origin.port)) return std::nullopt;
  if (origin.host == "*" && !has_port) origin.port.assign(1, '*');
  return origin;
}

bool AccessControl::is_allowed_origin(const Request& request, std::string_view text) const {
  const std::optional<Origin> origin = parse_origin(text);
  if (!origin || text.ends_with('/') != text.ends_with("://")) return false;
  const bool is_web = origin->scheme == "http" || origin->scheme == "https";
  const std::string authority =
      origin->port.empty() ? origin->host : fmt::format("{}:{}", origin->host, origin->port);
  // The scheme may differ: a proxy in front may do the encrypting.
  if (is_web && equals_ignoring_case(authority, request.headers.value("host"))) return true;
  return std::any_of(origins_.begin(), origins_.end(), [&](const Origin& rule) {
    return fits(rule.scheme, origin->scheme) && fits(rule.host, origin->host) &&
           fits(rule.port, origin->port);
  });
}

std::optional<Failure> AccessControl::check_site(const Request& request,
                                                 Headers& response_headers) const {
  const std::string_view host = request.headers.value("host");
  const std::optional<std::string> name = host_name(host);
  if (!name) {
    return Failure{
        .status = 400, .message = "the Host header is missing or malformed", .code = "bad_request"};
  }
  // No browser reaches a Unix socket.
  const bool is_known = request.peer == "unix" || is_loopback_name(*name) ||
                        std::find(hosts_.begin(), hosts_.end(), *name) != hosts_.end();
  if (!is_known)
    return forbidden(fmt::format("this server is not known as {}", quoted_text(*name)));

  if (!request.headers.has("origin")) {
    if (equals_ignoring_case(request.headers.value("sec-fetch-site"), "cross-site")) {
      return forbidden("other sites may not send requests here");
    }
    return std::nullopt;
  }
  const std::string_view origin = request.headers.value("origin");
  response_headers.add("Vary", "Origin");
  if (!is_allowed_origin(request, origin)) {
    return forbidden(fmt::format("the origin {} is not allowed here", quoted_text(origin)));
  }
  response_headers.add("Access-Control-Allow-Origin", std::string(origin));
  response_headers.add("Access-Control-Expose-Headers", "X-Request-Id, Retry-After");
  return std::nullopt;
}

void AccessControl::answer_preflight(const Request& request, std::string_view allow,
                                     Headers& response_headers) const {
  if (!request.headers.has("origin") || !request.headers.has("access-control-request-method"))
    return;
  response_headers.add("Access-Control-Allow-Methods", std::string(allow));
  std::string names;
  std::string_view rest = request.headers.value("access-control-request-headers");
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    std::string name = lower(rest.substr(0, comma));
    std::erase(name, ' ');
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const bool is_allowed = name.starts_with(kStainless) ||
                            std::find(std::begin(kRequestHeaders), std::end(kRequestHeaders),
                                      name) != std::end(kRequestHeaders);
    if (is_allowed) names.append(names.empty() ? "" : ", ").append(name);
  }
  if (!names.empty()) response_headers.add("Access-Control-Allow-Headers", names);
  if (request.headers.value("access-control-request-private-network") == "true") {
    response_headers.add("Access-Control-Allow-Private-Network", "true");
  }
  response_headers.add("Access-Control-Max-Age", "7200");
}

std::optional<Failure> AccessControl::check_key(Request& request, Scope scope) {
  if (keys_.empty()) return std::nullopt;
  const std::optional<std::string_view> offered = offered_key(request.headers);
  const ApiKey* const key = offered ? keys_.find(*offered) : nullptr;
  if (key != nullptr) request.key_name = key->name;
  if (scope == Scope::open) return std::nullopt;
  if (key == nullptr) {
    return Failure{
        .status = 401,
        .message = offered ? "the API key is not valid"
                           : "an API key is needed: Authorization: Bearer KEY or x-api-key: KEY",
        .code = "invalid_api_key",
        .headers = {{"WWW-Authenticate", "Bearer"}}};
  }
  if (std::find(key->scopes.begin(), key->scopes.end(), scope) == key->scopes.end()) {
    return forbidden("the API key is not good for this");
  }
  const auto wait = keys_.take(*key, ApiKeys::Clock::now());
  if (!wait) return std::nullopt;
  return Failure{
      .status = 429,
      .message = fmt::format("the API key may send {} requests a minute", key->requests_per_minute),
      .code = "rate_limit_exceeded",
      .headers = {{"Retry-After", fmt::format("{}", (wait->count() + 999) / 1000)}}};
}

}  // namespace sparrow::http
