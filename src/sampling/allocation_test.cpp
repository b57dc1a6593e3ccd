// That a token costs no allocation: this program counts its calls of operator new.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "sampling/sampler.h"

namespace {
std::atomic<int64_t> allocation_count = 0;
}

// Inlined, they look to GCC 12 like a mismatch of new and free.
[[gnu::noinline]] void* operator new(size_t size) {
  ++allocation_count;
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t&) noexcept {
  ++allocation_count;
  return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace sparrow {
namespace {

TEST(Sampler, allocates_nothing_a_token_once_warm) {
  constexpr size_t kVocabulary = 5000;
  std::vector<SamplingParams> all(6);
  all[1].temperature = 0;
  all[2].top_k = 0;
  all[2].logprobs = 20;
  all[3].typical_p = 0.9;
  all[3].top_k = 0;
  all[3].top_n_sigma = 2;
  all[3].xtc_probability = 1;
  all[4].repeat_penalty = 1.1;
  all[4].penalty_window = -1;
  all[4].dry_multiplier = 1;
  all[4].logit_bias = {{3, 1}};
  all[5].mirostat = 1;
  std::vector<float> row(kVocabulary);
  std::vector<int32_t> tokens(400);
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<int32_t>(i % 7);
  for (const SamplingParams& params : all) {
    SamplingState state;
    state.params = params;
    state.mirostat_mu = 2 * params.mirostat_tau;
    Sampler sampler(kVocabulary);
    int64_t before = 0;
    for (int token = 0; token < 60; ++token) {
      for (size_t i = 0; i < kVocabulary; ++i) row[i] = static_cast<float>(i * i * 31 % 997) / 60;
      if (token == 20) before = allocation_count;
      ASSERT_GE(sampler.sample(row, tokens, state).id, 0);
    }
    EXPECT_EQ(allocation_count - before, 0);
  }
}

}  // namespace
}  // namespace sparrow
