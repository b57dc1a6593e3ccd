// What every architecture shares: a network (weights and the order of operations) becomes a Model.
//
// A network is a class with
//   static constexpr RopeStyle kRopeStyle;
//   Network(const ModelConfig&, WeightLoader&);
//   void forward(const Step& step) const;  // finds step.rope_table filled, and fills step.logits
//                                          // and step.final_hidden
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "gguf/gguf_file.h"
#include "model/model.h"
#include "model/rope_scaling.h"
#include "model/step.h"
#include "model/weight_loader.h"

namespace sparrow {

template <typename Network>
class NetworkModel final : public Model {
 public:
  NetworkModel(const ModelConfig& config, WeightLoader& weights)
      : config_(config),
        backend_(weights.backend()),
        file_(weights.file()),
        network_(config_, weights),
        rope_(weights.rope()),
        matrices_(weights.matrices().begin(), weights.matrices().end()),
        weight_bytes_(weights.weight_bytes()) {}

  const ModelConfig& config() const override { return config_; }
  std::span<const MatrixInfo> matrices() const override { return matrices_; }
  int64_t weight_bytes() const override { return weight_bytes_; }
  std::shared_ptr<const Rope> make_rope(const RopeScaling& scaling) const override {
    const ModelConfig scaled = with_rope_scaling(config_, scaling);
    return std::make_shared<const Rope>(sparrow::make_rope(scaled, {}));
  }

  std::unique_ptr<Workspace> make_workspace(const WorkspaceLimits& limits) const override {
    return std::make_unique<StepWorkspace>(config_, limits, backend_);
  }

  std::unique_ptr<KvMemory> make_kv_memory(KvType type, int64_t block_count,
                                           int64_t block_tokens) const override {
    const KvShape shape = {config_.layer_count, config_.kv_head_count, config_.head_size};
    return backend_.make_kv_memory(shape, type, block_count, block_tokens);
  }

  StepOutput forward(const Batch& batch, KvMemory& kv, Workspace& workspace) const override {
    const RopeParameters rope = rope_parameters(Network::kRopeStyle, config_, rope_);
    const Step step =
        make_step(config_, batch, kv, static_cast<StepWorkspace&>(workspace), backend_, rope);
    backend_.begin_step();
    compute_rope_table(step);
    network_.forward(step);
    backend_.end_step();
    return {.logits = {backend_.read(step.logits), config_.vocabulary_size},
            .hidden = {backend_.read(step.final_hidden), config_.hidden_size}};
  }

 private:
  const ModelConfig config_;
  Backend& backend_;
  std::shared_ptr<const GgufFile> file_;  // the weights are views into it
  Network network_;
  Rope rope_;
  std::vector<MatrixInfo> matrices_;
  int64_t weight_bytes_;
};

}  // namespace sparrow
