#include "server/operation.h"

#include <gtest/gtest.h>

namespace sparrow {
namespace {

http::Route route(const std::string& method, const std::string& pattern,
                  const std::string& described = "") {
  http::Route route{.method = method, .pattern = pattern};
  route.operation = described;
  return route;
}

TEST(Operation, names_the_fields_of_a_request) {
  const Json operation = Json::parse(sparrow::operation("Does it", "a! string|array, b integer"));
  EXPECT_EQ(operation["summary"], "Does it");
  const Json& schema = operation["requestBody"]["content"]["application/json"]["schema"];
  EXPECT_EQ(schema["required"], Json::array({"a"}));
  EXPECT_EQ(schema["properties"]["a"]["type"], Json::array({"string", "array"}));
  EXPECT_EQ(schema["properties"]["b"]["type"], "integer");
  EXPECT_FALSE(Json::parse(sparrow::operation("Does it")).contains("requestBody"));
}

TEST(Operation, the_document_has_every_route) {
  const std::vector<http::Route> routes = {route("GET", "/a"),
                                           route("POST", "/a", operation("Does it", "b string")),
                                           route("DELETE", "/a/{id}/{name...}")};
  const Json document = openapi_document(routes);
  const Json& paths = document["paths"];
  EXPECT_EQ(paths["/a"]["get"]["summary"], "GET /a");
  EXPECT_EQ(paths["/a"]["post"]["summary"], "Does it");
  const Json& parameters = paths["/a/{id}/{name}"]["delete"]["parameters"];
  ASSERT_EQ(parameters.size(), 2u);
  EXPECT_EQ(parameters[0]["name"], "id");
  EXPECT_EQ(parameters[1]["name"], "name");
  EXPECT_TRUE(parameters[1]["required"].get<bool>());
}

}  // namespace
}  // namespace sparrow
