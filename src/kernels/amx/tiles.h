// AMX's tile registers: up to 16 rows of 64 bytes each (Intel 64 and IA-32 Architectures Software
// Developer's Manual, volume 1, chapter 18). Written as instructions, because GCC 12's intrinsics
// do not tell the compiler that a tile is read from memory.
#pragma once

#include <cstdint>

namespace sparrow::kernels::amx {
namespace {

constexpr int kTiles = 8;
constexpr int kTileLines = 16;  // rows of a tile, at most
constexpr int kLineBytes = 64;

// What LDTILECFG reads.
struct alignas(64) TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t line_bytes[16] = {};
  uint8_t lines[16] = {};

  constexpr void set(int tile, int64_t tile_lines, int64_t bytes) {
    lines[tile] = static_cast<uint8_t>(tile_lines);
    line_bytes[tile] = static_cast<uint16_t>(bytes);
  }
};

// While one lives, its thread's tiles have these shapes. A thread that gives them up has less to
// save when it is put to sleep.
struct Tiles {
  explicit Tiles(const TileShapes& shapes) { asm volatile("ldtilecfg %0" : : "m"(shapes)); }
  ~Tiles() { asm volatile("tilerelease"); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

template <int kTile>
inline void clear_tile() {
  asm volatile("tilezero %%tmm%c0" : : "i"(kTile));
}

// Line i is at `lines` + i * stride bytes.
template <int kTile>
inline void load_tile(const void* lines, int64_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(lines), "r"(stride), "i"(kTile) : "memory");
}
template <int kTile>
inline void store_tile(void* lines, int64_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(lines), "r"(stride), "i"(kTile) : "memory");
}

// sums[i][j] += four signed bytes of line k of `b` at column j times those of line i of `a` at
// column k, for all k, in 32 bits.
template <int kSums, int kA, int kB>
inline void add_bytes() {
  asm volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kA), "i"(kB));
}

// The same for pairs of bf16, in f32: first the products of the pairs' first numbers and those of
// their second are summed up from 0 by fused multiply-adds, k ascending; then the two sums are
// added, and that to sums[i][j]. What is nearer to 0 than 2^-126 counts as 0.
template <int kSums, int kA, int kB>
inline void add_pairs() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kA), "i"(kB));
}

}  // namespace
}  // namespace sparrow::kernels::amx
