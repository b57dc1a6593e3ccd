// What the engine makes of many requests, on any model: requests at once against one after another,
// a shared prefix, a repeated prompt, a long prompt beside a running stream, many short prompts.
//
//   build/engine_bench MODEL [--threads N] [batch] [prefix] [gap] [many]
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "sparrow/sparrow.h"

namespace sparrow {
namespace {

using Clock = std::chrono::steady_clock;
using Stream = std::shared_ptr<OutputStream>;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

SamplingParams greedy(int64_t max_tokens) {
  SamplingParams params;
  params.temperature = 0;
  params.max_tokens = max_tokens;
  params.ignore_eos = true;
  return params;
}

// Tokens that look like text to a model only in number.
std::vector<int32_t> prompt(const Engine& engine, int64_t count, int64_t salt) {
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t id = (i * i * 31 + i * 7 + salt * 131 + 3) % 50000;
    ids.push_back(static_cast<int32_t>(id % engine.info().vocabulary_size));
  }
  return ids;
}

int64_t read(const std::vector<Stream>& streams) {
  int64_t tokens = 0;
  for (const Stream& stream : streams) {
    while (const auto delta = stream->next()) tokens += static_cast<int64_t>(delta->tokens.size());
  }
  return tokens;
}

// Of what ran since `before`: how much of the steps was not the model.
std::string overhead_since(const EngineStats& before, const EngineStats& after) {
  const double steps = after.step_s - before.step_s;
  const double outside = steps - (after.forward_s - before.forward_s);
  return fmt::format("{:.2f} % of a step outside the model", 100 * outside / steps);
}

void batch(Engine& engine) {
  constexpr int64_t kRequests = 16, kTokens = 128;
  const auto submit = [&](int64_t i, int64_t round) {
    return engine.submit(
        {.prompt = prompt(engine, 32, i + 100 * round), .params = greedy(kTokens)});
  };
  read({submit(0, 9)});
  EngineStats before = engine.stats();
  Clock::time_point start = Clock::now();
  for (int64_t i = 0; i < kRequests; ++i) read({submit(i, 1)});
  const double one_by_one = seconds_since(start);
  const std::string overhead = overhead_since(before, engine.stats());
  before = engine.stats();
  start = Clock::now();
  std::vector<Stream> streams;
  for (int64_t i = 0; i < kRequests; ++i) streams.push_back(submit(i, 2));
  const int64_t tokens = read(streams);
  const double at_once = seconds_since(start);
  std::printf(
      "batch    16 requests of 128 tokens: one by one %.1f tokens/s (%s), at once %.1f (%s): "
      "%.2fx\n",
      static_cast<double>(tokens) / one_by_one, overhead.c_str(),
      static_cast<double>(tokens) / at_once, overhead_since(before, engine.stats()).c_str(),
      one_by_one / at_once);
}

void prefix(Engine& engine) {
  constexpr int64_t kPrefix = 4096;
  const auto first_token_s = [&](const std::vector<int32_t>& ids) {
    const Clock::time_point start = Clock::now();
    const Stream stream = engine.submit({.prompt = ids, .params = greedy(1)});
    read({stream});
    return seconds_since(start);
  };
  const std::vector<int32_t> alone = prompt(engine, kPrefix, 7);
  const double cold = first_token_s(alone);
  const double warm = first_token_s(alone);
  std::printf(
      "prefix   a prompt of 4,096 tokens answers after %.3f s, again after %.3f s: %.0fx sooner\n",
      cold, warm, cold / warm);
  const EngineStats before = engine.stats();
  std::vector<Stream> streams;
  for (int64_t i = 0; i < 8; ++i) {
    std::vector<int32_t> ids = prompt(engine, kPrefix, 8);
    for (const int32_t id : prompt(engine, 20, 50 + i)) ids.push_back(id);
    streams.push_back(engine.submit({.prompt = ids, .params = greedy(16)}));
  }
  int64_t most_used = 0;
  while (std::any_of(streams.begin(), streams.end(),
                     [](const Stream& stream) { return !stream->is_finished(); })) {
    const EngineStats now = engine.stats();
    most_used =
        std::max(most_used, now.block_count - now.free_block_count - now.cached_block_count);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  read(streams);
  const int64_t rows = engine.stats().computed_rows - before.computed_rows - 8 * 16;
  std::printf(
      "prefix   8 requests over one of 4,096: %lld rows of prompts computed, %.3f of one; %lld "
      "blocks of 32 at most\n",
      static_cast<long long>(rows), static_cast<double>(rows) / (kPrefix + 20),
      static_cast<long long>(most_used));
}

void gap(Engine& engine) {
  const auto gaps_of = [&](const std::function<void()>& meanwhile, int64_t tokens) {
    const Stream stream =
        engine.submit({.prompt = prompt(engine, 32, 200), .params = greedy(tokens)});
    std::vector<double> gaps;
    Clock::time_point last{};
    int64_t count = 0;
    while (const auto delta = stream->next()) {
      const Clock::time_point now = Clock::now();
      if (count > 0) gaps.push_back(std::chrono::duration<double>(now - last).count());
      last = now;
      count += static_cast<int64_t>(delta->tokens.size());
      if (count == 16 && meanwhile) meanwhile();
    }
    std::sort(gaps.begin(), gaps.end());
    return gaps;
  };
  gaps_of({}, 8);
  const std::vector<double> alone = gaps_of({}, 64);
  Stream other;
  const std::vector<double> beside = gaps_of(
      [&] { other = engine.submit({.prompt = prompt(engine, 4096, 300), .params = greedy(1)}); },
      256);
  other->cancel();
  read({other});
  const double step = alone[alone.size() / 2];
  std::printf(
      "gap      a stream's step %.1f ms; while 4,096 tokens are read its longest gap is %.1f ms: "
      "%.2f steps (median %.2f)\n",
      1e3 * step, 1e3 * beside.back(), beside.back() / step, beside[beside.size() / 2] / step);
}

void many(Engine& engine) {
  constexpr int64_t kRequests = 1000;
  const Clock::time_point start = Clock::now();
  std::vector<Stream> streams;
  for (int64_t i = 0; i < kRequests; ++i) {
    const std::string text =
        fmt::format("Question {}: what is {} plus {}? Answer:", i, i, i * 7 % 13);
    streams.push_back(engine.submit({.prompt = engine.encode(text), .params = greedy(32)}));
  }
  const int64_t tokens = read(streams);
  const double elapsed = seconds_since(start);
  std::printf("many     1,000 short prompts, 32 tokens each: %.1f s, %.0f tokens/s\n", elapsed,
              static_cast<double>(tokens) / elapsed);
}

}  // namespace
}  // namespace sparrow

int main(int argc, char** argv) {
  using namespace sparrow;  // NOLINT: a program of one file
  if (argc < 2) {
    std::fprintf(stderr, "usage: engine_bench MODEL [--threads N] [batch] [prefix] [gap] [many]\n");
    return 2;
  }
  EngineOptions options;
  std::vector<std::string> wanted;
  for (int i = 2; i < argc; ++i) {
    if (std::strcmp(argv[i], "--threads") == 0 && i + 1 < argc) {
      const char* number = argv[++i];
      std::from_chars(number, number + std::strlen(number), options.thread_count);
    } else {
      wanted.push_back(argv[i]);
    }
  }
  try {
    const std::shared_ptr<Engine> engine = Engine::load(argv[1], options);
    std::printf("%s, %lld tokens of cache\n", engine->info().name.c_str(),
                static_cast<long long>(engine->info().kv_cache_tokens));
    const std::pair<const char*, void (*)(Engine&)> tests[] = {
        {"batch", batch}, {"prefix", prefix}, {"gap", gap}, {"many", many}};
    for (const auto& [name, run] : tests) {
      if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end())
        continue;
      run(*engine);
      std::fflush(stdout);
    }
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "engine_bench: %s\n", error.what());
    return 1;
  }
}
