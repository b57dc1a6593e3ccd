// The other side of `sparrow bench --compare`: another program's own bench, run in alternation.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/cli/bench_tests.h"

namespace sparrow::cli {

struct OtherRate {
  BenchTest test;
  double tokens_per_second = 0;
};

struct OtherReport {
  std::vector<OtherRate> rates;
  double load_s = 0;       // 0: not told
  int64_t peak_bytes = 0;  // 0: not told
};

// What a bench printed on stdout; text around the JSON is passed over. It may be
//   our own --json, an object with `tests` of n_prompt, n_gen, depth, batch, tokens_per_second, and
//   perhaps load_seconds and peak_memory_bytes;
//   llama-bench's -o json, an array of n_prompt, n_gen, n_depth, avg_ts;
//   an object with prefill_tokens_per_second and decode_tokens_per_second, which then stand for the
//   first prompt and the first generation among `tests`, and perhaps load_ms and peak_rss_mb.
// Throws Error{invalid_argument} for anything else.
OtherReport parse_other_report(std::string_view output, const std::vector<BenchTest>& tests);

// Words as a shell would split them: spaces part, quotes of either kind hold together. No shell is
// started. Throws Error{invalid_argument} for a quote that does not end.
std::vector<std::string> split_command(std::string_view command);

// Runs the command once. Throws Error{invalid_argument} with the end of its output if it fails.
std::string run_command(const std::vector<std::string>& words);

}  // namespace sparrow::cli
