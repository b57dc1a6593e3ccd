#include "server/http/api_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "server/http/access_control.h"
#include "server/http/exchange.h"
#include "server/http/server.h"
#include "tests/support/raw_client.h"
#include "tests/support/test_server.h"

namespace sparrow::http {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using std::chrono_literals::operator""h;
using std::chrono_literals::operator""s;

const std::string kKey = "0123456789abcdef";
const std::string kOther = "fedcba9876543210";

std::string problem_of(const std::string& json) {
  try {
    parse_api_keys(json, "keys.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_file);
    return error.what();
  }
  return "";
}

TEST(ApiKeys, a_file_names_keys_scopes_and_limits) {
  const std::vector<ApiKey> keys = parse_api_keys(
      R"({"keys": [{"name": "laptop", "key": "0123456789abcdef", "scopes": ["inference", "manage"],
                    "requests_per_minute": 60},
                   {"name": "phone", "sha256": ")" +
          sha256_hex(kOther) + R"("}]})",
      "keys.json");
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].name, "laptop");
  EXPECT_THAT(keys[0].scopes, ElementsAre(Scope::inference, Scope::manage));
  EXPECT_EQ(keys[0].requests_per_minute, 60);
  EXPECT_THAT(keys[1].scopes, ElementsAre(Scope::inference));
  const ApiKeys known(keys);
  EXPECT_EQ(known.find(kKey)->name, "laptop");
  EXPECT_EQ(known.find(kOther)->name, "phone");
  EXPECT_EQ(known.find(kKey + "x"), nullptr);
  EXPECT_EQ(known.find(""), nullptr);
}

TEST(ApiKeys, a_wrong_file_is_refused_with_the_place) {
  const std::string key = R"("key": "0123456789abcdef")";
  for (const auto& [json, problem] : std::vector<std::pair<std::string, std::string>>{
           {"", "keys.json"},
           {"[]", "must be an object with one field"},
           {R"({"keys": {}})", "must be an object with one field"},
           {R"({"keys": [], "x": 1})", "must be an object with one field"},
           {R"({"keys": []})", "holds no key"},
           {R"({"keys": [1]})", "keys[0] must be an object"},
           {R"({"keys": [{}]})", "needs a name"},
           {R"({"keys": [{"name": "", )" + key + "}]}", "needs a name of 1 to 64"},
           {R"({"keys": [{"name": 1, )" + key + "}]}", "needs a name: a string"},
           {R"({"keys": [{"name": "a"}]})", "either a key or a sha256"},
           {R"({"keys": [{"name": "a", "sha256": "00", )" + key + "}]}",
            "either a key or a sha256"},
           {R"({"keys": [{"name": "a", "sha256": "00"}]})", "64 lower-case hex"},
           {R"({"keys": [{"name": "a", "key": "0123456789abcde"}]})", "16 to 512"},
           {R"({"keys": [{"name": "a", "key": "0123456789 abcdef"}]})", "without spaces"},
           {R"({"keys": [{"name": "a", "scope": [], )" + key + "}]}", "unknown field 'scope'"},
           {R"({"keys": [{"name": "a", "scopes": "manage", )" + key + "}]}",
            "scopes that are a list"},
           {R"({"keys": [{"name": "a", "scopes": ["all"], )" + key + "}]}", "got 'all'"},
           {R"({"keys": [{"name": "a", "requests_per_minute": 0, )" + key + "}]}", "from 1 to"},
           {R"({"keys": [{"name": "a", "requests_per_minute": 1.5, )" + key + "}]}", "from 1 to"},
           {R"({"keys": [{"name": "a", )" + key + R"(}, {"name": "b", )" + key + "}]}",
            "keys[1] has"},
           {R"({"keys": [{"name": "a", )" + key +
                R"(}, {"name": "a", "key": "fedcba9876543210"}]})",
            "keys[1] has"},
       }) {
    const std::string found = problem_of(json);
    EXPECT_THAT(found, HasSubstr(problem)) << json;
    EXPECT_THAT(found, testing::Not(HasSubstr("0123456789"))) << "a key in a message";
  }
}

TEST(ApiKeys, keys_in_clear_are_for_their_owners_eyes) {
  const std::string path = scratch_path("sparrow_keys.json");
  const auto write = [&](const std::string& json, mode_t mode) {
    std::ofstream(path) << json;
    chmod(path.c_str(), mode);
  };
  const std::string clear = R"({"keys": [{"name": "a", "key": "0123456789abcdef"}]})";
  write(clear, 0644);
  EXPECT_THROW(read_api_keys(path), Error);
  write(clear, 0600);
  EXPECT_EQ(read_api_keys(path).size(), 1u);
  write(R"({"keys": [{"name": "a", "sha256": ")" + sha256_hex(kKey) + "\"}]}", 0644);
  EXPECT_EQ(read_api_keys(path).size(), 1u);
  std::filesystem::remove(path);
  EXPECT_THROW(read_api_keys(path), Error);
}

