#include "server/http/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "server/http/target.h"

namespace sparrow::http {
namespace {

constexpr size_t kMaxIdBytes = 128;

std::string random_id() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", device(), device(), device(), device());
}

// It goes into logs and headers, so only what is harmless there.
bool is_sane_id(std::string_view id) {
  return !id.empty() && id.size() <= kMaxIdBytes && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.' || c == ':' || c == '/' || c == '+' || c == '=';
  });
}

// Shapes errors where no row is known.
std::shared_ptr<const Route> no_route() {
  static const auto route = std::make_shared<const Route>();
  return route;
}

Admission begin_admission(const Peer& peer, std::string_view offered_id) {
  Admission admission;
  admission.route = no_route();
  admission.request.peer = peer.name;
  admission.request.is_loopback = peer.is_loopback;
  admission.request.is_encrypted = peer.is_encrypted;
  admission.request.id = is_sane_id(offered_id) ? std::string(offered_id) : random_id();
  admission.response_headers.add("X-Request-Id", admission.request.id);
  return admission;
}

Failure bad_target() {
  return {.status = 400, .message = "the request target is malformed", .code = "bad_request"};
}

}  // namespace

Admission admit(RequestHead& head, const Peer& peer, const std::shared_ptr<const Router>& router,
                AccessControl& access) {
  Admission admission = begin_admission(peer, head.headers.value("x-request-id"));
  Request& request = admission.request;
  request.method = std::move(head.method);
  request.target = std::move(head.target);
  request.headers = head.headers;
  std::optional<Target> target = parse_target(request.target);
  if (!target || (target->is_asterisk && request.method != "OPTIONS")) {
    admission.failure = bad_target();
    return admission;
  }
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  // Two names for one host are one too many.
  if (!target->authority.empty() && request.headers.has("host") &&
      !equals_ignoring_case(target->authority, request.headers.value("host"))) {
    admission.failure = bad_target();
    return admission;
  }
  Router::Match match;
  if (!target->is_asterisk) match = router->match(request.method, target->segments);
  const Route* shape = match.route != nullptr ? match.route : match.of_path;
  if (shape != nullptr) admission.route = {router, shape};
  request.path_parameters = std::move(match.path_parameters);

  admission.failure = access.check_site(request, admission.response_headers);
  if (admission.failure) return admission;
  if (match.route == nullptr && request.method == "OPTIONS" &&
      (target->is_asterisk || !match.allow.empty())) {
    access.answer_preflight(request, match.allow, admission.response_headers);
    if (!match.allow.empty()) admission.response_headers.set("Allow", match.allow);
    admission.is_options = true;
  } else if (match.route == nullptr && match.allow.empty()) {
    admission.failure =
        Failure{.status = 404, .message = "404 page not found", .code = "not_found"};
  } else if (match.route == nullptr) {
    admission.failure = Failure{
        .status = 405,
        .message = fmt::format("{} takes {}, not {}", request.path, match.allow, request.method),
        .code = "method_not_allowed",
        .headers = {{"Allow", match.allow}}};
  } else {
    admission.has_route = true;
    admission.failure = access.check_key(request, match.route->scope);
  }
  return admission;
}

Admission refuse(const Failure& failure, const Peer& peer) {
  Admission admission = begin_admission(peer, {});
  admission.failure = failure;
  return admission;
}

}  // namespace sparrow::http
