// The bytes of one block of each weight format, field for field as GGUF stores them
// (little-endian). Plain structs, so that kernels may include this file. f16 fields hold the raw
// half bits.
#pragma once

#include <cstdint>

namespace sparrow {

constexpr int kSmallBlock = 32;   // values in a block of the older formats and IQ4_NL
constexpr int kSuperBlock = 256;  // values in a block of the K formats and IQ4_XS

// value = d * (q - 8). Byte j holds element j (low half) and j + 16 (high half); so in all Q4/Q5.
struct BlockQ4_0 {
  uint16_t d;
  uint8_t qs[16];
};

// value = d * q + m
struct BlockQ4_1 {
  uint16_t d;
  uint16_t m;
  uint8_t qs[16];
};

// value = d * (q - 16); the fifth bit of element j is bit j of qh, read as a little-endian u32.
struct BlockQ5_0 {
  uint16_t d;
  uint8_t qh[4];
  uint8_t qs[16];
};

// value = d * q + m
struct BlockQ5_1 {
  uint16_t d;
  uint16_t m;
  uint8_t qh[4];
  uint8_t qs[16];
};

// value = d * q
struct BlockQ8_0 {
  uint16_t d;
  int8_t qs[32];
};

// 16 sub-blocks of 16: value = d * (scale & 15) * q - dmin * (scale >> 4). Each half of 128 values
// lies in 32 bytes of qs: bits 2g and 2g + 1 of byte l are element 32g + l.
struct BlockQ2_K {
  uint8_t scales[16];
  uint8_t qs[64];
  uint16_t d;
  uint16_t dmin;
};

// 16 sub-blocks of 16: value = d * (scale - 32) * (q - (high bit ? 0 : 4)). q as in Q2_K; the high
// bit of half h, group g, lane l is bit 4h + g of hmask[l].
struct BlockQ3_K {
  uint8_t hmask[32];
  uint8_t qs[64];
  uint8_t scales[12];  // 6 bits each: q3_k_scale()
  uint16_t d;
};

// 8 sub-blocks of 32: value = d * scale * q - dmin * min. Chunk c of 64 values lies in 32 bytes of
// qs: low halves are sub-block 2c, high halves 2c + 1.
struct BlockQ4_K {
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];  // 6 bits each: q4_k_scale(), q4_k_min()
  uint8_t qs[128];
};

// As Q4_K with a fifth bit: bit j of qh[l] belongs to element l of sub-block j.
struct BlockQ5_K {
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];
  uint8_t qh[32];
  uint8_t qs[128];
};

// 16 sub-blocks of 16: value = d * scale * (q - 32). For each half of 128 values (64 bytes of ql,
// 32 of qh) element 32g + l takes its low four bits from ql[l + 32 * (g & 1)], low half for g < 2,
// and its high two from bits 2g and 2g + 1 of qh[l].
struct BlockQ6_K {
  uint8_t ql[128];
  uint8_t qh[64];
  int8_t scales[16];
  uint16_t d;
};

// value = d * kIq4Values[q]
struct BlockIQ4_NL {
  uint16_t d;
  uint8_t qs[16];
};

// 8 sub-blocks of 32: value = d * (scale - 32) * kIq4Values[q]. Sub-block j has 16 bytes of qs,
// laid out as Q4_0; its scale has four bits in scales_l and two in scales_h: iq4_xs_scale().
struct BlockIQ4_XS {
  uint16_t d;
  uint16_t scales_h;
  uint8_t scales_l[4];
  uint8_t qs[128];
};

// The code book of both IQ4 formats: denser near zero, where weights are.
constexpr int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                   1,    13,   25,  38,  53,  69,  89,  113};

// Sub-blocks 0 to 3 keep six bits in one byte; 4 to 7 keep four in the last bytes and borrow the
// two upper bits of the first eight.
constexpr int q4_k_scale(const uint8_t* scales, int sub_block) {
  return sub_block < 4 ? scales[sub_block] & 63
                       : (scales[sub_block + 4] & 15) | (scales[sub_block - 4] >> 6) << 4;
}

constexpr int q4_k_min(const uint8_t* scales, int sub_block) {
  return sub_block < 4 ? scales[sub_block + 4] & 63
                       : (scales[sub_block + 4] >> 4) | (scales[sub_block] >> 6) << 4;
}

// Of sub-block 0 to 15, the 32 already subtracted.
constexpr int q3_k_scale(const uint8_t* scales, int sub_block) {
  const int low = sub_block < 8 ? scales[sub_block] & 15 : scales[sub_block - 8] >> 4;
  const int high = (scales[8 + sub_block % 4] >> (2 * (sub_block / 4))) & 3;
  return (low | high << 4) - 32;
}

// Of sub-block 0 to 7, the 32 already subtracted.
constexpr int iq4_xs_scale(const BlockIQ4_XS& block, int sub_block) {
  const int low = (block.scales_l[sub_block / 2] >> (4 * (sub_block % 2))) & 15;
  const int high = (block.scales_h >> (2 * sub_block)) & 3;
  return (low | high << 4) - 32;
}

static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 && sizeof(BlockQ5_0) == 22);
static_assert(sizeof(BlockQ5_1) == 24 && sizeof(BlockQ8_0) == 34 && sizeof(BlockIQ4_NL) == 18);
static_assert(sizeof(BlockQ2_K) == 84 && sizeof(BlockQ3_K) == 110 && sizeof(BlockQ4_K) == 144);
static_assert(sizeof(BlockQ5_K) == 176 && sizeof(BlockQ6_K) == 210 && sizeof(BlockIQ4_XS) == 136);

}  // namespace sparrow
