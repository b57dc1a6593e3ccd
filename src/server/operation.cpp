#include "server/operation.h"

#include "base/error.h"
#include "server/wire.h"
#include "sparrow/version.h"
#include "store/model_name.h"

namespace sparrow {
namespace {

// Calls `take` with each part between the separators.
template <typename Take>
void split(std::string_view text, std::string_view separator, const Take& take) {
  while (!text.empty()) {
    const size_t end = text.find(separator);
    take(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + separator.size());
  }
}

Json type_schema(std::string_view types) {
  Json list = Json::array();
  split(types, "|", [&](std::string_view type) { list.push_back(type); });
  return list.size() == 1 ? Json{{"type", list[0]}} : Json{{"type", list}};
}

Json body_schema(std::string_view fields) {
  Json schema = {{"type", "object"}};
  split(fields, ", ", [&](std::string_view field) {
    const size_t space = field.find(' ');
    SPARROW_CHECK(space != std::string_view::npos);
    std::string name(field.substr(0, space));
    if (name.ends_with('!')) {
      name.pop_back();
      schema["required"].push_back(name);
    }
    schema["properties"][name] = type_schema(field.substr(space + 1));
  });
  return schema;
}

Json request_body(Json schema) {
  return {{"required", true}, {"content", {{"application/json", {{"schema", std::move(schema)}}}}}};
}

// "/a/{name...}" is "/a/{name}" there.
std::string path_of(std::string pattern) {
  const size_t tail = pattern.find("...}");
  if (tail != std::string::npos) pattern.erase(tail, 3);
  return pattern;
}

Json path_parameters(std::string_view path) {
  Json parameters = Json::array();
  split(path, "/", [&](std::string_view segment) {
    if (!segment.starts_with('{')) return;
    parameters.push_back({{"name", segment.substr(1, segment.size() - 2)},
                          {"in", "path"},
                          {"required", true},
                          {"schema", {{"type", "string"}}}});
  });
  return parameters;
}

Json described(const http::Route& route, const std::string& path) {
  Json described = {{"summary", route.method + " " + path}};
  if (!route.operation.empty()) {
    described = Json::parse(route.operation);
  } else if (route.method == "POST") {
    described["requestBody"] = request_body({{"type", "object"}});
  }
  Json parameters = path_parameters(path);
  if (!parameters.empty()) described["parameters"] = std::move(parameters);
  described["responses"] = {{"200", {{"description", "The answer"}}},
                            {"default", {{"description", "An error, in the words of its API"}}}};
  if (route.scope == http::Scope::open) described["security"] = Json::array();
  return described;
}

}  // namespace

std::string operation(std::string_view summary, std::string_view fields) {
  Json operation = {{"summary", summary}};
  if (!fields.empty()) operation["requestBody"] = request_body(body_schema(fields));
  return to_wire(operation);
}

Json openapi_document(std::span<const http::Route> routes) {
  Json paths = Json::object();
  for (const http::Route& route : routes) {
    const std::string path = path_of(route.pattern);
    paths[path][to_lower_ascii(route.method)] = described(route, path);
  }
  return {{"openapi", "3.1.0"},
          {"info", {{"title", "sparrow"}, {"version", kVersion}}},
          {"security", Json::array({{{"bearer", Json::array()}}, {{"key", Json::array()}}})},
          {"paths", std::move(paths)},
          {"components",
           {{"securitySchemes",
             {{"bearer", {{"type", "http"}, {"scheme", "bearer"}}},
              {"key", {{"type", "apiKey"}, {"in", "header"}, {"name", "x-api-key"}}}}}}}};
}

}  // namespace sparrow
