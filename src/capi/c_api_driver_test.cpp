// Runs the checks of c_api_test.c on a tiny model in a file, and some at once on several threads.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "sparrow/c_api.h"
#include "sparrow/version.h"
#include "tests/support/test_folder.h"
#include "tests/support/tiny_model.h"

extern "C" {
int c_api_generates(const char* path);
int c_api_names_what_is_wrong(const char* path);
int c_api_streams_outlive_their_engine(const char* path);
int c_api_scores_and_replays(const char* path);
int c_api_shares_models_of_a_pool(const char* path);
int c_api_resets_the_prefix_cache(const char* path);
}

namespace sparrow {
namespace {

class CApi : public testing::Test {
 protected:
  CApi() {
    const auto bytes = test_support::tiny_gguf(test_support::tiny_model("qwen2"));
    write_test_file(path_, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  TestFolder folder_;
  std::string path_ = folder_.file("tiny.gguf");
};

TEST_F(CApi, generates_and_tells_all_that_the_cpp_api_tells) {
  EXPECT_EQ(c_api_generates(path_.c_str()), 0) << "line of c_api_test.c";
}

TEST_F(CApi, wrong_arguments_are_a_status_and_a_message) {
  EXPECT_EQ(c_api_names_what_is_wrong(path_.c_str()), 0) << "line of c_api_test.c";
}

TEST_F(CApi, a_stream_outlives_its_engine) {
  EXPECT_EQ(c_api_streams_outlive_their_engine(path_.c_str()), 0) << "line of c_api_test.c";
}

TEST_F(CApi, scores_given_tokens_and_makes_answers_again) {
  EXPECT_EQ(c_api_scores_and_replays(path_.c_str()), 0) << "line of c_api_test.c";
}

TEST_F(CApi, shares_the_models_of_a_pool) {
  EXPECT_EQ(c_api_shares_models_of_a_pool(path_.c_str()), 0) << "line of c_api_test.c";
}

TEST_F(CApi, resets_the_prefix_cache) {
  EXPECT_EQ(c_api_resets_the_prefix_cache(path_.c_str()), 0) << "line of c_api_test.c";
}

TEST_F(CApi, several_threads_share_a_pool) {
  sparrow_pool* pool = nullptr;
  ASSERT_EQ(sparrow_pool_create(nullptr, &pool, nullptr), SPARROW_OK);
  std::vector<std::thread> threads;
  std::vector<size_t> counts(4, 0);
  for (size_t i = 0; i < counts.size(); ++i) {
    threads.emplace_back([&, i] {
      const int64_t at_once = 0;
      const std::string params = R"({"max_tokens": 10, "ignore_eos": true})";
      for (int round = 0; round < 5; ++round) {
        sparrow_engine_options options;
        sparrow_engine_options_init(&options, sizeof options);
        options.thread_count = 1;
        options.context_length = 100 + round % 2;
        sparrow_engine* engine = nullptr;
        EXPECT_EQ(sparrow_pool_acquire(pool, path_.data(), path_.size(), &options, &at_once,
                                       &engine, nullptr),
                  SPARROW_OK);
        const std::vector<int32_t> prompt(5 + i, static_cast<int32_t>(i));
        sparrow_generate(
            engine, prompt.data(), prompt.size(), params.data(), params.size(),
            [](const sparrow_delta* delta, void* user) {
              *static_cast<size_t*>(user) += delta->token_count;
              return true;
            },
            &counts[i], nullptr);
        sparrow_engine_free(engine);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const size_t count : counts) EXPECT_EQ(count, 50u);
  char* json = nullptr;
  ASSERT_EQ(sparrow_pool_list(pool, &json, nullptr), SPARROW_OK);
  EXPECT_STREQ(json, "[]");
  sparrow_free(json);
  sparrow_pool_free(pool);
}

TEST_F(CApi, has_the_version_of_the_headers) { EXPECT_STREQ(sparrow_version(), kVersion); }

TEST_F(CApi, one_engine_serves_several_threads) {
  sparrow_engine* engine = nullptr;
  sparrow_engine_options options;
  sparrow_engine_options_init(&options, sizeof options);
  options.thread_count = 1;
  ASSERT_EQ(sparrow_engine_load(path_.data(), path_.size(), &options, &engine, nullptr),
            SPARROW_OK);
  std::vector<std::thread> threads;
  std::vector<size_t> counts(4, 0);
  for (size_t i = 0; i < counts.size(); ++i) {
    threads.emplace_back([&, i] {
      const std::vector<int32_t> prompt(5 + i, static_cast<int32_t>(i));
      const std::string params = R"({"max_tokens": 20, "ignore_eos": true, "seed": 1})";
      for (int round = 0; round < 5; ++round) {
        sparrow_generate(
            engine, prompt.data(), prompt.size(), params.data(), params.size(),
            [](const sparrow_delta* delta, void* user) {
              *static_cast<size_t*>(user) += delta->token_count;
              return true;
            },
            &counts[i], nullptr);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const size_t count : counts) EXPECT_EQ(count, 100u);
  sparrow_engine_free(engine);
}

}  // namespace
}  // namespace sparrow
