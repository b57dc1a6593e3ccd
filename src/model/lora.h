// LoRA adapters (Hu et al. 2021): pairs of thin matrices that change a base model for the sequences
// that ask for it, y = W x + scale * alpha / rank * B (A x). Read from the GGUF files of
// llama.cpp's convert_lora_to_gguf.py.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "gguf/gguf_file.h"
#include "model/model.h"

namespace sparrow {

// Loaded once, immutable; for the model it was loaded for.
class LoraAdapter {
 public:
  explicit LoraAdapter(std::vector<std::unique_ptr<LowRank>> matrices)
      : matrices_(std::move(matrices)) {}

  // In the order of Model::matrices(); null: nothing is added there.
  std::span<const std::unique_ptr<LowRank>> matrices() const { return matrices_; }
  // Bytes its matrices take in memory.
  int64_t size_bytes() const;

 private:
  std::vector<std::unique_ptr<LowRank>> matrices_;
};

// `backend` is the model's and outlives the adapter; `file` is not read afterwards. May run while
// the model steps; nothing else may load on the backend at the same time. The file has
//   general.type "adapter", adapter.type "lora", general.architecture of the model,
//   adapter.lora.alpha; 0 stands for the rank, as in llama.cpp,
//   for some of Model::matrices(), W of {in, out}, the tensors W.lora_a of {in, rank} and
//   W.lora_b of {rank, out} in any format that can be read.
// Throws Error{invalid_file} with the key or the tensor, what it is and what is right,
// Error{unsupported} for adapters of token embeddings and experts, and for those that wait for
// tokens that invoke them, or Error{out_of_memory} where it needs more than `available_bytes`.
std::shared_ptr<const LoraAdapter> load_lora(
    const GgufFile& file, const Model& model, Backend& backend,
    int64_t available_bytes = std::numeric_limits<int64_t>::max());

}  // namespace sparrow
