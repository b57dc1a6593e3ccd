// What choosing the next token of one request needs to know: the parameters as ids and numbers,
// and what the steps remember.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sparrow/sampling_params.h"

namespace sparrow {

// DRY's sequence breakers as ids. All sorted; of `sequences` by the first id.
struct DryBreakers {
  std::vector<int32_t> tokens;                  // each breaks by itself
  std::vector<std::vector<int32_t>> sequences;  // at least two ids each
};

// A value owned by its sequence; one thread.
struct SamplingState {
  SamplingParams params;  // validated
  uint64_t seed = 0;
  std::vector<int32_t> excluded;                // never sampled in this request
  std::vector<int32_t> held_back;               // not before min_tokens: what would end the answer
  std::vector<int32_t> allowed;                 // sorted: nothing else is sampled; empty: all
  std::vector<std::vector<int32_t>> bad_words;  // each at least one id
  DryBreakers dry_breakers;                     // empty unless dry_multiplier is above 0

  int64_t output_count = 0;       // tokens sampled so far
  double mirostat_mu = 0;         // surprise allowed, in bits; begins at 2 * tau
  double mirostat_log_total = 0;  // of the row as mirostat saw it
};

}  // namespace sparrow
