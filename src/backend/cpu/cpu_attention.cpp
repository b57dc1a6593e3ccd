// Attention over the paged cache. A piece of work is one KV head of one sequence and some of its
// rows: each tile of keys and values is read from the cache once and serves all query heads of the
// group. Keys are read only as the cache stores them, also those of the rows in hand, so a
// position's result is the same whether its prompt came at once, in chunks or token by token.
//
// A query's keys are cut at multiples of kKeyRange positions. Each range is finished on its own,
// tile by tile, and ranges are merged in ascending order: part of the definition of the result, so
// that several threads may share out the ranges of one long sequence and change no bit.
#include <algorithm>
#include <limits>
#include <vector>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/cpu_buffer.h"
#include "backend/cpu/cpu_kv_memory.h"
#include "base/error.h"

namespace sparrow {
namespace {

using kernels::KernelTable;
using kernels::kKeyGroup;
using kernels::kKeyTile;

constexpr int64_t kKeyRange = 512;
constexpr int64_t kMaxRows = 32;              // of one piece of work
constexpr int64_t kMaxQueryValues = 1 << 14;  // queries times head_size of one: 64 KiB
constexpr int64_t kMaxGroup = 128;            // query heads that share a KV head

using AttentionTile = void (*)(const kernels::AttentionTileArgs& args);

AttentionTile attention_tile(const KernelTable& kernels, KvType type) {
  switch (type) {
    case KvType::f32:
      return kernels.attention_tile_f32;
    case KvType::f16:
      return kernels.attention_tile_f16;
    case KvType::bf16:
      return kernels.attention_tile_bf16;
    case KvType::q8_0:
      return kernels.attention_tile_q8_0;
    case KvType::q4_0:
      return kernels.attention_tile_q4_0;
  }
  return nullptr;
}

int64_t rows_at_once(int64_t group, int64_t head_size) {
  return std::clamp<int64_t>(kMaxQueryValues / (group * head_size), 1, kMaxRows);
}

// Running softmaxes: sums of values, [queries][head_size] wherever `out` and its stride say, with
// the largest score and the sum of weights of each query.
struct Running {
  float* out;
  int64_t out_row_stride;
  float* largest;
  float* weight;
};

// Some rows of one sequence and one of its KV heads.
struct Piece {
  const KernelTable& kernels;
  const CpuKvMemory& kv;
  const BatchSequence& sequence;
  int64_t layer;
  int64_t kv_head;
  int64_t first_row;  // of the sequence's
  int64_t row_count;
  int64_t group;
  const float* q;
  int64_t q_row_stride;

