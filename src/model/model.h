// A network of one architecture: configuration, weights, and the forward pass from a Batch to
// logits and hidden states.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "backend/backend.h"
#include "model/batch.h"
#include "sparrow/generation.h"

namespace sparrow {

class GgufFile;

// In tokens; a file or an option that says more is refused.
constexpr int64_t kMaxContextLength = int64_t{1} << 24;

// The validated hyperparameters: ranges, divisibility and products are checked before anything is
// allocated.
struct ModelConfig {
  std::string architecture;  // GGUF's general.architecture
  int64_t layer_count = 0;
  int64_t hidden_size = 0;
  int64_t head_count = 0;
  int64_t kv_head_count = 0;
  int64_t head_size = 0;  // of q and k
  int64_t ffn_size = 0;
  int64_t vocabulary_size = 0;
  int64_t context_length = 0;
  int64_t expert_count = 0;  // 0: dense
  int64_t expert_used_count = 0;
  int64_t expert_ffn_size = 0;
  float rms_norm_epsilon = 0;
  float rope_base = 0;
  int64_t rope_size = 0;  // rotated channels of a head
  RopeScaling rope_scaling;
  bool has_rope_divisors = false;  // llama3: the file has its frequencies' divisors as a tensor

  int64_t q_size() const { return head_count * head_size; }
  int64_t kv_size() const { return kv_head_count * head_size; }
};

// The logits of Batch::logit_rows, in that order.
struct Logits {
  std::span<float> values;  // [rows, vocabulary_size]
  int64_t vocabulary_size = 0;
  std::span<float> row(int64_t index) const {
    return values.subspan(static_cast<size_t>(index * vocabulary_size),
                          static_cast<size_t>(vocabulary_size));
  }
};

// The final hidden states of Batch::hidden_rows, in that order: what the last norm gives and the
// last matrix multiplies.
struct HiddenStates {
  std::span<const float> values;  // [rows, hidden_size]
  int64_t hidden_size = 0;
  std::span<const float> row(int64_t index) const {
    return values.subspan(static_cast<size_t>(index * hidden_size),
                          static_cast<size_t>(hidden_size));
  }
};

// Valid until the next forward on the same workspace.
struct StepOutput {
  Logits logits;
  HiddenStates hidden;
};

struct WorkspaceLimits {
  int64_t max_rows = 512;  // tokens a step
  int64_t max_logit_rows = 512;
  int64_t max_hidden_rows = 0;
  int64_t max_positions = 0;  // longest context a sequence may reach
};

// A matrix that adapters may add to (lora.h).
struct MatrixInfo {
  std::string name;  // in the file: "blk.3.attn_q.weight"
  int64_t in = 0;
  int64_t out = 0;
};

// Scratch memory of one stepping thread, sized once. Holds no state between steps.
class Workspace {
 public:
  virtual ~Workspace() = default;
};

// Loaded once, immutable; one thread at a time per (workspace, cache) pair.
class Model {
 public:
  virtual ~Model() = default;
  virtual const ModelConfig& config() const = 0;
  virtual std::unique_ptr<Workspace> make_workspace(const WorkspaceLimits& limits) const = 0;
  virtual std::unique_ptr<KvMemory> make_kv_memory(KvType type, int64_t block_count,
                                                   int64_t block_tokens) const = 0;
  // Writes K and V of every row into `kv`, returns what the batch wants. Cannot fail: the batch is
  // the engine's.
  virtual StepOutput forward(const Batch& batch, KvMemory& kv, Workspace& workspace) const = 0;
  // All matrices of layers but those of experts, and the last one ("output.weight", also where it
  // is the token embeddings once more). Always the same order.
  virtual std::span<const MatrixInfo> matrices() const = 0;
  // Bytes the weights take in memory.
  virtual int64_t weight_bytes() const = 0;
  // For sequences of a batch that are to be read with another scaling than the model's. Throws
  // Error{invalid_argument} for values outside their ranges.
  virtual std::shared_ptr<const Rope> make_rope(const RopeScaling& scaling) const = 0;
};

// Reads and checks only the hyperparameters; `inspect` and memory planning use it before weights
// are touched. Throws Error{invalid_file} with the key, its value and its range, or
// Error{unsupported} for an architecture that no row of registry.cpp has.
ModelConfig read_model_config(const GgufFile& file);

// "qwen3, qwen3moe, …": for messages.
std::string architecture_names();

// Bytes of one position's keys and values in all layers: memory planning before anything is
// allocated.
int64_t kv_bytes_per_token(const ModelConfig& config, KvType type);

// Bytes that make_workspace(limits) will allocate.
int64_t workspace_bytes(const ModelConfig& config, const WorkspaceLimits& limits);

struct ModelOptions {
  std::optional<RopeScaling> rope_scaling;  // in place of the file's
  std::function<void(double)>
      on_progress;  // share of the weights that is loaded, 0 to 1; may be empty
};

// Throws Error{invalid_file|unsupported|out_of_memory}. `backend` outlives the model.
std::unique_ptr<Model> load_model(std::shared_ptr<const GgufFile> file, Backend& backend,
                                  const ModelOptions& options = {});

}  // namespace sparrow
