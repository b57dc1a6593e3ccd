#include "tensor/packing.h"

#include <array>
#include <cstring>
#include <span>

#include "base/error.h"
#include "tensor/formats/blocks.h"

namespace sparrow {
namespace {

// `count` units of `unit_bytes` each.
struct Field {
  int unit_bytes;
  int count;
};

struct Packing {
  uint32_t gguf_id;
  std::array<Field, 5> fields;  // in the block's order; a count of 0 ends them
  int64_t blocks = 1;           // of the format that these are the fields of
};

// Codes are read four at a time, f16 scales one at a time, small integer scales byte by byte; bf16
// in pairs, which widen without a shuffle.
constexpr Packing kPackings[] = {
    {0, {{{4, kPackedFloats}}}, kPackedFloats},          // F32
    {1, {{{2, kPackedFloats}}}, kPackedFloats},          // F16
    {2, {{{2, 1}, {4, 4}}}},                             // Q4_0: d, qs
    {3, {{{2, 1}, {2, 1}, {4, 4}}}},                     // Q4_1: d, m, qs
    {6, {{{2, 1}, {4, 1}, {4, 4}}}},                     // Q5_0: d, qh, qs
    {7, {{{2, 1}, {2, 1}, {4, 1}, {4, 4}}}},             // Q5_1: d, m, qh, qs
    {8, {{{2, 1}, {4, 8}}}},                             // Q8_0: d, qs
    {10, {{{1, 16}, {4, 16}, {2, 1}, {2, 1}}}},          // Q2_K: scales, qs, d, dmin
    {11, {{{4, 8}, {4, 16}, {1, 12}, {2, 1}}}},          // Q3_K: hmask, qs, scales, d
    {12, {{{2, 1}, {2, 1}, {1, 12}, {4, 32}}}},          // Q4_K: d, dmin, scales, qs
    {13, {{{2, 1}, {2, 1}, {1, 12}, {4, 8}, {4, 32}}}},  // Q5_K: d, dmin, scales, qh, qs
    {14, {{{4, 32}, {4, 16}, {1, 16}, {2, 1}}}},         // Q6_K: ql, qh, scales, d
    {20, {{{2, 1}, {4, 4}}}},                            // IQ4_NL: d, qs
    {23, {{{2, 1}, {2, 1}, {1, 4}, {4, 32}}}},           // IQ4_XS: d, scales_h, scales_l, qs
    {30, {{{4, kPackedFloats / 2}}}, kPackedFloats},     // BF16
};

const Packing* find_packing(uint32_t gguf_id) {
  for (const Packing& packing : kPackings) {
    if (packing.gguf_id == gguf_id) return &packing;
  }
  return nullptr;
}

const Packing& packing_of(const Format& format) {
  const Packing* packing = find_packing(format.gguf_id);
  SPARROW_CHECK(packing != nullptr);
  return *packing;
}

template <typename Unit>
void interleave(const std::byte* rows, int64_t row_bytes, int count, std::byte* out) {
  for (int unit = 0; unit < count; ++unit) {
    const std::byte* in = rows + unit * static_cast<int64_t>(sizeof(Unit));
    for (int64_t row = 0; row < kPackedRows; ++row) {
      std::memcpy(out, in + row * row_bytes, sizeof(Unit));
      out += sizeof(Unit);
    }
  }
}

void pack_whole_tile(const Packing& packing, int64_t block_bytes, const std::byte* rows,
                     int64_t row_bytes, std::byte* out) {
  for (int64_t block = 0; block < row_bytes; block += block_bytes) {
    int64_t offset = 0;
    for (const Field& field : packing.fields) {
      const std::byte* in = rows + block + offset;
      if (field.unit_bytes == 4) interleave<uint32_t>(in, row_bytes, field.count, out);
      if (field.unit_bytes == 2) interleave<uint16_t>(in, row_bytes, field.count, out);
      if (field.unit_bytes == 1) interleave<uint8_t>(in, row_bytes, field.count, out);
      offset += field.unit_bytes * field.count;
      out += kPackedRows * field.unit_bytes * field.count;
    }
  }
}

}  // namespace

bool can_pack(const Format& format, int64_t columns) {
  const Packing* packing = find_packing(format.gguf_id);
  return packing != nullptr && columns % (packing->blocks * format.block_values) == 0;
}

void pack_tile(const Format& format, const std::byte* rows, int64_t row_count, int64_t row_bytes,
               std::byte* out) {
  SPARROW_CHECK(row_count >= 1 && row_count <= kPackedRows);
  const Packing& packing = packing_of(format);
  const int64_t block_bytes = packing.blocks * format.block_bytes;
  SPARROW_CHECK(row_bytes % block_bytes == 0);
  if (row_count == kPackedRows) {
    pack_whole_tile(packing, block_bytes, rows, row_bytes, out);
    return;
  }
  // Rare: the last tile of a matrix whose rows are no multiple of 16. One block column at a time,
  // so that the padded copy stays small.
  std::array<std::byte, sizeof(BlockQ6_K) * static_cast<size_t>(kPackedRows)> padded = {};
  for (int64_t block = 0; block < row_bytes; block += block_bytes) {
    for (int64_t row = 0; row < row_count; ++row) {
      std::memcpy(padded.data() + row * block_bytes, rows + row * row_bytes + block,
                  static_cast<size_t>(block_bytes));
    }
    pack_whole_tile(packing, block_bytes, padded.data(), block_bytes, out + block * kPackedRows);
  }
}

void unpack_row(const Format& format, const std::byte* tile, int64_t row, int64_t first_block,
                int64_t block_count, std::byte* out) {
  const Packing& packing = packing_of(format);
  SPARROW_CHECK(first_block % packing.blocks == 0 && block_count % packing.blocks == 0);
  for (int64_t block = first_block; block < first_block + block_count; block += packing.blocks) {
    const std::byte* in = tile + block * format.block_bytes * kPackedRows;
    for (const Field& field : packing.fields) {
      for (int unit = 0; unit < field.count; ++unit) {
        std::memcpy(out, in + row * field.unit_bytes, static_cast<size_t>(field.unit_bytes));
        out += field.unit_bytes;
        in += kPackedRows * field.unit_bytes;
      }
    }
  }
}

}  // namespace sparrow