TEST(ApiKeys, a_key_is_offered_in_two_ways_that_must_agree) {
  EXPECT_EQ(offered_key({{"Authorization", "Bearer abc"}}), "abc");
  EXPECT_EQ(offered_key({{"authorization", "bearer abc"}}), "abc");
  EXPECT_EQ(offered_key({{"X-Api-Key", "abc"}}), "abc");
  EXPECT_EQ(offered_key({{"X-Api-Key", "abc"}, {"Authorization", "Bearer abc"}}), "abc");
  EXPECT_EQ(offered_key({{"X-Api-Key", "abc"}, {"Authorization", "Bearer abd"}}), std::nullopt);
  EXPECT_EQ(offered_key({{"Authorization", "Basic abc"}}), std::nullopt);
  EXPECT_EQ(offered_key({{"Authorization", "Bearer "}}), std::nullopt);
  EXPECT_EQ(offered_key({}), std::nullopt);
}

TEST(ApiKeys, an_allowance_fills_evenly_up_to_a_minutes_worth) {
  std::vector<ApiKey> keys = parse_api_keys(
      R"({"keys": [{"name": "a", "key": "0123456789abcdef", "requests_per_minute": 2}]})",
      "keys.json");
  ApiKeys known(keys);
  const ApiKey& key = *known.find(kKey);
  const ApiKeys::Clock::time_point start{};
  EXPECT_FALSE(known.take(key, start).has_value());
  EXPECT_FALSE(known.take(key, start).has_value());
  EXPECT_NEAR(known.take(key, start)->count(), 30'000, 2);
  EXPECT_NEAR(known.take(key, start + 29s)->count(), 1'000, 2);
  EXPECT_FALSE(known.take(key, start + 31s).has_value());
  EXPECT_TRUE(known.take(key, start + 31s).has_value());
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(known.take(key, start + 1h).has_value());
  EXPECT_TRUE(known.take(key, start + 1h).has_value());
}

ErrorBody code_error(const Failure& failure) {
  return {"application/json", "{\"code\":\"" + failure.code + "\"}"};
}

TEST(ApiKeys, a_key_opens_what_its_scopes_say) {
  ServerOptions options;
  options.access_log = nullptr;
  options.access.keys = parse_api_keys(
      R"({"keys": [{"name": "all", "key": "0123456789abcdef", "scopes": ["inference", "observe", "manage"]},
                   {"name": "asks", "key": "fedcba9876543210"},
                   {"name": "rare", "key": "aaaaaaaaaaaaaaaa", "requests_per_minute": 1}]})",
      "keys.json");
  std::vector<Route> routes;
  const std::pair<const char*, Scope> paths[] = {{"/open", Scope::open},
                                                 {"/inference", Scope::inference},
                                                 {"/observe", Scope::observe},
                                                 {"/manage", Scope::manage}};
  for (const auto& [path, scope] : paths) {
    routes.push_back(
        {"GET", path, [](const auto& e) { e->reply(200, {}, e->request().key_name); }});
    routes.back().scope = scope;
    routes.back().error_shape = code_error;
  }
  Server server(options, std::move(routes));
  server.start();
  const std::string address = server.addresses().front();
  const auto status = [&](const std::string& path, const std::string& key) {
    return RawClient::get(address, path, key.empty() ? "" : "Authorization: Bearer " + key + "\r\n")
        ->status;
  };
  for (const auto& [path, scope] : paths) {
    EXPECT_EQ(status(path, kKey), 200) << path;
    EXPECT_EQ(status(path, ""), scope == Scope::open ? 200 : 401) << path;
    EXPECT_EQ(status(path, "wrong"), scope == Scope::open ? 200 : 401) << path;
    const bool may = scope == Scope::open || scope == Scope::inference;
    EXPECT_EQ(status(path, kOther), may ? 200 : 403) << path;
  }
  EXPECT_EQ(RawClient::get(address, "/inference", "x-api-key: " + kOther + "\r\n")->body, "asks");
  const auto refused = RawClient::get(address, "/inference");
  EXPECT_EQ(refused->body, "{\"code\":\"invalid_api_key\"}");
  EXPECT_EQ(refused->header("www-authenticate"), "Bearer");
  EXPECT_EQ(status("/inference", "aaaaaaaaaaaaaaaa"), 200);
  const auto limited = RawClient::get(address, "/inference", "x-api-key: aaaaaaaaaaaaaaaa\r\n");
  EXPECT_EQ(limited->status, 429);
  EXPECT_THAT(limited->header("retry-after"), testing::AnyOf("59", "60"));
  EXPECT_EQ(limited->body, "{\"code\":\"rate_limit_exceeded\"}");
}

}  // namespace
}  // namespace sparrow::http
