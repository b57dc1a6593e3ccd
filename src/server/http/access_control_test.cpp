#include "server/http/access_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "server/http/exchange.h"
#include "server/http/server.h"
#include "tests/support/raw_client.h"

namespace sparrow::http {
namespace {

using testing::HasSubstr;

Request request_with(Headers headers) {
  Request request;
  request.method = "POST";
  request.peer = "127.0.0.1:50000";
  request.headers = std::move(headers);
  return request;
}

int status_of(const AccessControl& access, Headers headers) {
  Headers ignored;
  const std::optional<Failure> failure =
      access.check_site(request_with(std::move(headers)), ignored);
  return failure ? failure->status : 0;
}

struct HostCase {
  const char* host;
  int status;  // 0: taken
};

TEST(AccessControl, only_known_hosts_are_answered) {
  AccessOptions options;
  options.hosts = {"Sparrow.example", "192.168.1.7", "fd00::7", "[fd00::8]"};
  const AccessControl access(options);
  for (const auto& [host, status] : std::vector<HostCase>{
           {"localhost", 0},
           {"LocalHost:11434", 0},
           {"127.0.0.1", 0},
           {"127.0.0.1:11434", 0},
           {"127.8.9.1", 0},
           {"[::1]", 0},
           {"[::1]:11434", 0},
           {"[0:0:0:0:0:0:0:1]", 0},
           {"sparrow.example", 0},
           {"SPARROW.EXAMPLE:443", 0},
           {"192.168.1.7:80", 0},
           {"[fd00::7]:80", 0},
           {"[fd00::8]", 0},
           {"evil.example", 403},
           {"localhost.evil.example", 403},
           {"localhost.", 403},
           {"foo.localhost", 403},
           {"printer.local", 403},
           {"host.internal", 403},
           {"192.168.1.8", 403},
           {"10.0.0.1", 403},
           {"0.0.0.0", 403},
           {"127.1", 403},
           {"2130706433", 403},
           {"0x7f000001", 403},
           {"127.0.0.1.evil.example", 403},
           {"[::ffff:127.0.0.1]", 403},
           {"[::]", 403},
           {"", 400},
           {":80", 400},
           {"localhost:", 400},
           {"localhost:x", 400},
           {"localhost:123456", 400},
           {"localhost:80:80", 400},
           {"user@localhost", 400},
           {"localhost/", 400},
           {"local host", 400},
           {"localhost,evil", 400},
           {"::1", 400},
           {"[::1", 400},
           {"[localhost]", 400},
           {"[::1]x", 400},
           {"http://localhost", 400},
       }) {
    EXPECT_EQ(status_of(access, {{"Host", host}}), status) << host;
  }
  EXPECT_EQ(status_of(access, {}), 400);
}

struct OriginCase {
  const char* origin;
  const char* host;
  int status;
};

TEST(AccessControl, only_known_origins_are_answered) {
  AccessOptions options;
  options.hosts = {"sparrow.example"};
  options.origins = AccessOptions::default_origins();
  for (const char* more : {"https://chat.example", "https://*.apps.example",
                           "chrome-extension://abc", "http://[::1]:*"}) {
    options.origins.emplace_back(more);
  }
  const AccessControl access(options);
  for (const auto& [origin, host, status] : std::vector<OriginCase>{
           {"http://localhost", "localhost:11434", 0},
           {"http://localhost:3000", "localhost:11434", 0},
           {"https://localhost:3000", "localhost:11434", 0},
           {"http://127.0.0.1:8080", "localhost:11434", 0},
           {"http://0.0.0.0:8080", "localhost:11434", 0},
           {"http://[::1]:8080", "localhost:11434", 0},
           {"app://obsidian.md", "localhost:11434", 0},
           {"tauri://localhost", "localhost:11434", 0},
           {"file://", "localhost:11434", 0},
           {"vscode-webview://1d2-3", "localhost:11434", 0},
           {"vscode-file://vscode-app", "localhost:11434", 0},
           {"https://chat.example", "localhost:11434", 0},
           {"https://a.apps.example", "localhost:11434", 0},
           {"https://a.b.apps.example", "localhost:11434", 0},
           {"chrome-extension://abc", "localhost:11434", 0},
           {"http://sparrow.example", "sparrow.example", 0},  // its own page
           {"https://sparrow.example:8443", "sparrow.example:8443",
            0},  // behind a proxy that encrypts
           {"http://sparrow.example:81", "sparrow.example", 403},
           {"null", "localhost:11434", 403},
           {"", "localhost:11434", 403},
           {"localhost", "localhost:11434", 403},
           {"https://evil.example", "localhost:11434", 403},
           {"http://localhost.evil.example", "localhost:11434", 403},
           {"http://localhost@evil.example", "localhost:11434", 403},
           {"http://evil.example/http://localhost", "localhost:11434", 403},
           {"http://localhost:3000, http://evil.example", "localhost:11434", 403},
           {"http://localhost/", "localhost:11434", 403},
           {"http://chat.example", "localhost:11434", 403},
           {"https://chat.example:444", "localhost:11434", 403},
           {"https://apps.example", "localhost:11434", 403},
           {"https://evilapps.example", "localhost:11434", 403},
           {"chrome-extension://abcd", "localhost:11434", 403},
           {"moz-extension://abc", "localhost:11434", 403},
           {"ftp://localhost:11434", "localhost:11434", 403},
           {"http://localhost:3000:1", "localhost:11434", 403},
           {"http://localhost:port", "localhost:11434", 403},
       }) {
    for (const char* site : {"", "cross-site", "same-site", "same-origin", "none"}) {
      Headers headers = {{"Host", host}, {"Origin", origin}};
      if (*site != '\0') headers.add("Sec-Fetch-Site", site);
      EXPECT_EQ(status_of(access, headers), status) << origin << " " << site;
    }
  }
}

TEST(AccessControl, without_an_origin_only_other_sites_are_refused) {
  const AccessControl access({});
  for (const auto& [site, status] : std::vector<std::pair<const char*, int>>{{"cross-site", 403},
                                                                             {"Cross-Site", 403},
                                                                             {"same-site", 0},
                                                                             {"same-origin", 0},
                                                                             {"none", 0}}) {
    EXPECT_EQ(status_of(access, {{"Host", "localhost"}, {"Sec-Fetch-Site", site}}), status) << site;
  }
  EXPECT_EQ(status_of(access, {{"Host", "localhost"}}), 0);
}

TEST(AccessControl, a_star_allows_every_origin_by_name) {
  AccessOptions options;
  options.origins = {"*"};
  const AccessControl access(options);
  Headers response;
  EXPECT_FALSE(access.check_site(
      request_with({{"Host", "localhost"}, {"Origin", "https://any.example"}}), response));
  EXPECT_EQ(response.value("Access-Control-Allow-Origin"), "https://any.example");
  EXPECT_EQ(status_of(access, {{"Host", "localhost"}, {"Origin", "null"}}), 403);
}

TEST(AccessControl, options_that_are_none_are_told) {
  AccessOptions host;
  host.hosts = {"a b"};
  EXPECT_THROW(AccessControl{host}, Error);
  for (const char* origin :
       {"", "chat.example", "://a", "https://a/b", "https://a:x", "https://a b"}) {
    AccessOptions options;
    options.origins = {origin};
    EXPECT_THROW(AccessControl{options}, Error) << origin;
  }
}

TEST(AccessControl, an_allowed_origin_is_named_and_nothing_else_is_given_away) {
  const AccessControl access({});
  Headers response;
  const Request request =
      request_with({{"Host", "localhost"}, {"Origin", "http://localhost:3000"}});
  EXPECT_FALSE(access.check_site(request, response));
  EXPECT_EQ(response.value("Access-Control-Allow-Origin"), "http://localhost:3000");
  EXPECT_EQ(response.value("Vary"), "Origin");
  EXPECT_FALSE(response.has("Access-Control-Allow-Credentials"));
  Headers refused;
  EXPECT_TRUE(access.check_site(
      request_with({{"Host", "localhost"}, {"Origin", "https://evil.example"}}), refused));
  EXPECT_FALSE(refused.has("Access-Control-Allow-Origin"));
}

TEST(AccessControl, a_preflight_is_answered_for_known_headers_only) {
  const AccessControl access({});
  Headers response;
  access.answer_preflight(
      request_with({{"Origin", "http://localhost:3000"},
                    {"Access-Control-Request-Method", "POST"},
                    {"Access-Control-Request-Headers",
                     "content-type, Authorization,x-stainless-os,x-evil,cookie"},
                    {"Access-Control-Request-Private-Network", "true"}}),
      "OPTIONS, POST", response);
  EXPECT_EQ(response.value("Access-Control-Allow-Methods"), "OPTIONS, POST");
  EXPECT_EQ(response.value("Access-Control-Allow-Headers"),
            "content-type, authorization, x-stainless-os");
  EXPECT_EQ(response.value("Access-Control-Allow-Private-Network"), "true");
}

// The same rules on the wire, for every kind of request.
TEST(AccessControl, other_sites_are_refused_whatever_they_ask) {
  ServerOptions options;
  options.access_log = nullptr;
  std::atomic<int> handled = 0;
  std::vector<Route> routes;
  for (const char* method : {"GET", "POST", "DELETE"}) {
    routes.push_back({method, "/x", [&handled](const auto& e) {
                        ++handled;
                        e->reply(200, {}, "");
                      }});
    routes.back().scope = Scope::open;
  }
  Server server(options, std::move(routes));
  server.start();
  const std::string address = server.addresses().front();
  const std::string evil[] = {
      "Host: localhost\r\nOrigin: https://evil.example\r\n", "Host: localhost\r\nOrigin: null\r\n",
      "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n", "Host: evil.example\r\n"};
  for (const std::string method : {"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT"}) {
    for (const std::string target : {"/x", "/nowhere"}) {
      for (const std::string& headers : evil) {
        for (const std::string body :
             {"", "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}"}) {
          RawClient client(address);
          client.send(method + " " + target + " HTTP/1.1\r\n" + headers +
                      (body.empty() ? "\r\n" : body));
          const auto response = client.read_response(method == "HEAD");
          ASSERT_TRUE(response.has_value());
          EXPECT_EQ(response->status, 403) << method << target << headers;
          EXPECT_EQ(response->header("access-control-allow-origin"), "");
        }
      }
    }
  }
  EXPECT_EQ(handled, 0);
  RawClient preflight(address);
  preflight.send(
      "OPTIONS /x HTTP/1.1\r\nHost: localhost\r\nOrigin: "
      "http://localhost:3000\r\nAccess-Control-Request-Method: POST\r\n\r\n");
  const auto response = preflight.read_response();
  EXPECT_EQ(response->status, 204);
  EXPECT_EQ(response->header("access-control-allow-methods"), "DELETE, GET, HEAD, OPTIONS, POST");
  const auto allowed = RawClient::get(address, "/x", "Origin: http://localhost:3000\r\n");
  EXPECT_EQ(allowed->status, 200);
  EXPECT_EQ(allowed->header("access-control-allow-origin"), "http://localhost:3000");
}

}  // namespace
}  // namespace sparrow::http
