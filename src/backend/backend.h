// Where a model runs: memory for weights, activations and KV cache, and the operations of a forward
// pass. The only wide abstract class: a new backend implements the primitives and is complete;
// overriding the fused operations makes it fast.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tensor/tensor.h"

namespace sparrow {

// In q8_0 and q4_0, the quantized ones, kKvScaleChannels channels share a scale of 16 bits.
enum class KvType { f32, f16, bf16, q8_0, q4_0 };
inline constexpr KvType kKvTypes[] = {KvType::f32, KvType::f16, KvType::bf16, KvType::q8_0,
                                      KvType::q4_0};
inline constexpr int64_t kKvScaleChannels = 32;
KvType parse_kv_type(std::string_view name);  // else Error{invalid_argument}
std::string_view to_string(KvType type);
bool is_quantized(KvType type);
// Whether heads of this size can be kept: quantized types want whole groups of channels.
bool can_keep_heads(KvType type, int64_t head_size);
// Of the key or the value of one head at one position.
int64_t kv_head_bytes(KvType type, int64_t head_size);

// Index of a block of the paged KV cache.
using BlockId = int32_t;

// One sequence's share of a batch. Its tokens are consecutive rows and consecutive positions.
struct BatchSequence {
  int64_t first_row = 0;  // into Batch::ids
  int64_t row_count = 0;
  int64_t first_position =
      0;  // of its first row; rows [0, first_position) are in the cache already
  std::span<const BlockId> blocks;  // block of position p is blocks[p / block_tokens]
};

// What one layer's keys and values look like.
struct KvShape {
  int64_t layer_count = 0;
  int64_t kv_head_count = 0;
  int64_t head_size = 0;

  // Keys and values of one position in all layers.
  int64_t bytes_per_token(KvType type) const {
    return layer_count * 2 * kv_head_count * kv_head_bytes(type, head_size);
  }
};

// The bytes of a paged KV cache; which block belongs to whom is the engine's business.
class KvMemory {
 public:
  virtual ~KvMemory() = default;
  virtual int64_t block_count() const = 0;
  virtual int64_t block_tokens() const = 0;
  virtual int64_t size_bytes() const = 0;
  // All layers' keys and values of one block, to another. Between steps.
  virtual void copy_block(BlockId from, BlockId to) = 0;
};

// A weight matrix or vector in the form the backend computes with. Immutable.
class Weight {
 public:
  virtual ~Weight() = default;
  virtual const Shape& shape() const = 0;  // as in the file: {in, out} or {in, out, experts}
  virtual int64_t size_bytes() const = 0;
  // Whether the tensor's own bytes are read, so that they must stay; else they were copied.
  virtual bool reads_tensor() const = 0;
};

// In which form matrix products take their input.
enum class ActivationMode {
  automatic,  // quantized where the instruction set has fast kernels for it
  f32,        // the reference
  quantized,  // a scale for each 32 values: int8, or int16 where they are outliers
};
// "auto", "f32" or "quantized"; else Error{invalid_argument}.
ActivationMode parse_activation_mode(std::string_view name);

// Memory for activations.
class Buffer {
 public:
  virtual ~Buffer() = default;
  virtual int64_t size_bytes() const = 0;
};

// A view of f32 activations, [rows, columns], dense.
struct Activations {
  Buffer* buffer = nullptr;
  int64_t offset = 0;  // of the first value, in values
  int64_t rows = 0;
  int64_t columns = 0;

  Activations with_rows(int64_t count) const { return {buffer, offset, count, columns}; }
  Activations rows_from(int64_t first, int64_t count) const {
    return {buffer, offset + first * columns, count, columns};
  }
  // The same values in rows of another length: [tokens, heads * size] as [tokens * heads, size].
  Activations reshaped(int64_t new_columns) const {
    return {buffer, offset, rows * columns / new_columns, new_columns};
  }
};

// Which experts each row goes to, and with what weight. Backend-owned form.
class ExpertRouting {
 public:
  virtual ~ExpertRouting() = default;
};

// Which channels of a head turn together.
enum class RopeStyle {
  halves,  // (i, i + size / 2): NEOX, Qwen
  pairs,   // (2i, 2i + 1): Llama as GGUF stores it, with permuted q and k
};

struct RopeParameters {
  RopeStyle style = RopeStyle::halves;
  int64_t head_size = 0;
  std::span<const float> frequencies;  // [rotated channels / 2], radians a position
  float magnitude = 1;                 // cosines and sines are multiplied by it (YaRN)
};

// Two thin matrices, a of {in, rank} and b of {rank, out}, whose product is added to a weight
// (LoRA, Hu et al. 2021), in the form the backend computes with. Immutable.
class LowRank {
 public:
  virtual ~LowRank() = default;
  virtual int64_t in() const = 0;
  virtual int64_t rank() const = 0;
  virtual int64_t out() const = 0;
  virtual int64_t size_bytes() const = 0;
};

// Some rows of a product's input, and what one adapter adds to a model's matrices for them.
struct AdapterRows {
  int64_t first_row = 0;
  int64_t row_count = 0;
  std::span<const std::unique_ptr<LowRank>> matrices;  // by LinearPart::matrix_index; null: nothing
  float scale = 1;                                     // of all that it adds
};

// One of several matrices that multiply the same input.
struct LinearPart {
  Activations out;
  const Weight* weight = nullptr;
  const Weight* bias = nullptr;                // may be null
  std::span<const AdapterRows> adapters = {};  // ascending, none overlap
  int64_t matrix_index = -1;                   // of `weight` among the adapters' matrices
};

// What decides the bits of every result.
struct Arithmetic {
  std::string_view instruction_set;  // "avx2"
  bool are_activations_quantized = false;
};

// What a machine can do at best with the kernels in use.
struct MachineLimits {
  std::string instruction_set;
  int thread_count = 0;
  double products_per_second = 0;    // multiply-adds of 8-bit integers (scalar: of floats)
  double read_bytes_per_second = 0;  // of memory
};

// All operations of one model's step come from one thread; models on one backend may step
// concurrently. Inputs and outputs never overlap unless an operation says so.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual Arithmetic arithmetic() const = 0;

