// Two-layer random models of every architecture as GGUF files in memory: small enough to run in
// milliseconds, complete enough (weights, vocabulary, template) to go through the whole program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/gguf_file.h"
#include "gguf/writer.h"

namespace sparrow::test_support {

// Ids of the tiny vocabulary: 0 to 255 are the bytes in GPT-2's order ('!' is 0), then a few merged
// tokens ("he", "in", "Ġt", "Ġthe"), then the control tokens.
inline constexpr int32_t kTinyEndOfText = 260;
inline constexpr int32_t kTinyImStart = 261;
inline constexpr int32_t kTinyImEnd = 262;
inline constexpr int64_t kTinyVocabulary = 263;

struct TinyModel {
  std::string architecture = "qwen2";  // llama, qwen2, qwen3, qwen3moe
  int64_t layer_count = 2;
  int64_t hidden_size = 64;
  int64_t head_count = 4;
  int64_t kv_head_count = 2;
  int64_t head_size = 16;
  int64_t ffn_size = 96;
  int64_t expert_count = 0;
  int64_t expert_used_count = 0;
  int64_t expert_ffn_size = 0;
  int64_t context_length = 512;
  float rms_norm_epsilon = 1e-5f;
  float rope_base = 10000;
  bool is_tied = true;
  bool has_attention_bias = false;  // qwen2 always has one on q, k and v
  std::string rope_scaling;         // "", "linear", "yarn"
  float rope_scaling_factor = 1;
  int64_t rope_original_context = 0;
  std::vector<float> rope_divisors;  // llama3 scaling
};

// The defaults for an architecture: qwen3's heads are wider than hidden / heads, qwen3moe has 8
// experts of which 2 are used.
TinyModel tiny_model(std::string_view architecture);

// Every tensor the architecture wants, by GGUF name, with its shape.
std::map<std::string, Shape> tiny_tensors(const TinyModel& model);

// The weights of one tensor: a pure function of its name, so that a reference implementation can
// make the same numbers (scripts/make_goldens_model.py).
std::vector<float> tiny_weights(const std::string& name, int64_t count);

// A model without a vocabulary: what src/model needs and nothing more, a few kilobytes at the sizes
// of `smallest_model`.
std::vector<std::byte> tiny_network(const TinyModel& model);
TinyModel smallest_model(std::string_view architecture);

// Metadata and vocabulary without tensors, for tests that want other weights.
GgufWriter tiny_writer(const TinyModel& model);

// The whole file. The bytes must outlive what is parsed from them.
std::vector<std::byte> tiny_gguf(const TinyModel& model);

// A model that says the same whatever it is asked: these pieces, a token each, and then the end of
// its answer. No sampling changes that, for whatever else could come is e^-64 as likely. At most 62
// pieces, each another; spaces and line feeds are all that may stand in them beside printable
// ASCII. `unused_count`: further tokens of the vocabulary.
std::vector<std::byte> scripted_gguf(const std::vector<std::string>& pieces,
                                     int64_t unused_count = 0);

}  // namespace sparrow::test_support
