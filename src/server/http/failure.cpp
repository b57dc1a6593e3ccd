#include "server/http/failure.h"

namespace sparrow::http {

ErrorBody plain_text_error(const Failure& failure) {
  return {"text/plain; charset=utf-8", failure.message + "\n"};
}

Failure failure_of(const Error& error) {
  int status = 500;
  std::string code;  // where the status does not tell it from others
  switch (error.code()) {
    case ErrorCode::invalid_argument:
    case ErrorCode::unsupported:
      status = 400;
      break;
    case ErrorCode::context_full:
      status = 400;
      code = "context_full";
      break;
    case ErrorCode::not_found:
      status = 404;
      break;
    case ErrorCode::network:
      status = 502;
      break;
    case ErrorCode::out_of_memory:
    case ErrorCode::cancelled:
      status = 503;
      break;
    case ErrorCode::invalid_file:
    case ErrorCode::io:
    case ErrorCode::internal:
      break;
  }
  return {.status = status, .message = error.what(), .code = std::move(code)};
}

}  // namespace sparrow::http