  int64_t head_size() const { return kv.shape().head_size; }
  int64_t first_position() const { return sequence.first_position + first_row; }
  int64_t key_count() const { return first_position() + row_count; }
  int64_t query_count() const { return row_count * group; }
  int64_t range_count() const { return (key_count() + kKeyRange - 1) / kKeyRange; }
  const std::byte* key_group(int64_t position) const {
    return kv.key_group(layer, sequence.blocks, kv_head, position);
  }
  const std::byte* value_group(int64_t position) const {
    return kv.value_group(layer, sequence.blocks, kv_head, position);
  }
  float* head(const Running& r, int64_t query) const {
    return r.out + query / group * r.out_row_stride + query % group * head_size();
  }
};

void clear(const Piece& p, const Running& r) {
  for (int64_t i = 0; i < p.row_count; ++i)
    std::fill_n(r.out + i * r.out_row_stride, p.group * p.head_size(), 0.0f);
  std::fill_n(r.largest, p.query_count(), -std::numeric_limits<float>::infinity());
  std::fill_n(r.weight, p.query_count(), 0.0f);
}

// Queries as dense rows, turned like the keys.
void turn_queries(const Piece& p, float* turned) {
  const int64_t width = p.group * p.head_size();
  for (int64_t i = 0; i < p.row_count; ++i) {
    float* to = turned + i * width;
    std::copy_n(p.q + i * p.q_row_stride, width, to);
    for (int64_t head = 0; head < p.group; ++head)
      p.kernels.hadamard_f32(to + head * p.head_size(), p.head_size());
  }
}

// One range of keys, from nothing.
void attend_range(const Piece& p, int64_t range, const Running& r) {
  clear(p, r);
  float turned[kMaxQueryValues];
  if (p.kv.is_turned()) turn_queries(p, turned);
  const AttentionTile tile_of = attention_tile(p.kernels, p.kv.type());
  const int64_t end = std::min((range + 1) * kKeyRange, p.key_count());
  int32_t visible[kMaxRows];
  for (int64_t tile = range * kKeyRange; tile < end; tile += kKeyTile) {
    for (int64_t i = 0; i < p.row_count; ++i) {
      const int64_t seen = p.first_position() + i + 1 - tile;
      visible[i] = static_cast<int32_t>(std::clamp<int64_t>(seen, 0, kKeyTile));
    }
    kernels::AttentionTileArgs args = {
        .out = r.out,
        .q = p.kv.is_turned() ? turned : p.q,
        .out_row_stride = r.out_row_stride,
        .q_row_stride = p.kv.is_turned() ? p.group * p.head_size() : p.q_row_stride,
        .largest = r.largest,
        .weight = r.weight,
        .rows = p.row_count,
        .group = p.group,
        .head_size = p.head_size(),
        .keys = {},
        .values = {},
        .next_keys = {},
        .next_values = {},
        .visible = visible,
        .scale = 1.0f / __builtin_sqrtf(static_cast<float>(p.head_size()))};
    for (int64_t group = 0; group < kKeyTile / kKeyGroup; ++group) {
      // Beyond the last key there may be no block; nobody sees that group.
      const int64_t first = tile + group * kKeyGroup;
      const int64_t position = first < p.key_count() ? first : tile;
      const int64_t next = first + kKeyTile < p.key_count() ? first + kKeyTile : position;
      args.keys[group] = p.key_group(position);
      args.values[group] = p.value_group(position);
      args.next_keys[group] = p.key_group(next);
      args.next_values[group] = p.value_group(next);
    }
    tile_of(args);
  }
}

// The next range's result into those before it.
void merge(const Piece& p, const Running& into, const Running& next) {
  for (int64_t i = 0; i < p.query_count(); ++i) {
    if (next.weight[i] == 0) continue;  // it lies behind what this query sees
    const float largest = std::max(into.largest[i], next.largest[i]);
    float factors[2] = {into.largest[i] - largest, next.largest[i] - largest};
    p.kernels.exp_f32(factors, 2);
    float* out = p.head(into, i);
    p.kernels.scale_f32(out, out, factors[0], p.head_size());
    p.kernels.add_scaled_f32(out, p.head(next, i), factors[1], p.head_size());
    into.largest[i] = largest;
    into.weight[i] = into.weight[i] * factors[0] + next.weight[i] * factors[1];
  }
}

void finish(const Piece& p, const Running& r) {
  for (int64_t i = 0; i < p.query_count(); ++i) {
    float* out = p.head(r, i);
    p.kernels.scale_f32(out, out, 1.0f / r.weight[i], p.head_size());
    if (p.kv.is_turned()) p.kernels.hadamard_f32(out, p.head_size());
  }
}

// All ranges of a piece, by one thread.
void attend(const Piece& p, float* out, int64_t out_row_stride) {
  float largest[kMaxRows * kMaxGroup];
  float weight[kMaxRows * kMaxGroup];
  float next_largest[kMaxRows * kMaxGroup];
  float next_weight[kMaxRows * kMaxGroup];
  float next_out[kMaxQueryValues];
  const Running running = {out, out_row_stride, largest, weight};
  const Running next = {next_out, p.group * p.head_size(), next_largest, next_weight};
  attend_range(p, 0, running);
  for (int64_t range = 1; range < p.range_count(); ++range) {
    attend_range(p, range, next);
    merge(p, running, next);
  }
  finish(p, running);
}

// Two codes of 4 bits in a byte, in place: each code and, in the high half, the one `distance`
// behind it.
void pack_pairs(int8_t* codes, int64_t count, int64_t distance) {
  for (int64_t i = 0; i < count / 2; ++i) {
    const int64_t low = i / distance * 2 * distance + i % distance;
    codes[i] = static_cast<int8_t>(codes[low] | codes[low + distance] << 4);
  }
}

}  // namespace

// One position's share of a group: of its keys every 16th number from `lane` on, of its values a
// row. The same goes for bytes of codes, and for scales.
void CpuBackend::store_position(const CpuKvMemory& cache, std::byte* keys, std::byte* values,
                                int64_t lane, const float* k, const float* v) const {
  const int64_t size = cache.shape().head_size;
  const auto place = [lane](auto* group_keys, auto* group_values, const auto* key,
                            const auto* value, int64_t count) {
    for (int64_t d = 0; d < count; ++d) group_keys[d * kKeyGroup + lane] = key[d];
    std::copy_n(value, count, group_values + lane * count);
  };
  const auto place_16_bits = [&](void (*round)(uint16_t* out, const float* x, int64_t count)) {
    uint16_t key[kernels::kMaxHeadSize], value[kernels::kMaxHeadSize];
    round(key, k, size);
    round(value, v, size);
    place(reinterpret_cast<uint16_t*>(keys), reinterpret_cast<uint16_t*>(values), key, value, size);
  };
  using Quantize = void (*)(int8_t* codes, uint16_t* scales, const float* x, int64_t count);
  const auto place_codes = [&](Quantize quantize, int64_t bits) {
    constexpr int64_t kMostScales = kernels::kMaxHeadSize / kernels::kQuantGroup;
    int8_t key[kernels::kMaxHeadSize], value[kernels::kMaxHeadSize];
    uint16_t key_scales[kMostScales], value_scales[kMostScales];
    const auto round = [&](int8_t* codes, uint16_t* scales, const float* x) {
      float turned[kernels::kMaxHeadSize];
      std::copy_n(x, size, turned);
      kernels_.hadamard_f32(turned, size);
      quantize(codes, scales, turned, size);
    };
    round(key, key_scales, k);
    round(value, value_scales, v);
    if (bits == 4) {
      pack_pairs(key, size, 1);
      pack_pairs(value, size, kernels::kQuantGroup / 2);
    }
    const int64_t bytes = size * bits / 8;
    place(reinterpret_cast<int8_t*>(keys), reinterpret_cast<int8_t*>(values), key, value, bytes);
    const int64_t codes = kKeyGroup * bytes;
    place(reinterpret_cast<uint16_t*>(keys + codes), reinterpret_cast<uint16_t*>(values + codes),
          key_scales, value_scales, size / kernels::kQuantGroup);
  };
  switch (cache.type()) {
    case KvType::f32:
      place(reinterpret_cast<float*>(keys), reinterpret_cast<float*>(values), k, v, size);
      return;
    case KvType::f16:
      place_16_bits(kernels_.convert_f16_f32);
      return;
    case KvType::bf16:
      place_16_bits(kernels_.convert_bf16_f32);
      return;
    case KvType::q8_0:
      place_codes(kernels_.convert_q8_0_f32, 8);
      return;
    case KvType::q4_0:
      place_codes(kernels_.convert_q4_0_f32, 4);
      return;
  }
}

void CpuBackend::store_kv(KvMemory& kv, int64_t layer, const Activations& k, const Activations& v,
                          std::span<const BatchSequence> sequences) {
  const CpuKvMemory& cache = static_cast<const CpuKvMemory&>(kv);
  const int64_t size = cache.shape().head_size;
  SPARROW_CHECK(size <= kernels::kMaxHeadSize);
  SPARROW_CHECK(k.columns == cache.shape().kv_head_count * size && v.columns == k.columns);
  for (const BatchSequence& sequence : sequences) {
    team_.for_each(sequence.row_count, 32, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t position = sequence.first_position + i;
        for (int64_t head = 0; head < cache.shape().kv_head_count; ++head) {
          store_position(cache, cache.key_group(layer, sequence.blocks, head, position),
                         cache.value_group(layer, sequence.blocks, head, position),
                         position % kKeyGroup, row(k, sequence.first_row + i) + head * size,
                         row(v, sequence.first_row + i) + head * size);
        }
      }
    });
  }
}

