// The CPU: a kernel table and a thread team. It decides who computes what; the kernels compute.
#pragma once

#include <vector>

#include "backend/backend.h"
#include "backend/cpu/weight_arena.h"
#include "base/thread_team.h"
#include "kernels/kernel_table.h"

namespace sparrow {

class AttentionPlan;
class CpuKvMemory;
class CpuWeight;
struct LowRankProducts;

// The input of products with packed weights, in each form that they take.
struct PackedInput {
  kernels::FloatRows values;
  kernels::QuantizedRows quantized;  // where a weight takes it so
  kernels::Bf16Rows bf16;            // likewise
};

class CpuBackend final : public Backend {
 public:
  // `are_activations_quantized`: where a weight's format is one of blocks. Weights are then packed;
  // otherwise they stay as the file has them, the reference.
  CpuBackend(const kernels::KernelTable& kernels, int thread_count, bool are_activations_quantized);

  Arithmetic arithmetic() const override { return {kernels_.isa, are_activations_quantized_}; }

  std::unique_ptr<Buffer> make_buffer(int64_t size_bytes, std::string_view purpose) override;
  std::unique_ptr<KvMemory> make_kv_memory(const KvShape& shape, KvType type, int64_t block_count,
                                           int64_t block_tokens) override;
  std::unique_ptr<ExpertRouting> make_routing(int64_t max_rows, int64_t expert_count,
                                              int64_t used_count) override;
  std::unique_ptr<Weight> load_weight(const Tensor& tensor) override;
  std::unique_ptr<LowRank> load_low_rank(const Tensor& a, const Tensor& b, float factor) override;
  int64_t low_rank_bytes(const Tensor& a, const Tensor& b) const override;

  MachineLimits measure_limits() override;

  void begin_step() override {}
  void end_step() override {}
  std::span<float> read(const Activations& x) override;

  void embed(const Activations& out, const Weight& table, std::span<const int32_t> ids) override;
  void rms_norm(const Activations& out, const Activations& x, const Weight& weight,
                float epsilon) override;
  void matmul(const Activations& out, const Activations& x, const Weight& weight) override;
  void add_bias(const Activations& x, const Weight& bias) override;
  void add_low_rank(const LinearPart& part, const Activations& x) override;
  void add(const Activations& out, const Activations& x) override;
  void rope_table(const Activations& out, std::span<const int32_t> positions,
                  const RopeParameters& rope) override;
  void rope(const Activations& x, const Activations& table, const RopeParameters& rope) override;
  void store_kv(KvMemory& kv, int64_t layer, const Activations& k, const Activations& v,
                std::span<const BatchSequence> sequences) override;
  void attention(const Activations& out, const Activations& q, const KvMemory& kv, int64_t layer,
                 std::span<const BatchSequence> sequences) override;
  void silu_mul(const Activations& out, const Activations& gate, const Activations& up) override;
  void gather_rows(const Activations& out, const Activations& x,
                   std::span<const int64_t> rows) override;
  void route_experts(ExpertRouting& routing, const Activations& logits) override;
  void expert_matmul(const Activations& out, const Activations& x, const Weight& weight,
                     const ExpertRouting& routing) override;
  void combine_experts(const Activations& out, const Activations& x,
                       const ExpertRouting& routing) override;

  void linears(std::span<const LinearPart> parts, const Activations& x) override;
  void gated_linear(const LinearPart& gate, const LinearPart& up, const Activations& x) override;

 private:
  bool are_packed(std::span<const LinearPart> parts) const;
  PackedInput packed_input(const Activations& x, std::span<const LinearPart> parts);
  // Empty, for nothing, where no part has adapters.
  LowRankProducts low_rank_products(std::span<const LinearPart> parts, const Activations& x);
  void packed_expert_matmul(const Activations& out, const Activations& x, const CpuWeight& weight,
                            const ExpertRouting& routing);
  void attend_in_ranges(const AttentionPlan& plan, std::vector<float>& scratch);
  void store_position(const CpuKvMemory& cache, std::byte* keys, std::byte* values, int64_t lane,
                      const float* k, const float* v) const;

  const kernels::KernelTable& kernels_;
  ThreadTeam team_;
  const bool are_activations_quantized_;
  WeightArena arena_;
};

}  // namespace sparrow
