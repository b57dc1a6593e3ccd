#include "server/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "sparrow/error.h"

namespace sparrow {
namespace {

ServiceOptions options_of(const std::map<std::string, std::string>& variables) {
  ServiceOptions options;
  apply_environment(options, [&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  });
  return options;
}

TEST(Environment, ollamas_variables_set_the_servers_options) {
  const ServiceOptions options = options_of({{"OLLAMA_HOST", "0.0.0.0"},
                                             {"OLLAMA_KEEP_ALIVE", "10m"},
                                             {"OLLAMA_MAX_LOADED_MODELS", "2"},
                                             {"OLLAMA_MAX_QUEUE", "8"},
                                             {"OLLAMA_CONTEXT_LENGTH", "8192"},
                                             {"OLLAMA_KV_CACHE_TYPE", "q8_0"},
                                             {"OLLAMA_NUM_PARALLEL", "4"},
                                             {"OLLAMA_ORIGINS", "https://a.example, app://b"}});
  EXPECT_THAT(options.http.addresses, testing::ElementsAre("0.0.0.0:11434"));
  EXPECT_EQ(options.models.keep_alive, std::chrono::minutes(10));
  EXPECT_EQ(options.models.max_loaded, 2);
  EXPECT_EQ(options.max_requests, 8);
  EXPECT_EQ(options.models.engine.context_length, 8192);
  EXPECT_EQ(options.models.engine.kv_cache_type, "q8_0");
  EXPECT_EQ(options.models.engine.max_sequences, 4);
  EXPECT_THAT(options.http.access.origins, testing::IsSupersetOf({"https://a.example", "app://b"}));
}

TEST(Environment, sparrows_own_names_win_and_what_is_unset_changes_nothing) {
  EXPECT_EQ(options_of({{"OLLAMA_MAX_QUEUE", "8"}, {"SPARROW_MAX_QUEUE", "9"}}).max_requests, 9);
  EXPECT_EQ(options_of({}).max_requests, ServiceOptions().max_requests);
  EXPECT_EQ(options_of({{"OLLAMA_KEEP_ALIVE", "-1"}}).models.keep_alive, std::nullopt);
}

TEST(Environment, a_value_that_is_wrong_is_told_with_its_name) {
  try {
    options_of({{"OLLAMA_MAX_QUEUE", "many"}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "OLLAMA_MAX_QUEUE: must be a number in [1, 16777216], got 'many'");
  }
  EXPECT_THROW(options_of({{"SPARROW_KEEP_ALIVE", "soon"}}), Error);
}

TEST(Environment, a_host_is_read_as_ollama_reads_it) {
  const std::vector<std::pair<const char*, const char*>> rows = {
      {"", "127.0.0.1:11434"},
      {"1.2.3.4", "1.2.3.4:11434"},
      {"example.com:8080", "example.com:8080"},
      {":8080", "127.0.0.1:8080"},
      {"http://1.2.3.4", "1.2.3.4:80"},
      {"https://example.com/path", "example.com:443"},
      {"http://example.com:99/path", "example.com:99"},
      {"[::1]", "[::1]:11434"},
      {"[::1]:99", "[::1]:99"},
      {"::1", "[::1]:11434"},
      {"\" 1.2.3.4:99 \"", "1.2.3.4:99"},
      {"1.2.3.4:x", "1.2.3.4:11434"},
      {"1.2.3.4:66000", "1.2.3.4:11434"}};
  for (const auto& [host, address] : rows) EXPECT_EQ(listen_address(host), address) << host;
}

}  // namespace
}  // namespace sparrow
