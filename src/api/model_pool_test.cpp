#include "api/model_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "sparrow/error.h"
#include "tests/support/test_folder.h"
#include "tests/support/tiny_model.h"

namespace sparrow {
namespace {

using std::chrono::minutes;
using testing::ElementsAre;

class ModelPoolTest : public testing::Test {
 protected:
  ModelPoolTest() {
    const auto bytes = test_support::tiny_gguf(test_support::tiny_model("qwen2"));
    for (const char* name : {"a", "b", "c"})
      write_test_file(path(name), {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    options_.engine = {.kv_cache_bytes = 1 << 20, .thread_count = 1};
    options_.now = [this] { return std::chrono::steady_clock::time_point(now_.load()); };
    options_.load = [this](const std::string& model, const EngineOptions& options) {
      ++load_count_;
      return Engine::load(model, options);
    };
  }
  std::string path(const std::string& name) const { return folder_.file(name); }
  std::vector<std::string> names(const ModelPool& pool) const {
    std::vector<std::string> names;
    for (const LoadedModel& model : pool.list()) names.push_back(model.info.name);
    return names;
  }
  void pass(std::chrono::nanoseconds time) { now_ = now_.load() + time; }

  TestFolder folder_;
  ModelPoolOptions options_;
  std::atomic<int> load_count_ = 0;
  std::atomic<std::chrono::nanoseconds> now_ = std::chrono::nanoseconds(0);
};

TEST_F(ModelPoolTest, shares_a_model_and_loads_it_once_for_many_that_ask_together) {
  ModelPool pool(options_);
  std::vector<std::shared_ptr<Engine>> engines(4);
  std::vector<std::thread> threads;
  for (auto& engine : engines) threads.emplace_back([&] { engine = pool.acquire(path("a")); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(load_count_, 1);
  for (const auto& engine : engines) EXPECT_EQ(engine, engines[0]);
  EXPECT_TRUE(pool.list()[0].is_used);
}

TEST_F(ModelPoolTest, unloads_what_nobody_used_for_its_time_and_nothing_in_use) {
  ModelPool pool(options_);
  std::shared_ptr<Engine> used = pool.acquire(path("a"));
  pool.acquire(path("b"));
  pool.acquire(path("c"), std::optional<std::chrono::milliseconds>());
  pass(minutes(4));
  pool.unload_expired();
  EXPECT_THAT(names(pool), ElementsAre("c", "b", "a"));
  EXPECT_EQ(pool.list()[1].time_left, minutes(1));
  EXPECT_EQ(pool.list()[0].time_left, std::nullopt);
  pass(minutes(1));
  pool.unload_expired();
  EXPECT_THAT(names(pool), ElementsAre("c", "a"));
  used.reset();
  pass(minutes(5));
  pool.unload_expired();
  EXPECT_THAT(names(pool), ElementsAre("c"));
}

TEST_F(ModelPoolTest, loads_anew_what_it_was_told_to_forget) {
  ModelPool pool(options_);
  std::shared_ptr<Engine> former = pool.acquire(path("a"));
  pool.forget(path("a"));
  EXPECT_THAT(names(pool), ElementsAre());
  const std::shared_ptr<Engine> engine = pool.acquire(path("a"));
  EXPECT_NE(engine, former);
  EXPECT_THAT(names(pool), ElementsAre("a"));
  const std::weak_ptr<Engine> old = former;
  former.reset();
  pool.unload_expired();
  EXPECT_TRUE(old.expired());
  EXPECT_EQ(load_count_, 2);
}

TEST_F(ModelPoolTest, has_no_more_models_at_once_than_it_may) {
  options_.max_models = 2;
  ModelPool pool(options_);
  const std::shared_ptr<Engine> a = pool.acquire(path("a"));
  std::shared_ptr<Engine> b = pool.acquire(path("b"));
  EXPECT_THROW(pool.acquire(path("c")), Error);
  EXPECT_THAT(names(pool), ElementsAre("b", "a"));
  b.reset();
  pool.acquire(path("c"));
  EXPECT_THAT(names(pool), ElementsAre("c", "a"));
}

TEST_F(ModelPoolTest, unloads_the_longest_unused_where_the_budget_is_short) {
  const int64_t one = Engine::load(path("a"), options_.engine)->info().weight_bytes + (1 << 20);
  options_.memory_bytes = 2 * one + one / 2;
  ModelPool pool(options_);
  pool.acquire(path("a"));
  const std::shared_ptr<Engine> used = pool.acquire(path("b"));
  pool.acquire(path("a"));
  pool.acquire(path("c"));
  EXPECT_THAT(names(pool), ElementsAre("c", "b"));
  const std::shared_ptr<Engine> also_used = pool.acquire(path("c"));
  try {
    pool.acquire(path("a"));
    ADD_FAILURE() << "took more memory than there is";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
    EXPECT_THAT(error.what(), testing::HasSubstr("are held by others in use"));
  }
  EXPECT_THAT(names(pool), ElementsAre("c", "b"));
}

TEST_F(ModelPoolTest, makes_room_and_tries_again_where_the_machine_is_short_of_memory) {
  int refusals = 1;
  options_.load = [&](const std::string& model, const EngineOptions& options) {
    if (model == path("b") && refusals-- > 0) throw Error(ErrorCode::out_of_memory, "too little");
    return Engine::load(model, options);
  };
  ModelPool pool(options_);
  pool.acquire(path("a"));
  pool.acquire(path("b"));
  EXPECT_THAT(names(pool), ElementsAre("b"));
}

TEST_F(ModelPoolTest, a_load_that_fails_leaves_nothing_behind_and_the_next_tries_anew) {
  ModelPool pool(options_);
  EXPECT_THROW(pool.acquire(path("none.gguf")), Error);
  EXPECT_TRUE(pool.list().empty());
  EXPECT_FALSE(pool.unload(path("none.gguf")));
  EXPECT_NE(pool.acquire(path("a")), nullptr);
}

TEST_F(ModelPoolTest, unload_waits_for_the_last_user) {
  ModelPool pool(options_);
  std::shared_ptr<Engine> used = pool.acquire(path("a"));
  EXPECT_TRUE(pool.unload(path("a")));
  EXPECT_THAT(names(pool), ElementsAre("a"));
  used.reset();
  pool.unload_expired();
  EXPECT_TRUE(pool.list().empty());
}

}  // namespace
}  // namespace sparrow
