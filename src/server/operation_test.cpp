#include "server/operation.h"

#include <gtest/gtest.h>

#include "server/wire.h"

namespace sparrow {
namespace {

http::ErrorBody json_error(const http::Failure& failure) {
  return {"application/json", to_wire(Json{{"error", failure.message}})};
}

http::Route route(const std::string& method, const std::string& pattern,
                  const Operation& described = {.summary = "Does it"}) {
  http::Route route{.method = method, .pattern = pattern};
  route.operation = operation(described);
  return route;
}

TEST(Operation, names_what_it_takes_and_gives) {
  const Json operation = Json::parse(sparrow::operation(
      {.summary = "Does it",
       .fields = "a! string|[string], b integer",
       .more_fields = {{"c", {{"type", "boolean"}}}},
       .query = "q string",
       .replies = {{.type = "{d! string}"}, {.content_type = "text/plain", .type = "string"}}}));
  EXPECT_EQ(operation["summary"], "Does it");
  const Json& schema = operation["requestBody"]["content"]["application/json"]["schema"];
  EXPECT_EQ(schema["required"], Json::array({"a"}));
  EXPECT_EQ(schema["properties"]["c"]["type"], "boolean");
  EXPECT_EQ(operation["parameters"][0]["name"], "q");
  const Json& content = operation["responses"]["200"]["content"];
  EXPECT_EQ(content["application/json"]["schema"]["required"], Json::array({"d"}));
  EXPECT_TRUE(content.contains("text/plain"));
  EXPECT_FALSE(Json::parse(sparrow::operation({.summary = "x"})).contains("requestBody"));
}

TEST(Operation, the_document_has_every_route) {
  const std::vector<http::Route> routes = {route("GET", "/a"), route("POST", "/a"),
                                           route("DELETE", "/a/{id}/{name...}")};
  const Json document = openapi_document(routes);
  const Json& paths = document["paths"];
  EXPECT_TRUE(paths["/a"].contains("get"));
  EXPECT_TRUE(paths["/a"].contains("post"));
  const Json& parameters = paths["/a/{id}/{name}"]["delete"]["parameters"];
  ASSERT_EQ(parameters.size(), 2u);
  EXPECT_EQ(parameters[0]["name"], "id");
  EXPECT_EQ(parameters[1]["name"], "name");
  EXPECT_TRUE(parameters[1]["required"].get<bool>());
}

TEST(Operation, refusals_have_the_shape_of_their_row) {
  http::Route shaped = route("POST", "/a", {.summary = "x", .fields = "a string"});
  shaped.error_shape = json_error;
  http::Route open = route("GET", "/b", {.summary = "x", .refusals = {501}});
  open.scope = http::Scope::open;
  const Json document = openapi_document(std::vector<http::Route>{shaped, open});
  const Json& taken = document["paths"]["/a"]["post"]["responses"];
  for (const char* status : {"400", "401", "403", "404", "413", "415", "429", "503"})
    EXPECT_TRUE(taken.contains(status)) << status;
  const std::string name = taken["400"]["content"]["application/json"]["schema"]["$ref"];
  EXPECT_EQ(name, "#/components/schemas/error_1");
  EXPECT_EQ(document["components"]["schemas"]["error_1"]["required"], Json::array({"error"}));
  const Json& given = document["paths"]["/b"]["get"]["responses"];
  EXPECT_TRUE(given.contains("501"));
  EXPECT_FALSE(given.contains("401"));
}

}  // namespace
}  // namespace sparrow
