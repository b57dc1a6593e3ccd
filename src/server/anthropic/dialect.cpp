#include "server/anthropic/dialect.h"

#include "server/wire.h"

namespace sparrow::anthropic {
namespace {

std::string_view error_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
    case 529:
      return "overloaded_error";
    default:
      return status < 500 ? "invalid_request_error" : "api_error";
  }
}

}  // namespace

Json error_json(const http::Failure& failure) {
  const std::string& id = failure.request_id;
  return {{"type", "error"},
          {"error", {{"type", error_type(failure.status)}, {"message", failure.message}}},
          {"request_id", id.empty() ? Json() : Json(id)}};
}

http::ErrorBody error_body(const http::Failure& failure) {
  return {"application/json", to_wire(error_json(failure)), {{"request-id", failure.request_id}}};
}

}  // namespace sparrow::anthropic