  // Memory. Each throws Error{out_of_memory} with the numbers.
  virtual std::unique_ptr<Buffer> make_buffer(int64_t size_bytes, std::string_view purpose) = 0;
  virtual std::unique_ptr<KvMemory> make_kv_memory(const KvShape& shape, KvType type,
                                                   int64_t block_count, int64_t block_tokens) = 0;
  virtual std::unique_ptr<ExpertRouting> make_routing(int64_t max_rows, int64_t expert_count,
                                                      int64_t used_count) = 0;
  // The tensor's bytes must outlive the weight if it reads_tensor().
  virtual std::unique_ptr<Weight> load_weight(const Tensor& tensor) = 0;
  // factor * (b a) of a of {in, rank} and b of {rank, out}. The tensors' bytes are copied.
  virtual std::unique_ptr<LowRank> load_low_rank(const Tensor& a, const Tensor& b,
                                                 float factor) = 0;
  // What that will take: its size_bytes().
  virtual int64_t low_rank_bytes(const Tensor& a, const Tensor& b) const = 0;

  // Takes about a second and all threads.
  virtual MachineLimits measure_limits() = 0;

  // A step's operations stand between these two; results can be read after end_step().
  virtual void begin_step() = 0;
  virtual void end_step() = 0;
  virtual std::span<float> read(const Activations& x) = 0;

  // out[i] = row ids[i] of the table.
  virtual void embed(const Activations& out, const Weight& table, std::span<const int32_t> ids) = 0;
  // Each row by itself. `out` may be `x`.
  virtual void rms_norm(const Activations& out, const Activations& x, const Weight& weight,
                        float epsilon) = 0;
  // out[i][j] = x[i] · weight[j].
  virtual void matmul(const Activations& out, const Activations& x, const Weight& weight) = 0;
  // Every row of x += bias.
  virtual void add_bias(const Activations& x, const Weight& bias) = 0;
  // part.out += scale * b (a x), for the rows of each adapter that adds to this matrix. In f32 in
  // every ActivationMode; other rows are not touched.
  virtual void add_low_rank(const LinearPart& part, const Activations& x) = 0;
  // out += x.
  virtual void add(const Activations& out, const Activations& x) = 0;
  // Cosines and sines of every row's angles, [rows, rotated channels]: cosines first.
  virtual void rope_table(const Activations& out, std::span<const int32_t> positions,
                          const RopeParameters& rope) = 0;
  // Rotates every head of x, [rows, heads * head_size], in place.
  virtual void rope(const Activations& x, const Activations& table, const RopeParameters& rope) = 0;
  // Rounds the rows' keys and values to the cache's type and writes them where their positions
  // belong.
  virtual void store_kv(KvMemory& kv, int64_t layer, const Activations& k, const Activations& v,
                        std::span<const BatchSequence> sequences) = 0;
  // Causal softmax attention of each row over its sequence's cache, its own position included.
  virtual void attention(const Activations& out, const Activations& q, const KvMemory& kv,
                         int64_t layer, std::span<const BatchSequence> sequences) = 0;
  // out = silu(gate) * up. `out` may be `gate`.
  virtual void silu_mul(const Activations& out, const Activations& gate, const Activations& up) = 0;
  // out[i] = x[rows[i]]. `rows` ascend; `out` may be the front of `x`.
  virtual void gather_rows(const Activations& out, const Activations& x,
                           std::span<const int64_t> rows) = 0;

  // Mixture of experts. Softmax over all of a row's router logits, the most likely ones chosen (of
  // equals the lower index), their weights brought to sum 1. Overwrites `logits`.
  virtual void route_experts(ExpertRouting& routing, const Activations& logits) = 0;
  // out[row * used + i] = x of that row (or of that pair, if x has as many rows as out) times the
  // weight of the row's i-th expert.
  virtual void expert_matmul(const Activations& out, const Activations& x, const Weight& weight,
                             const ExpertRouting& routing) = 0;
  // out[row] = sum over i of weight i * x[row * used + i].
  virtual void combine_experts(const Activations& out, const Activations& x,
                               const ExpertRouting& routing) = 0;

  // Fused operations: what they mean is their default body.

  // Each part: out = x * weight + bias, if there is a bias, + what adapters add.
  virtual void linears(std::span<const LinearPart> parts, const Activations& x);
  // hidden += delta, then out = rms_norm(hidden).
  virtual void add_rms_norm(const Activations& out, const Activations& hidden,
                            const Activations& delta, const Weight& weight, float epsilon);
  // Norm of every head of x by itself, then its rotation.
  virtual void norm_rope(const Activations& x, const Weight& head_norm, float epsilon,
                         const Activations& table, const RopeParameters& rope);
  // gate.out = silu(x * gate) * (x * up), biases and adapters included; up.out is left in any
  // state.
  virtual void gated_linear(const LinearPart& gate, const LinearPart& up, const Activations& x);
};

struct BackendOptions {
  int thread_count = 0;       // 0: one a physical core this process may use
  std::string_view isa = {};  // empty: SPARROW_ISA, else the best of this machine
  ActivationMode activations = ActivationMode::automatic;
};

// Throws Error{invalid_argument|unsupported} for an instruction set that is unknown or that this
// machine lacks, naming what it has.
std::unique_ptr<Backend> make_cpu_backend(const BackendOptions& options = {});

}  // namespace sparrow
