#include "sparrow/model_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "api/model_pool_access.h"
#include "sparrow/error.h"
#include "tests/support/test_folder.h"
#include "tests/support/tiny_lora.h"
#include "tests/support/tiny_model.h"

namespace sparrow {
namespace {

using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;

class ModelPoolTest : public testing::Test {
 protected:
  ModelPoolTest() {
    const auto bytes = test_support::tiny_gguf(test_support::tiny_model("qwen2"));
    for (const char* name : {"a", "b", "c"})
      write_test_file(path(name), {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    options_.engine = {.kv_cache_bytes = kCacheBytes, .thread_count = 1};
    hooks_.now = [this] { return std::chrono::steady_clock::time_point(now_.load()); };
    hooks_.load = [this](OpenedModel model, const EngineOptions& options,
                         const MemoryLimits& limits) {
      ++load_count_;
      return load_engine(std::move(model), options, limits);
    };
  }
  std::unique_ptr<ModelPool> make_pool() const { return ModelPoolAccess::make(options_, hooks_); }
  std::string path(const std::string& name) const { return folder_.file(name); }
  std::vector<std::string> names(const std::unique_ptr<ModelPool>& pool) const {
    std::vector<std::string> names;
    for (const LoadedModel& model : pool->list()) names.push_back(model.info.name);
    return names;
  }
  void pass(std::chrono::nanoseconds time) { now_ = now_.load() + time; }

  TestFolder folder_;
  // More than what a plan keeps free beside weights and cache.
  static constexpr int64_t kCacheBytes = int64_t{200} << 20;

  ModelPoolOptions options_;
  ModelPoolHooks hooks_;
  std::atomic<int> load_count_ = 0;
  std::atomic<std::chrono::nanoseconds> now_ = std::chrono::nanoseconds(0);
};

TEST_F(ModelPoolTest, shares_a_model_and_loads_it_once_for_many_that_ask_together) {
  const std::unique_ptr<ModelPool> pool = make_pool();
  std::vector<std::shared_ptr<Engine>> engines(4);
  std::vector<std::thread> threads;
  for (auto& engine : engines) threads.emplace_back([&] { engine = pool->acquire(path("a")); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(load_count_, 1);
  for (const auto& engine : engines) EXPECT_EQ(engine, engines[0]);
  EXPECT_TRUE(pool->list()[0].is_used);
}

TEST_F(ModelPoolTest, unloads_what_nobody_used_for_its_time_and_nothing_in_use) {
  const std::unique_ptr<ModelPool> pool = make_pool();
  std::shared_ptr<Engine> used = pool->acquire(path("a"));
  pool->acquire(path("b"));
  pool->acquire(path("c"), {.keep_alive = KeepAlive()});
  pass(minutes(4));
  pool->unload_expired();
  EXPECT_THAT(names(pool), ElementsAre("c", "b", "a"));
  EXPECT_EQ(pool->list()[1].time_left, minutes(1));
  EXPECT_EQ(pool->list()[0].time_left, std::nullopt);
  pass(minutes(1));
  pool->unload_expired();
  EXPECT_THAT(names(pool), ElementsAre("c", "a"));
  used.reset();
  pass(minutes(5));
  pool->unload_expired();
  EXPECT_THAT(names(pool), ElementsAre("c"));
}

TEST_F(ModelPoolTest, loads_anew_what_it_was_told_to_forget) {
  const std::unique_ptr<ModelPool> pool = make_pool();
  std::shared_ptr<Engine> former = pool->acquire(path("a"));
  pool->forget(path("a"));
  EXPECT_THAT(names(pool), ElementsAre());
  const std::shared_ptr<Engine> engine = pool->acquire(path("a"));
  EXPECT_NE(engine, former);
  EXPECT_THAT(names(pool), ElementsAre("a"));
  const std::weak_ptr<Engine> old = former;
  former.reset();
  pool->unload_expired();
  EXPECT_TRUE(old.expired());
  EXPECT_EQ(load_count_, 2);
}

TEST_F(ModelPoolTest, has_no_more_models_at_once_than_it_may) {
  options_.max_models = 2;
  const std::unique_ptr<ModelPool> pool = make_pool();
  const std::shared_ptr<Engine> a = pool->acquire(path("a"));
  std::shared_ptr<Engine> b = pool->acquire(path("b"));
  EXPECT_THROW(pool->acquire(path("c")), Error);
  EXPECT_THAT(names(pool), ElementsAre("b", "a"));
  b.reset();
  pool->acquire(path("c"));
  EXPECT_THAT(names(pool), ElementsAre("c", "a"));
}

TEST_F(ModelPoolTest, unloads_the_longest_unused_where_the_budget_is_short) {
  options_.memory_bytes = kCacheBytes * 5 / 2;
  const std::unique_ptr<ModelPool> pool = make_pool();
  pool->acquire(path("a"));
  const std::shared_ptr<Engine> used = pool->acquire(path("b"));
  pool->acquire(path("a"));
  pool->acquire(path("c"));
  EXPECT_THAT(names(pool), ElementsAre("c", "b"));
  const std::shared_ptr<Engine> also_used = pool->acquire(path("c"));
  try {
    pool->acquire(path("a"));
    ADD_FAILURE() << "took more memory than there is";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
    EXPECT_THAT(error.what(), HasSubstr("a KV cache of 200.0 MiB was asked for"));
    EXPECT_THAT(error.what(), testing::ContainsRegex("; in use are c \\(2..\\.. MiB\\), b \\(2"));
  }
  EXPECT_THAT(names(pool), ElementsAre("c", "b"));
}

TEST_F(ModelPoolTest, makes_room_and_tries_again_where_the_machine_is_short_of_memory) {
  int refusals = 1;
  hooks_.load = [&](OpenedModel model, const EngineOptions& options, const MemoryLimits& limits) {
    if (model.name() == "b" && refusals-- > 0) throw Error(ErrorCode::out_of_memory, "too little");
    return load_engine(std::move(model), options, limits);
  };
  const std::unique_ptr<ModelPool> pool = make_pool();
  pool->acquire(path("a"));
  pool->acquire(path("b"));
  EXPECT_THAT(names(pool), ElementsAre("b"));
}

TEST_F(ModelPoolTest, a_load_that_fails_leaves_nothing_behind_and_the_next_tries_anew) {
  const std::unique_ptr<ModelPool> pool = make_pool();
  EXPECT_THROW(pool->acquire(path("none.gguf")), Error);
  EXPECT_TRUE(pool->list().empty());
  EXPECT_FALSE(pool->unload(path("none.gguf")));
  EXPECT_NE(pool->acquire(path("a")), nullptr);
}

TEST_F(ModelPoolTest, unload_waits_for_the_last_user) {
  const std::unique_ptr<ModelPool> pool = make_pool();
  std::shared_ptr<Engine> used = pool->acquire(path("a"));
  EXPECT_TRUE(pool->unload(path("a")));
  EXPECT_THAT(names(pool), ElementsAre("a"));
  used.reset();
  pool->unload_expired();
  EXPECT_TRUE(pool->list().empty());
}

TEST_F(ModelPoolTest, a_model_with_other_options_is_another_one) {
  const std::unique_ptr<ModelPool> pool = make_pool();
  const std::shared_ptr<Engine> a = pool->acquire(path("a"));
  EngineOptions options = options_.engine;
  options.may_pull = false;
  options.on_progress = [](const LoadProgress&) { return true; };
  EXPECT_EQ(pool->acquire(path("a"), {.engine = options}), a);
  options.context_length = 100;
  const std::shared_ptr<Engine> other = pool->acquire(path("a"), {.engine = options});
  EXPECT_NE(other, a);
  EXPECT_EQ(other->info().context_length, 100);
  EXPECT_EQ(pool->acquire(path("a"), {.engine = options}), other);
  EXPECT_THAT(names(pool), ElementsAre("a", "a"));
  EXPECT_EQ(load_count_, 2);
  EXPECT_TRUE(pool->unload(path("a")));
}

TEST_F(ModelPoolTest, knows_a_file_by_any_path_and_one_that_was_written_anew_is_another) {
  const std::unique_ptr<ModelPool> pool = make_pool();
  const std::shared_ptr<Engine> a = pool->acquire(path("a"));
  const std::string detour =
      folder_.path() + "/./" + std::filesystem::path(path("a")).filename().string();
  EXPECT_EQ(pool->acquire(detour), a);
  const auto time = std::filesystem::last_write_time(path("a"));
  std::filesystem::last_write_time(path("a"), time + std::chrono::seconds(1));
  EXPECT_NE(pool->acquire(path("a")), a);
  EXPECT_TRUE(pool->unload(detour));
}

TEST_F(ModelPoolTest, tells_the_one_who_loads_how_far_it_is_and_lets_the_next_try) {
  const std::unique_ptr<ModelPool> pool = make_pool();
  EngineOptions stopping = options_.engine;
  stopping.on_progress = [](const LoadProgress&) { return false; };
  try {
    pool->acquire(path("a"), {.engine = stopping});
    ADD_FAILURE() << "was not stopped";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
  EXPECT_TRUE(pool->list().empty());
  EXPECT_NE(pool->acquire(path("a")), nullptr);
}

TEST_F(ModelPoolTest, plans_each_model_within_what_the_others_leave) {
  options_.engine.kv_cache_bytes = 0;
  options_.memory_bytes = int64_t{256} << 20;
  const std::unique_ptr<ModelPool> pool = make_pool();
  const std::shared_ptr<Engine> a = pool->acquire(path("a"));
  const std::shared_ptr<Engine> b = pool->acquire(path("b"));
  EXPECT_EQ(a->info().available_bytes, options_.memory_bytes);
  EXPECT_EQ(b->info().available_bytes, options_.memory_bytes - pool->list()[1].bytes);
  EXPECT_EQ(pool->list()[1].bytes,
            a->info().weight_bytes + a->info().kv_cache_bytes + a->info().workspace_bytes);
}

TEST_F(ModelPoolTest, an_idle_model_gives_way_before_a_context_is_cut) {
  options_.memory_bytes = kCacheBytes + (kCacheBytes / 2);
  hooks_.load = [&](OpenedModel model, const EngineOptions& options, const MemoryLimits& limits) {
    if (model.name() == "b" && !limits.may_reduce_context)
      throw Error(ErrorCode::out_of_memory, "the whole context does not fit");
    return load_engine(std::move(model), options, limits);
  };
  const std::unique_ptr<ModelPool> pool = make_pool();
  pool->acquire(path("a"));
  pool->acquire(path("b"));
  EXPECT_THAT(names(pool), ElementsAre("b"));
}

TEST_F(ModelPoolTest, adapters_count_and_one_that_does_not_fit_is_refused) {
  const auto adapter = test_support::tiny_lora_gguf(test_support::tiny_model("qwen2"), {});
  const std::string file = folder_.file("adapter");
  write_test_file(file, {reinterpret_cast<const char*>(adapter.data()), adapter.size()});
  const std::shared_ptr<Engine> plain = make_pool()->acquire(path("a"));
  const EngineInfo info = plain->info();
  plain->load_adapter("x", file);
  const int64_t one = plain->stats().adapter_bytes;
  constexpr int64_t kSpare = int64_t{64} << 20;
  options_.engine.kv_cache_bytes = kSpare * 2;
  options_.memory_bytes = 2 * (info.weight_bytes + info.workspace_bytes + kSpare * 2) + kSpare;
  const std::unique_ptr<ModelPool> pool = make_pool();
  const std::shared_ptr<Engine> a = pool->acquire(path("a"));
  const std::shared_ptr<Engine> b = pool->acquire(path("b"));
  const int64_t before = pool->list()[1].bytes;
  a->load_adapter("x", file);
  EXPECT_EQ(pool->list()[1].bytes, before + one);
  int64_t left = options_.memory_bytes - pool->list()[0].bytes - pool->list()[1].bytes;
  int count = 0;
  try {
    for (; left >= 0; left -= one) b->load_adapter(std::to_string(count++), file);
    ADD_FAILURE() << "took more memory than there is";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
    EXPECT_THAT(error.what(), HasSubstr("the adapter needs"));
    EXPECT_LT(left, one);
  }
}

TEST_F(ModelPoolTest, many_threads_share_load_and_let_go) {
  options_.keep_alive = std::chrono::milliseconds(0);
  options_.memory_bytes = kCacheBytes * 5 / 2;
  const std::unique_ptr<ModelPool> pool = make_pool();
  std::vector<std::thread> threads;
  std::atomic<int> refused_count = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 6; ++round) {
        try {
          const char* names[] = {"a", "b", "c"};
          const auto engine = pool->acquire(path(names[(i + round) % 3]));
          EXPECT_GT(engine->encode("hello").size(), 0u);
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ErrorCode::out_of_memory) << error.what();
          ++refused_count;
        }
        pool->unload_expired();
        for (const LoadedModel& model : pool->list()) EXPECT_GT(model.bytes, 0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  pool->unload_expired();
  EXPECT_TRUE(pool->list().empty());
  EXPECT_LT(refused_count, 24);
}

}  // namespace
}  // namespace sparrow
