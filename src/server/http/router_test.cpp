#include "server/http/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/http/target.h"

namespace sparrow::http {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

Route row(std::string method, std::string pattern) {
  return {
      .method = std::move(method), .pattern = std::move(pattern), .handler = [](const auto&) {}};
}

Router make_router() {
  return Router({row("GET", "/v1/models/{model...}"), row("GET", "/v1/models"),
                 row("POST", "/v1/models"), row("GET", "/v1/models/{model}"),
                 row("GET", "/v1/models/loaded"), row("DELETE", "/v1/models/{model}"),
                 row("GET", "/"), row("POST", "/v1/{a}/x/{b}"), row("HEAD", "/api/blobs/{digest}"),
                 row("GET", "/api/blobs/{digest}")});
}

std::string pattern_of(const Router& router, std::string_view method, std::string_view target) {
  const std::optional<Target> parsed = parse_target(target);
  if (!parsed) return "malformed";
  const Router::Match match = router.match(method, parsed->segments);
  return match.route == nullptr ? "none" : match.route->method + " " + match.route->pattern;
}

TEST(Router, the_most_exact_row_wins) {
  const Router router = make_router();
  const std::vector<std::array<std::string, 3>> cases = {
      {"GET", "/", "GET /"},
      {"GET", "/v1/models", "GET /v1/models"},
      {"POST", "/v1/models", "POST /v1/models"},
      {"GET", "/v1/models/loaded", "GET /v1/models/loaded"},
      {"GET", "/v1/models/a", "GET /v1/models/{model}"},
      {"GET", "/v1/models/a%2Fb", "GET /v1/models/{model}"},
      {"GET", "/v1/models/a/b", "GET /v1/models/{model...}"},
      {"DELETE", "/v1/models/a", "DELETE /v1/models/{model}"},
      {"HEAD", "/v1/models", "GET /v1/models"},
      {"HEAD", "/api/blobs/x", "HEAD /api/blobs/{digest}"},
      {"GET", "/api/blobs/x", "GET /api/blobs/{digest}"},
      {"POST", "/v1/q/x/r", "POST /v1/{a}/x/{b}"},
      {"PUT", "/v1/models", "none"},
      {"get", "/v1/models", "none"},
      {"GET", "/v1/models/", "none"},
      {"GET", "//v1/models", "none"},
      {"GET", "/v1%2Fmodels", "none"},
      {"GET", "/V1/models", "none"},
      {"GET", "/v1/models/a//b", "GET /v1/models/{model...}"},
      {"GET", "/v1", "none"},
  };
  for (const auto& [method, target, pattern] : cases) {
    EXPECT_EQ(pattern_of(router, method, target), pattern) << method << " " << target;
  }
}

TEST(Router, names_in_a_pattern_get_their_segments) {
  const Router router = make_router();
  EXPECT_THAT(router.match("GET", parse_target("/v1/models/a%2Fb%3Ac")->segments).path_parameters,
              ElementsAre(Pair("model", "a/b:c")));
  EXPECT_THAT(router.match("GET", parse_target("/v1/models/hf.co/a/b")->segments).path_parameters,
              ElementsAre(Pair("model", "hf.co/a/b")));
  EXPECT_THAT(router.match("POST", parse_target("/v1/q/x/r")->segments).path_parameters,
              ElementsAre(Pair("a", "q"), Pair("b", "r")));
}

TEST(Router, a_known_path_says_which_methods_it_takes) {
  const Router router = make_router();
  EXPECT_EQ(router.match("PUT", parse_target("/v1/models")->segments).allow,
            "GET, HEAD, OPTIONS, POST");
  EXPECT_EQ(router.match("GET", parse_target("/nowhere")->segments).allow, "");
}

TEST(Target, a_path_is_decoded_once) {
  EXPECT_EQ(parse_target("/a%2541")->path, "/a%41");
  EXPECT_EQ(parse_target("/%E4%B8%96")->path, "/世");
  EXPECT_EQ(parse_target("/a+b")->path, "/a+b");
}

TEST(Target, a_query_is_taken_apart) {
  EXPECT_THAT(parse_target("/?a=1&b&c=%26+x&&a=2")->query,
              ElementsAre(Pair("a", "1"), Pair("b", ""), Pair("c", "& x"), Pair("a", "2")));
  EXPECT_THAT(parse_target("/?")->query, IsEmpty());
}

TEST(Target, a_whole_address_is_taken) {
  EXPECT_EQ(parse_target("http://localhost:80/a?b=c")->authority, "localhost:80");
  EXPECT_EQ(parse_target("http://localhost:80/a?b=c")->path, "/a");
  EXPECT_EQ(parse_target("https://localhost")->path, "/");
  EXPECT_EQ(parse_target("http://localhost?a=b")->query.size(), 1u);
}

TEST(Target, tricks_are_refused) {
  for (
      const char* text :
      {"",        "a",           "a/b",       "ftp://a/b", "http:///a",       "/a%",    "/a%4",
       "/a%4g",   "/a%00",       "/a%0d%0ab", "/a%1f",     "/a%7f",           "/a%5cb", "/a\\b",
       "/a#b",    "/..",         "/../a",     "/a/../b",   "/a/./b",          "/.",     "/%2e%2e/a",
       "/%2E./a", "/a%2f..%2fb", "/a%2F..",   "/..%2fa",   "/%c0%ae%c0%ae/a", "/%ff",   "/?a=%00",
       "/?a=%zz", "/?%ff=1",     "/a\x7f",    "/a b"}) {
    EXPECT_FALSE(parse_target(text).has_value()) << text;
  }
  EXPECT_TRUE(parse_target("/...").has_value());
  EXPECT_TRUE(parse_target("/a..b").has_value());
}

}  // namespace
}  // namespace sparrow::http
