// The form in which fast kernels read a weight matrix: 16 rows side by side. A packed tile holds
// the same bytes as its 16 rows in the file, in another order: field by field of the format's
// block, each field's units (one, two or four bytes, as the field is read) of the 16 rows next to
// each other. One vector load then gives the same four values of 16 rows, and nothing of what the
// file says is lost or added.
//
//   tile: [blocks of a row][units of a block][16 rows]
//
// So a field at byte offset f of a block stands at 16 f of a packed block.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/formats/format.h"

namespace sparrow {

inline constexpr int64_t kPackedRows = 16;

// Plain numbers (F32, F16, BF16) are packed this many of a row at a time.
inline constexpr int kPackedFloats = 32;

// Whether rows of `columns` values of this format have a packed form.
bool can_pack(const Format& format, int64_t columns);

// Packs `row_count` (1 to 16) rows that stand `row_bytes` apart; missing rows become zeros, which
// every format reads as blocks of zeros. `out` holds 16 * row_bytes bytes.
void pack_tile(const Format& format, const std::byte* rows, int64_t row_count, int64_t row_bytes,
               std::byte* out);

// The `block_count` blocks of one row of a tile, as in the file, from block `first_block` on. Of
// plain numbers both counts are multiples of kPackedFloats.
void unpack_row(const Format& format, const std::byte* tile, int64_t row, int64_t first_block,
                int64_t block_count, std::byte* out);

}  // namespace sparrow
