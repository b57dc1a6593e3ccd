#include "server/operation.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "server/http/response_head.h"
#include "server/schema_text.h"
#include "server/wire.h"
#include "sparrow/version.h"
#include "store/model_name.h"

namespace sparrow {
namespace {

Json content(std::string_view type, Json schema) {
  Json media = {{"schema", std::move(schema)}};
  return {{std::string(type), std::move(media)}};
}

// "/a/{name...}" is "/a/{name}" there.
std::string path_of(std::string pattern) {
  const size_t tail = pattern.find("...}");
  if (tail != std::string::npos) pattern.erase(tail, 3);
  return pattern;
}

Json path_parameters(std::string_view path) {
  Json parameters = Json::array();
  for (size_t at = path.find('{'); at != std::string_view::npos; at = path.find('{', at + 1)) {
    parameters.push_back({{"name", path.substr(at + 1, path.find('}', at) - at - 1)},
                          {"in", "path"},
                          {"required", true},
                          {"schema", {{"type", "string"}, {"minLength", 1}}}});
  }
  return parameters;
}

// A body in the shape of the row's family, or plain text where HTTP refused the request before its
// row was known.
Json refusal(const http::Route& route, int status, Json& shapes) {
  const http::ErrorBody body = route.error_shape({.status = status, .message = "what is wrong"});
  Json contents = content("text/plain", {{"type", "string"}});
  std::string type = body.content_type.substr(0, body.content_type.find(';'));
  if (type != "text/plain") {
    Json schema = schema_like(Json::parse(body.body));
    // Families that share a shape share its name.
    std::string name;
    for (const auto& [known, shape] : shapes.items())
      if (shape == schema) name = known;
    if (name.empty()) {
      name = "error_" + std::to_string(shapes.size() + 1);
      shapes[name] = std::move(schema);
    }
    contents.update(content(type, {{"$ref", "#/components/schemas/" + name}}));
  }
  return {{"description", http::reason_phrase(status)}, {"content", std::move(contents)}};
}

// What the limits and the access control in front of every row answer, and what it says itself.
std::set<int> refusals_of(const http::Route& route, const Json& described) {
  std::set<int> statuses = {400, 403, 404, 503};
  if (described.contains("requestBody")) statuses.insert({413, 415});
  if (route.scope != http::Scope::open) statuses.insert({401, 429});
  for (const Json& status : described["x-refusals"]) statuses.insert(status.get<int>());
  return statuses;
}

Json described(const http::Route& route, const std::string& path, Json& shapes) {
  Json described = Json::parse(route.operation);
  Json parameters = path_parameters(path);
  for (const Json& parameter : described["parameters"]) parameters.push_back(parameter);
  described["parameters"] = std::move(parameters);
  for (const int status : refusals_of(route, described))
    described["responses"][std::to_string(status)] = refusal(route, status, shapes);
  described.erase("x-refusals");
  if (route.scope == http::Scope::open) described["security"] = Json::array();
  return described;
}

}  // namespace

std::string operation(const Operation& operation) {
  Json json = {{"summary", operation.summary}, {"parameters", Json::array()}};
  const Json query = schema_of_fields(operation.query);
  if (query.contains("properties")) {
    for (const auto& [name, schema] : query["properties"].items())
      json["parameters"].push_back({{"name", name}, {"in", "query"}, {"schema", schema}});
  }
  if (!operation.body.empty()) {
    const Json binary = {{"type", "string"}, {"format", "binary"}};
    json["requestBody"] = {{"required", true}, {"content", content(operation.body, binary)}};
  } else if (!operation.fields.empty()) {
    Json schema = operation.fields.starts_with('{') ? schema_of_type(operation.fields)
                                                    : schema_of_fields(operation.fields);
    for (const auto& [name, more] : operation.more_fields.items())
      if (!schema["properties"].contains(name)) schema["properties"][name] = more;
    json["requestBody"] = {{"required", true},
                           {"content", content("application/json", std::move(schema))}};
  }
  json["responses"] = Json::object();
  for (const Reply& reply : operation.replies) {
    Json& response = json["responses"][std::to_string(reply.status)];
    response["description"] = http::reason_phrase(reply.status);
    if (!reply.content_type.empty())
      response["content"].update(content(reply.content_type, schema_of_type(reply.type)));
  }
  json["x-refusals"] = operation.refusals;
  return to_wire(json);
}

Json openapi_document(std::span<const http::Route> routes) {
  Json paths = Json::object();
  Json shapes = Json::object();
  for (const http::Route& route : routes) {
    SPARROW_CHECK(!route.operation.empty());
    const std::string path = path_of(route.pattern);
    paths[path][to_lower_ascii(route.method)] = described(route, path, shapes);
  }
  return {{"openapi", "3.1.0"},
          {"info", {{"title", "sparrow"}, {"version", kVersion}}},
          {"security", Json::array({{{"bearer", Json::array()}}, {{"key", Json::array()}}})},
          {"paths", std::move(paths)},
          {"components",
           {{"schemas", std::move(shapes)},
            {"securitySchemes",
             {{"bearer", {{"type", "http"}, {"scheme", "bearer"}}},
              {"key", {{"type", "apiKey"}, {"in", "header"}, {"name", "x-api-key"}}}}}}}};
}

}  // namespace sparrow
