// Attention over the paged cache. A piece of work is one KV head of one sequence and some of its
// rows: each tile of keys and values is read from the cache once and serves all query heads of the
// group. Keys are read only as the cache stores them, also those of the rows in hand, so a
// position's result is the same whether its prompt came at once, in chunks or token by token.
#include <algorithm>
#include <limits>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/cpu_buffer.h"
#include "backend/cpu/cpu_kv_memory.h"
#include "base/error.h"

namespace sparrow {
namespace {

using kernels::kKeyTile;
constexpr int64_t kMaxHeadSize = 1024;
constexpr int64_t kMaxQueries = 512;  // query heads of one piece of work
constexpr int64_t kMaxRows = 16;

int64_t rows_at_once(int64_t group) {
  return std::clamp<int64_t>(kMaxQueries / group, 1, kMaxRows);
}

}  // namespace

void CpuBackend::load_kv(float* out, const std::byte* x, KvType type, int64_t count) const {
  switch (type) {
    case KvType::f32:
      std::copy_n(reinterpret_cast<const float*>(x), count, out);
      return;
    case KvType::f16:
      kernels_.convert_f32_f16(out, reinterpret_cast<const uint16_t*>(x), count);
      return;
    case KvType::bf16:
      kernels_.convert_f32_bf16(out, reinterpret_cast<const uint16_t*>(x), count);
      return;
  }
}

void CpuBackend::store_kv(std::byte* out, const float* x, KvType type, int64_t count) const {
  switch (type) {
    case KvType::f32:
      std::copy_n(x, count, reinterpret_cast<float*>(out));
      return;
    case KvType::f16:
      kernels_.convert_f16_f32(reinterpret_cast<uint16_t*>(out), x, count);
      return;
    case KvType::bf16:
      kernels_.convert_bf16_f32(reinterpret_cast<uint16_t*>(out), x, count);
      return;
  }
}

void CpuBackend::store_kv(KvMemory& kv, int64_t layer, const Activations& k, const Activations& v,
                          std::span<const BatchSequence> sequences) {
  const CpuKvMemory& cache = static_cast<const CpuKvMemory&>(kv);
  const int64_t size = cache.shape().head_size;
  const int64_t element = kv_element_bytes(cache.type());
  SPARROW_CHECK(k.columns == cache.shape().kv_head_count * size && v.columns == k.columns);
  for (const BatchSequence& sequence : sequences) {
    team_.for_each(sequence.row_count, 32, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t position = sequence.first_position + i;
        const BlockId block = sequence.blocks[static_cast<size_t>(position / cache.block_tokens())];
        const int64_t place = position % cache.block_tokens() * size * element;
        for (int64_t head = 0; head < cache.shape().kv_head_count; ++head) {
          store_kv(cache.keys(layer, block, head) + place,
                   row(k, sequence.first_row + i) + head * size, cache.type(), size);
          store_kv(cache.values(layer, block, head) + place,
                   row(v, sequence.first_row + i) + head * size, cache.type(), size);
        }
      }
    });
  }
}

// Rows [first, first + count) of one sequence against all keys they may see.
void CpuBackend::attend(const Activations& out, const Activations& q, const CpuKvMemory& kv,
                        int64_t layer, const BatchSequence& sequence, int64_t kv_head,
                        int64_t first, int64_t count) const {
  const int64_t size = kv.shape().head_size;
  const int64_t group = q.columns / size / kv.shape().kv_head_count;
  const int64_t element = kv_element_bytes(kv.type());
  float keys[kKeyTile * kMaxHeadSize];
  float values[kKeyTile * kMaxHeadSize];
  float largest[kMaxQueries];
  float weight[kMaxQueries];
  int32_t visible[kMaxRows];
  float* out_rows = row(out, sequence.first_row + first) + kv_head * group * size;
  const float* q_rows = row(q, sequence.first_row + first) + kv_head * group * size;
  for (int64_t i = 0; i < count; ++i) std::fill_n(out_rows + i * out.columns, group * size, 0.0f);
  std::fill_n(largest, count * group, -std::numeric_limits<float>::infinity());
  std::fill_n(weight, count * group, 0.0f);

  const int64_t first_position = sequence.first_position + first;
  const int64_t key_count = first_position + count;
  for (int64_t tile = 0; tile < key_count; tile += kKeyTile) {
    const int64_t tile_end = std::min(tile + kKeyTile, key_count);
    for (int64_t position = tile; position < tile_end;) {
      const int64_t place = position % kv.block_tokens();
      const int64_t run = std::min(kv.block_tokens() - place, tile_end - position);
      const BlockId block = sequence.blocks[static_cast<size_t>(position / kv.block_tokens())];
      const int64_t offset = place * size * element;
      load_kv(keys + (position - tile) * size, kv.keys(layer, block, kv_head) + offset, kv.type(),
              run * size);
      load_kv(values + (position - tile) * size, kv.values(layer, block, kv_head) + offset,
              kv.type(), run * size);
      position += run;
    }
    for (int64_t i = 0; i < count; ++i) {
      const int64_t seen = first_position + i + 1 - tile;
      visible[i] = static_cast<int32_t>(std::clamp<int64_t>(seen, 0, kKeyTile));
    }
    kernels_.attention_tile_f32({.out = out_rows,
                                 .q = q_rows,
                                 .out_row_stride = out.columns,
                                 .q_row_stride = q.columns,
                                 .largest = largest,
                                 .weight = weight,
                                 .rows = count,
                                 .group = group,
                                 .head_size = size,
                                 .keys = keys,
                                 .values = values,
                                 .visible = visible,
                                 .scale = 1.0f / __builtin_sqrtf(static_cast<float>(size))});
  }
  for (int64_t i = 0; i < count * group; ++i) {
    float* head = out_rows + i / group * out.columns + i % group * size;
    kernels_.scale_f32(head, head, 1.0f / weight[i], size);
  }
}

void CpuBackend::attention(const Activations& out, const Activations& q, const KvMemory& kv,
                           int64_t layer, std::span<const BatchSequence> sequences) {
  const CpuKvMemory& cache = static_cast<const CpuKvMemory&>(kv);
  const KvShape& shape = cache.shape();
  SPARROW_CHECK(q.columns % (shape.kv_head_count * shape.head_size) == 0);
  SPARROW_CHECK(out.columns == q.columns && shape.head_size <= kMaxHeadSize);
  const int64_t group = q.columns / shape.head_size / shape.kv_head_count;
  SPARROW_CHECK(group <= kMaxQueries);
  const int64_t step = rows_at_once(group);
  // Few and long sequences share out their heads and rows, many short ones (decode) themselves.
  int64_t piece_count = 0;
  for (const BatchSequence& sequence : sequences)
    piece_count += (sequence.row_count + step - 1) / step * shape.kv_head_count;
  team_.for_each(piece_count, 1, [&](int64_t begin, int64_t end) {
    int64_t sequence_start = 0;  // of the pieces of the sequence at hand
    for (const BatchSequence& sequence : sequences) {
      const int64_t chunks = (sequence.row_count + step - 1) / step;
      const int64_t sequence_end = sequence_start + chunks * shape.kv_head_count;
      for (int64_t piece = std::max(begin, sequence_start); piece < std::min(end, sequence_end);
           ++piece) {
        const int64_t first = (piece - sequence_start) % chunks * step;
        attend(out, q, cache, layer, sequence, (piece - sequence_start) / chunks, first,
               std::min(step, sequence.row_count - first));
      }
      sequence_start = sequence_end;
    }
  });
}

}  // namespace sparrow
