#include "backend/cpu/cpu_backend.h"

#include <algorithm>
#include <cmath>

#include "backend/cpu/cpu_buffer.h"
#include "backend/cpu/cpu_kv_memory.h"
#include "backend/cpu/cpu_weight.h"
#include "base/error.h"

namespace sparrow {

CpuBackend::CpuBackend(const kernels::KernelTable& kernels, int thread_count,
                       bool are_activations_quantized)
    : kernels_(kernels),
      team_(thread_count),
      are_activations_quantized_(are_activations_quantized) {}

std::unique_ptr<Buffer> CpuBackend::make_buffer(int64_t size_bytes, std::string_view purpose) {
  return std::make_unique<CpuBuffer>(size_bytes, purpose);
}

std::unique_ptr<KvMemory> CpuBackend::make_kv_memory(const KvShape& shape, KvType type,
                                                     int64_t block_count, int64_t block_tokens) {
  return std::make_unique<CpuKvMemory>(shape, type, block_count, block_tokens);
}

std::unique_ptr<Weight> CpuBackend::load_weight(const Tensor& tensor) {
  if (are_activations_quantized_ && CpuWeight::can_be_packed(tensor, kernels_))
    return std::make_unique<CpuWeight>(tensor, kernels_, arena_, team_);
  return std::make_unique<CpuWeight>(tensor, kernels_);
}

std::span<float> CpuBackend::read(const Activations& x) {
  return {data(x), static_cast<size_t>(x.rows * x.columns)};
}

void CpuBackend::embed(const Activations& out, const Weight& table, std::span<const int32_t> ids) {
  SPARROW_CHECK(out.columns == table.shape()[0]);
  const CpuWeight& weight = static_cast<const CpuWeight&>(table);
  team_.for_each(static_cast<int64_t>(ids.size()), 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      weight.dequantize(row(out, i), ids[static_cast<size_t>(i)], 0, out.columns);
  });
}

void CpuBackend::rms_norm(const Activations& out, const Activations& x, const Weight& weight,
                          float epsilon) {
  SPARROW_CHECK(x.columns == weight.shape()[0] && out.columns == x.columns && out.rows == x.rows);
  const float* w = static_cast<const CpuWeight&>(weight).values();
  const int64_t grain = std::max<int64_t>(1, 8192 / x.columns);
  team_.for_each(x.rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      kernels_.rms_norm_f32(row(out, i), row(x, i), w, x.columns, epsilon);
  });
}

void CpuBackend::add_bias(const Activations& x, const Weight& bias) {
  SPARROW_CHECK(x.columns == bias.shape()[0]);
  const float* b = static_cast<const CpuWeight&>(bias).values();
  for (int64_t i = 0; i < x.rows; ++i) kernels_.add_f32(row(x, i), b, x.columns);
}

void CpuBackend::add(const Activations& out, const Activations& x) {
  SPARROW_CHECK(out.rows == x.rows && out.columns == x.columns);
  team_.for_each(x.rows * x.columns, 32768, [&](int64_t begin, int64_t end) {
    kernels_.add_f32(data(out) + begin, data(x) + begin, end - begin);
  });
}

// Hugging Face multiplies frequency and position in f32 and models were trained that way, so the
// angle is the rounded product; its cosine and sine are then exact to f32.
void CpuBackend::rope_table(const Activations& out, std::span<const int32_t> positions,
                            const RopeParameters& rope) {
  const int64_t pairs = static_cast<int64_t>(rope.frequencies.size());
  SPARROW_CHECK(out.columns == 2 * pairs && out.rows == static_cast<int64_t>(positions.size()));
  team_.for_each(out.rows, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float* table = row(out, i);
      const float position = static_cast<float>(positions[static_cast<size_t>(i)]);
      for (int64_t pair = 0; pair < pairs; ++pair) {
        const float angle = position * rope.frequencies[static_cast<size_t>(pair)];
        table[pair] = static_cast<float>(std::cos(static_cast<double>(angle))) * rope.magnitude;
        table[pairs + pair] =
            static_cast<float>(std::sin(static_cast<double>(angle))) * rope.magnitude;
      }
    }
  });
}

void CpuBackend::rope(const Activations& x, const Activations& table, const RopeParameters& rope) {
  SPARROW_CHECK(x.rows == table.rows && x.columns % rope.head_size == 0);
  const int64_t pairs = table.columns / 2;
  const auto rotate =
      rope.style == RopeStyle::halves ? kernels_.rope_halves_f32 : kernels_.rope_pairs_f32;
  const int64_t grain = std::max<int64_t>(1, 8192 / x.columns);
  team_.for_each(x.rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* cosines = row(table, i);
      for (int64_t head = 0; head < x.columns; head += rope.head_size)
        rotate(row(x, i) + head, cosines, cosines + pairs, pairs);
    }
  });
}

void CpuBackend::silu_mul(const Activations& out, const Activations& gate, const Activations& up) {
  SPARROW_CHECK(out.columns == gate.columns && gate.columns == up.columns);
  SPARROW_CHECK(out.rows == gate.rows && gate.rows == up.rows);
  team_.for_each(out.rows * out.columns, 4096, [&](int64_t begin, int64_t end) {
    kernels_.silu_mul_f32(data(out) + begin, data(gate) + begin, data(up) + begin, end - begin);
  });
}

void CpuBackend::gather_rows(const Activations& out, const Activations& x,
                             std::span<const int64_t> rows) {
  SPARROW_CHECK(out.columns == x.columns && out.rows == static_cast<int64_t>(rows.size()));
  for (int64_t i = 0; i < out.rows; ++i) {
    const float* from = row(x, rows[static_cast<size_t>(i)]);
    if (from != row(out, i)) std::copy_n(from, x.columns, row(out, i));
  }
}

}  // namespace sparrow
