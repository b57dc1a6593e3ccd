#include "store/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/http_server.h"

namespace sparrow {
namespace {

TEST(Http, redirects_that_weaken_or_turn_inward_are_refused) {
  struct Case {
    const char* from;
    const char* to;
    const char* problem;  // empty: followed
  };
  const std::vector<Case> cases = {
      {"https://huggingface.co/a", "https://cdn.example/b", ""},
      {"http://mirror.example/a", "https://mirror.example/a", ""},
      {"http://mirror.example/a", "http://cdn.example/a", ""},
      {"http://127.0.0.1:8080/a", "http://127.0.0.1:9090/b", ""},
      {"http://localhost/a", "http://cdn.example/b", ""},
      {"https://huggingface.co/a", "http://huggingface.co/a", "from https to plain http"},
      {"https://huggingface.co/a", "ftp://huggingface.co/a", "neither http nor https"},
      {"https://huggingface.co/a", "file:///etc/passwd", "neither http nor https"},
      {"https://huggingface.co/a", "https://localhost/a", "local network"},
      {"https://huggingface.co/a", "https://LOCALHOST/a", "local network"},
      {"https://huggingface.co/a", "https://127.0.0.1/a", "local network"},
      {"https://huggingface.co/a", "https://127.1/a", "local network"},
      {"https://huggingface.co/a", "https://2130706433/a", "local network"},
      {"https://huggingface.co/a", "https://0x7f000001/a", "local network"},
      {"https://huggingface.co/a", "https://0.0.0.0/a", "local network"},
      {"https://huggingface.co/a", "https://10.1.2.3/a", "local network"},
      {"https://huggingface.co/a", "https://172.16.0.1/a", "local network"},
      {"https://huggingface.co/a", "https://192.168.1.1/a", "local network"},
      {"https://huggingface.co/a", "https://169.254.169.254/latest", "local network"},
      {"https://huggingface.co/a", "https://[::1]/a", "local network"},
      {"https://huggingface.co/a", "https://[fe80::1]/a", "local network"},
      {"https://huggingface.co/a", "https://[fd00::1]/a", "local network"},
      {"https://huggingface.co/a", "https://[::ffff:127.0.0.1]/a", "local network"},
      {"https://huggingface.co/a", "https://printer.local/a", "local network"},
      {"https://huggingface.co/a", "https://172.32.0.1/a", ""},
      {"https://huggingface.co/a", "https://8.8.8.8/a", ""},
  };
  for (const Case& each : cases) {
    const std::string problem = redirect_problem(each.from, each.to);
    if (*each.problem == '\0') {
      EXPECT_EQ(problem, "") << each.to;
    } else {
      EXPECT_THAT(problem, testing::HasSubstr(each.problem)) << each.to;
    }
  }
}

TEST(Http, addresses_are_joined_and_taken_apart) {
  EXPECT_EQ(join_url("https://a.example/x/y", "/z?q=1"), "https://a.example/z?q=1");
  EXPECT_EQ(join_url("https://a.example/x/y", "https://b.example/"), "https://b.example/");
  EXPECT_EQ(join_url("https://a.example/x/y", "http://a b/"), "");
  EXPECT_EQ(url_host("http://127.0.0.1:8080/x"), "127.0.0.1:8080");
  EXPECT_EQ(url_host("https://huggingface.co/x"), "huggingface.co");
  EXPECT_EQ(url_encode_path("a b/ü?.gguf"), "a%20b/%C3%BC%3F.gguf");
}

// What a server saw of the token, behind redirects to itself and to another.
TEST(Http, a_token_goes_to_its_own_host_only) {
  HttpServer other([](const ServerRequest&, ServerConnection& c) { c.respond(200, {}, "there"); });
  HttpServer hub([&](const ServerRequest& r, ServerConnection& c) {
    if (r.target == "/start") c.respond(302, {"Location: /second"});
    if (r.target == "/second") c.respond(302, {"Location: " + other.url() + "/content"});
  });
  HttpRequest request;
  request.url = hub.url() + "/start";
  request.bearer_token = "secret";
  std::string body;
  HttpSink sink;
  sink.on_bytes = [&](std::span<const std::byte> bytes) {
    body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return true;
  };
  const HttpResult result = http_request(request, sink, nullptr);
  EXPECT_EQ(result.problem, "");
  EXPECT_EQ(result.head.status, 200);
  EXPECT_EQ(body, "there");
  ASSERT_EQ(hub.requests().size(), 2u);
  EXPECT_EQ(hub.requests()[0].header("authorization"), "Bearer secret");
  EXPECT_EQ(hub.requests()[1].header("authorization"), "Bearer secret");
  ASSERT_EQ(other.requests().size(), 1u);
  EXPECT_EQ(other.requests()[0].header("authorization"), "");
  EXPECT_THAT(other.requests()[0].header("user-agent"), testing::StartsWith("sparrow/"));
}

TEST(Http, an_address_that_is_none_is_a_problem_and_no_crash) {
  for (const char* url :
       {"", "nonsense://x", "http://", "file:///etc/passwd", "http://127.0.0.1:1/"}) {
    HttpRequest request;
    request.url = url;
    EXPECT_NE(http_request(request, {}, nullptr).problem, "") << url;
  }
}

}  // namespace
}  // namespace sparrow
