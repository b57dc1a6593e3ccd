// A route in the words of OpenAPI 3.1, and the document that all routes make.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "server/http/route.h"

namespace sparrow {

// For Route::operation. `fields`: of the request's JSON, "model string, prompt! string|array": a
// name, "!" where it is required, and its types. Others may come with them.
std::string operation(std::string_view summary, std::string_view fields = {});

// Of all these routes. One that says nothing about itself takes any JSON object.
Json openapi_document(std::span<const http::Route> routes);

}  // namespace sparrow
