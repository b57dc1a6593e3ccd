// A route is a row: which requests it takes, who may send them, and what a failure looks like.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "server/http/failure.h"
#include "server/http/request.h"

namespace sparrow::http {

class Exchange;

// Called once a request, from several threads at once. What it throws becomes the answer. It may
// return before it has answered: whoever keeps the exchange answers later.
using Handler = std::function<void(const std::shared_ptr<Exchange>&)>;

enum class BodySize { control, large };  // Limits::control_body_bytes, large_body_bytes

// What an API key must be good for.
enum class Scope {
  open,       // no key at all
  inference,  // answers, embeddings, lists of models
  observe,    // metrics, requests in flight
  manage,     // pulling, deleting, loading, cancelling
};

enum class RunsOn {
  worker,  // may block, say while a model loads
  io,      // must return at once: everybody's reads and writes wait for it
};

struct Route {
  std::string method;  // "GET" also serves HEAD
  // "/v1/models/{model}" takes one segment, in which the client may have written %2F for a slash;
  // "/v1/models/{model...}" at the end takes one segment or more. Words win over names, and both
  // over a tail.
  std::string pattern;
  Handler handler;
  BodySize body = BodySize::control;
  // Before the body comes, from an io thread: what it goes to, of Limits::streamed_body_bytes at
  // most. The request has all but its body. What it throws becomes the answer.
  std::function<std::shared_ptr<BodySink>(const Request&)> open_body = {};
  Scope scope = Scope::inference;
  RunsOn runs_on = RunsOn::worker;
  ErrorShape error_shape = plain_text_error;
  std::string operation = {};  // what it says of itself, as a JSON object of OpenAPI's
};

}  // namespace sparrow::http