// Cuts a batch into pieces, numbered through.
class AttentionPlan {
 public:
  AttentionPlan(const KernelTable& kernels, const Activations& out, const Activations& q,
                const CpuKvMemory& kv, int64_t layer, std::span<const BatchSequence> sequences)
      : kernels_(kernels), out_(out), q_(q), kv_(kv), layer_(layer), sequences_(sequences) {
    const int64_t size = kv.shape().head_size;
    group_ = q.columns / size / kv.shape().kv_head_count;
    heads_ = std::min({group_, kMaxGroup, kMaxQueryValues / size});
    rows_ = rows_at_once(heads_, size);
    for (const BatchSequence& sequence : sequences) {
      piece_count_ += pieces_of(sequence);
      const int64_t keys = sequence.first_position + sequence.row_count;
      range_count_ = std::max(range_count_, (keys + kKeyRange - 1) / kKeyRange);
      most_rows_ = std::max(most_rows_, sequence.row_count);
    }
  }

  int64_t piece_count() const { return piece_count_; }
  int64_t range_count() const { return range_count_; }  // of the longest sequence
  // Of the largest piece: room for the result of one range.
  int64_t most_queries() const { return std::min(rows_, most_rows_) * heads_; }
  int64_t slot_values() const { return most_queries() * (kv_.shape().head_size + 2); }

  // Calls take(piece, its number, where its result goes) for pieces [begin, end).
  template <typename Take>
  void for_pieces(int64_t begin, int64_t end, const Take& take) const {
    int64_t start = 0;  // of the pieces of the sequence at hand
    for (const BatchSequence& sequence : sequences_) {
      const int64_t stop = start + pieces_of(sequence);
      for (int64_t i = std::max(begin, start); i < std::min(end, stop); ++i) {
        const Piece piece = piece_of(sequence, i - start);
        const int64_t head = (piece.q - row(q_, sequence.first_row + piece.first_row));
        take(piece, i, row(out_, sequence.first_row + piece.first_row) + head);
      }
      start = stop;
    }
  }

