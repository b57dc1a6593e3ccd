// A route in the words of OpenAPI 3.1, and the document that all routes make.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "server/http/route.h"

namespace sparrow {

// One way in which a request that is in order is answered.
struct Reply {
  int status = 200;
  std::string_view content_type = "application/json";  // "": nothing but the head
  std::string type = "object";  // in the notation of schema_text.h; of a stream, its events
};

// What a row says of itself. Where fields have a notation, it is that of schema_text.h.
struct Operation {
  std::string_view summary;
  std::string fields;  // of the request's JSON, or its type, "{…}|{…}"; "": it has none
  Json more_fields = Json::object();  // schemas of others, by name
  std::string_view body;              // the content type of one that is not JSON
  std::string_view query;             // fields of the query; all may be left out
  std::vector<Reply> replies = {{}};  // empty: every request is refused
  std::vector<int> refusals = {};     // statuses beside those that every row of its kind has
};

// For Route::operation.
std::string operation(const Operation& operation);

// Of all these routes, each of which says something about itself.
Json openapi_document(std::span<const http::Route> routes);

}  // namespace sparrow
