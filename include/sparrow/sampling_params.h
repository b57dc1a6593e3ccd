// How the next token is chosen: one struct, and one table of its fields from which command-line
// flags, JSON fields, Python keywords, validation and docs are made.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sparrow/version.h"

namespace sparrow {

// A plain value. Defaults here are the general ones; a model file or the catalog may say better.
struct SamplingParams {
  double temperature = 0.8;     // 0: greedy
  int64_t top_k = 40;           // 0: off
  double top_p = 0.95;          // 1: off
  double min_p = 0.05;          // 0: off
  double typical_p = 1.0;       // 1: off
  double top_n_sigma = -1.0;    // below 0: off
  double repeat_penalty = 1.0;  // 1: off
  double presence_penalty = 0.0;
  double frequency_penalty = 0.0;
  int64_t penalty_window = 64;  // tokens looked back on; 0: off, -1: all
  bool penalize_prompt = true;  // by presence and frequency
  double dry_multiplier = 0.0;  // 0: off
  double dry_base = 1.75;
  int64_t dry_allowed_length = 2;
  int64_t dry_window = -1;  // -1: all
  std::vector<std::string> dry_sequence_breakers = {"\n", ":", "\"", "*"};
  double xtc_probability = 0.0;  // 0: off
  double xtc_threshold = 0.1;
  int64_t mirostat = 0;  // 0 off, 1, 2
  double mirostat_tau = 5.0;
  double mirostat_eta = 0.1;
  std::map<int32_t, double> logit_bias;
  std::vector<int32_t> allowed_token_ids;  // empty: all
  std::vector<std::string> bad_words;
  std::vector<std::string> stop;
  std::vector<int32_t> stop_token_ids;
  bool ignore_eos = false;
  int64_t min_tokens = 0;
  int64_t max_tokens = -1;       // -1: until the context is full
  std::optional<int64_t> seed;   // empty or -1: drawn at submit, and reported
  int64_t logprobs = -1;         // -1: none; 0: the chosen token's; n: also the n most likely
  int64_t prompt_logprobs = -1;  // the same of the prompt's tokens
};

// One row of the field table.
struct SamplingField {
  std::string_view name;  // in JSON, Python, C and (with '-' for '_') as a flag
  std::variant<double SamplingParams::*, int64_t SamplingParams::*, bool SamplingParams::*,
               std::optional<int64_t> SamplingParams::*, std::vector<std::string> SamplingParams::*,
               std::vector<int32_t> SamplingParams::*, std::map<int32_t, double> SamplingParams::*>
      member;
  // Of a number, inclusive unless minimum_open; of each number or bias in a list; of the bytes of
  // each text in a list.
  double minimum;
  double maximum;
  bool minimum_open;
  int64_t maximum_count;   // of a list; 1 for everything else
  std::string_view range;  // for messages: "in (0, 1]"
  std::string_view doc;    // one sentence
};

// In the order of the struct.
SPARROW_API std::span<const SamplingField> sampling_fields();
// Null if there is no such field.
SPARROW_API const SamplingField* find_sampling_field(std::string_view name);

// Throws Error{invalid_argument}: "top_p must be in (0, 1], got 1.7". Also refuses fields that
// contradict each other.
SPARROW_API void validate(const SamplingParams& params);

// Sets one field from text, as a flag or `/set parameter` gives it, and checks its range. A number
// takes one value, a bool one or none (true), a list any number: they replace what was there, and
// none, or one that is empty, means the empty list. logit_bias takes ID=BIAS; "random" clears the
// seed. Throws Error{invalid_argument} and leaves `params` as it was.
SPARROW_API void set_sampling_field(SamplingParams& params, std::string_view name,
                                    std::span<const std::string> values);

// The field's value as text: "0.7", "true", "random", "["\\n", ":"]", "[1, 2]", "[15=-2.5]".
SPARROW_API std::string sampling_field_text(const SamplingParams& params,
                                            const SamplingField& field);

}  // namespace sparrow