 private:
  int64_t row_chunks(const BatchSequence& sequence) const {
    return (sequence.row_count + rows_ - 1) / rows_;
  }
  int64_t head_chunks() const { return (group_ + heads_ - 1) / heads_; }
  int64_t pieces_of(const BatchSequence& sequence) const {
    return row_chunks(sequence) * head_chunks() * kv_.shape().kv_head_count;
  }

  Piece piece_of(const BatchSequence& sequence, int64_t index) const {
    const int64_t first_row = index % row_chunks(sequence) * rows_;
    const int64_t head_chunk = index / row_chunks(sequence);
    const int64_t kv_head = head_chunk / head_chunks();
    const int64_t first_head = head_chunk % head_chunks() * heads_;
    return {.kernels = kernels_,
            .kv = kv_,
            .sequence = sequence,
            .layer = layer_,
            .kv_head = kv_head,
            .first_row = first_row,
            .row_count = std::min(rows_, sequence.row_count - first_row),
            .group = std::min(heads_, group_ - first_head),
            .q = row(q_, sequence.first_row + first_row) +
                 (kv_head * group_ + first_head) * kv_.shape().head_size,
            .q_row_stride = q_.columns};
  }

  const KernelTable& kernels_;
  const Activations& out_;
  const Activations& q_;
  const CpuKvMemory& kv_;
  int64_t layer_;
  std::span<const BatchSequence> sequences_;
  int64_t group_ = 0;      // query heads of one KV head
  int64_t heads_ = 0;      // of them in one piece
  int64_t rows_ = 0;       // in one piece
  int64_t most_rows_ = 0;  // of a sequence
  int64_t piece_count_ = 0;
  int64_t range_count_ = 0;
};

void CpuBackend::attention(const Activations& out, const Activations& q, const KvMemory& kv,
                           int64_t layer, std::span<const BatchSequence> sequences) {
  const CpuKvMemory& cache = static_cast<const CpuKvMemory&>(kv);
  const KvShape& shape = cache.shape();
  SPARROW_CHECK(q.columns % (shape.kv_head_count * shape.head_size) == 0);
  SPARROW_CHECK(out.columns == q.columns && shape.head_size <= kernels::kMaxHeadSize);
  const AttentionPlan plan(kernels_, out, q, cache, layer, sequences);
  // Decoding a long sequence has fewer heads than the machine has threads: they share its ranges.
  constexpr int64_t kPiecesEach = 2;
  constexpr int64_t kMostScratch = int64_t{1} << 24;  // values
  const bool is_split =
      plan.range_count() > 1 && plan.piece_count() < kPiecesEach * team_.member_count() &&
      plan.piece_count() * plan.range_count() * plan.slot_values() <= kMostScratch;
  if (is_split) {
    attend_in_ranges(plan, static_cast<CpuBuffer*>(out.buffer)->attention_ranges());
    return;
  }
  team_.for_each(plan.piece_count(), 1, [&](int64_t begin, int64_t end) {
    plan.for_pieces(begin, end, [&](const Piece& piece, int64_t, float* result) {
      attend(piece, result, out.columns);
    });
  });
}

// Every range by itself, then each piece's ranges merged.
void CpuBackend::attend_in_ranges(const AttentionPlan& plan, std::vector<float>& scratch) {
  const int64_t ranges = plan.range_count();
  const int64_t queries = plan.most_queries();
  const size_t needed = static_cast<size_t>(plan.piece_count() * ranges * plan.slot_values());
  if (scratch.size() < needed) scratch.resize(needed);
  const auto slot = [&](const Piece& piece, int64_t index, int64_t range) -> Running {
    float* base = scratch.data() + (index * ranges + range) * plan.slot_values();
    return {base + 2 * queries, piece.group * piece.head_size(), base, base + queries};
  };
  team_.for_each(plan.piece_count() * ranges, 1, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) {
      const int64_t range = at % ranges;
      plan.for_pieces(at / ranges, at / ranges + 1, [&](const Piece& piece, int64_t index, float*) {
        if (range < piece.range_count()) attend_range(piece, range, slot(piece, index, range));
      });
    }
  });
  plan.for_pieces(0, plan.piece_count(), [&](const Piece& piece, int64_t index, float* result) {
    const Running first = slot(piece, index, 0);
    for (int64_t range = 1; range < piece.range_count(); ++range)
      merge(piece, first, slot(piece, index, range));
    finish(piece, first);
    const int64_t width = piece.group * piece.head_size();
    for (int64_t i = 0; i < piece.row_count; ++i)
      std::copy_n(first.out + i * width, width, result + i * piece.q_row_stride);
  });
}

}  // namespace sparrow
