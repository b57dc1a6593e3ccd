// What went wrong with a request, and the body that says so in the words of a family of routes.
#pragma once

#include <string>

#include "server/http/headers.h"
#include "sparrow/error.h"

namespace sparrow::http {

struct Failure {
  int status = 500;
  std::string message;
  std::string code = {};  // a machine's word for it, if the family has one: "rate_limit_exceeded"
  std::string parameter = {};   // the field at fault: "messages[0].content"
  Headers headers = {};         // "Retry-After"
  std::string request_id = {};  // the exchange fills it in
};

struct ErrorBody {
  std::string content_type;
  std::string body;
  Headers headers = {};  // of its family
};

// One a family: OpenAI's, Ollama's, Anthropic's JSON.
using ErrorShape = ErrorBody (*)(const Failure&);

// "MESSAGE\n": where no family is known.
ErrorBody plain_text_error(const Failure& failure);

// How an exception that leaves a handler is told.
Failure failure_of(const Error& error);

}  // namespace sparrow::http
