// Dequantization, 16 values at a time: first bits become bytes, then those become floats. The
// arithmetic on floats is the reference's, operation for operation, so the results have its bits.
#include "kernels/scalar/half.h"
#include "kernels/scalar/lanes.h"
#include "kernels/scalar/table.h"
#include "tensor/formats/blocks.h"

namespace sparrow::kernels::scalar {
namespace {

// A block where it lies, at any alignment. (Copying it out first would be slower than all the rest:
// vector loads that straddle two earlier stores wait for both.)
template <typename Block>
struct __attribute__((packed)) Unaligned {
  Block block;
};

template <typename Block>
const Unaligned<Block>& at(const void* blocks, int64_t index) {
  return static_cast<const Unaligned<Block>*>(blocks)[index];
}

// Floats of eight small integers each less `bias`. An integer written into the mantissa of 2^23 is
// the float 2^23 + q; the subtraction that takes 2^23 away is exact.
struct EightFloats {
  Lanes low, high;
};

EightFloats to_floats(ShortLanes q, float bias) {
  const ShortLanes exponent = ShortLanes{} + uint16_t{0x4b00};
  const ShortLanes low = __builtin_shufflevector(q, exponent, 0, 8, 1, 9, 2, 10, 3, 11);
  const ShortLanes high = __builtin_shufflevector(q, exponent, 4, 12, 5, 13, 6, 14, 7, 15);
  const float offset = 8388608.0f + bias;
  return {reinterpret_cast<Lanes>(low) - offset, reinterpret_cast<Lanes>(high) - offset};
}

// 16 small integers less `bias`, times d.
void scale(float* out, Bytes q, float bias, float d) {
  const EightFloats low = to_floats(widen_low(q), bias);
  const EightFloats high = to_floats(widen_high(q), bias);
  store(out, d * low.low);
  store(out + 4, d * low.high);
  store(out + 8, d * high.low);
  store(out + 12, d * high.high);
}

// q * d - m.
void scale_subtract(float* out, Bytes q, float d, float m) {
  const EightFloats low = to_floats(widen_low(q), 0);
  const EightFloats high = to_floats(widen_high(q), 0);
  store(out, d * low.low - m);
  store(out + 4, d * low.high - m);
  store(out + 8, d * high.low - m);
  store(out + 12, d * high.high - m);
}

// Two bytes of bits to 16 bytes of 0 or 16.
Bytes spread_fifth_bits(const uint8_t* bits) {
  const Bytes masks = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const LongLanes repeated = {bits[0] * 0x0101010101010101u, bits[1] * 0x0101010101010101u};
  const Bytes is_set =
      reinterpret_cast<Bytes>((reinterpret_cast<Bytes>(repeated) & masks) == masks);
  return is_set & uint8_t{16};
}

// The lowest bits up by four places: as 16-bit lanes, for none leaves its byte.
Bytes up_by_four(Bytes bits) {
  return reinterpret_cast<Bytes>(reinterpret_cast<ShortLanes>(bits) << 4);
}

void dequantize_q4_0(const void* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i, out += 32) {
    const auto& [block] = at<BlockQ4_0>(blocks, i);
    const float d = half_value(block.d);
    const Bytes qs = load_bytes(block.qs);
    scale(out, qs & uint8_t{15}, 8, d);
    scale(out + 16, shift_right(qs, 4, 15), 8, d);
  }
}

// d * q + m is d * q - (-m), to the bit.
void dequantize_q4_1(const void* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i, out += 32) {
    const auto& [block] = at<BlockQ4_1>(blocks, i);
    const float d = half_value(block.d);
    const float m = half_value(block.m);
    const Bytes qs = load_bytes(block.qs);
    scale_subtract(out, qs & uint8_t{15}, d, -m);
    scale_subtract(out + 16, shift_right(qs, 4, 15), d, -m);
  }
}

void dequantize_q5_0(const void* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i, out += 32) {
    const auto& [block] = at<BlockQ5_0>(blocks, i);
    const float d = half_value(block.d);
    const Bytes qs = load_bytes(block.qs);
    scale(out, (qs & uint8_t{15}) | spread_fifth_bits(block.qh), 16, d);
    scale(out + 16, shift_right(qs, 4, 15) | spread_fifth_bits(block.qh + 2), 16, d);
  }
}

void dequantize_q5_1(const void* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i, out += 32) {
    const auto& [block] = at<BlockQ5_1>(blocks, i);
    const float d = half_value(block.d);
    const float m = half_value(block.m);
    const Bytes qs = load_bytes(block.qs);
    scale_subtract(out, (qs & uint8_t{15}) | spread_fifth_bits(block.qh), d, -m);
    scale_subtract(out + 16, shift_right(qs, 4, 15) | spread_fifth_bits(block.qh + 2), d, -m);
  }
}

// Signed bytes, made unsigned by flipping their sign bit.
void dequantize_q8_0(const void* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i, out += 32) {
    const auto& [block] = at<BlockQ8_0>(blocks, i);
    const float d = half_value(block.d);
    scale(out, load_bytes(block.qs) ^ uint8_t{128}, 128, d);
    scale(out + 16, load_bytes(block.qs + 16) ^ uint8_t{128}, 128, d);
  }
}

void dequantize_q2_k(const void* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i) {
    const auto& [block] = at<BlockQ2_K>(blocks, i);
    const float d = half_value(block.d);
    const float dmin = half_value(block.dmin);
#pragma GCC unroll 16  // so that shifts are constants
    for (int sub_block = 0; sub_block < 16; ++sub_block, out += 16) {
      const int half = sub_block / 8;
      const Bytes qs = load_bytes(block.qs + 32 * half + 16 * (sub_block % 2));
      const uint8_t s = block.scales[sub_block];
      scale_subtract(out, shift_right(qs, sub_block % 8 / 2 * 2, 3), d * static_cast<float>(s & 15),
                     dmin * static_cast<float>(s >> 4));
    }
  }
}

void dequantize_q3_k(const void* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i) {
    const auto& [block] = at<BlockQ3_K>(blocks, i);
    const float d = half_value(block.d);
#pragma GCC unroll 16  // so that shifts are constants
    for (int sub_block = 0; sub_block < 16; ++sub_block, out += 16) {
      const int group = sub_block / 2;  // of 32 values
      const int part = 16 * (sub_block % 2);
      const Bytes qs = load_bytes(block.qs + 32 * (group / 4) + part);
      const Bytes low = shift_right(qs, 2 * (group % 4), 3);
      const Bytes high = shift_right(load_bytes(block.hmask + part), group, 1);
      const float s = static_cast<float>(q3_k_scale(block.scales, sub_block));
      scale(out, low + reinterpret_cast<Bytes>(reinterpret_cast<ShortLanes>(high) << 2), 4, d * s);
    }
  }
}

void dequantize_q4_k(const void* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i) {
    const auto& [block] = at<BlockQ4_K>(blocks, i);
    const float d = half_value(block.d);
    const float dmin = half_value(block.dmin);
#pragma GCC unroll 8  // so that shifts are constants
    for (int sub_block = 0; sub_block < 8; ++sub_block) {
      const float s = d * static_cast<float>(q4_k_scale(block.scales, sub_block));
      const float m = dmin * static_cast<float>(q4_k_min(block.scales, sub_block));
      for (int part = 0; part < 32; part += 16, out += 16) {
        const Bytes qs = load_bytes(block.qs + 32 * (sub_block / 2) + part);
        scale_subtract(out, shift_right(qs, sub_block % 2 * 4, 15), s, m);
      }
    }
  }
}

void dequantize_q5_k(const void* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i) {
    const auto& [block] = at<BlockQ5_K>(blocks, i);
    const float d = half_value(block.d);
    const float dmin = half_value(block.dmin);
#pragma GCC unroll 8  // so that shifts are constants
    for (int sub_block = 0; sub_block < 8; ++sub_block) {
      const float s = d * static_cast<float>(q4_k_scale(block.scales, sub_block));
      const float m = dmin * static_cast<float>(q4_k_min(block.scales, sub_block));
      for (int part = 0; part < 32; part += 16, out += 16) {
        const Bytes qs = load_bytes(block.qs + 32 * (sub_block / 2) + part);
        const Bytes fifth = shift_right(load_bytes(block.qh + part), sub_block, 1);
        scale_subtract(out, shift_right(qs, sub_block % 2 * 4, 15) | up_by_four(fifth), s, m);
      }
    }
  }
}

void dequantize_q6_k(const void* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i) {
    const auto& [block] = at<BlockQ6_K>(blocks, i);
    const float d = half_value(block.d);
#pragma GCC unroll 16  // so that shifts are constants
    for (int sub_block = 0; sub_block < 16; ++sub_block, out += 16) {
      const int half = sub_block / 8;
      const int group = sub_block % 8 / 2;  // of 32 values
      const int part = 16 * (sub_block % 2);
      const Bytes low = load_bytes(block.ql + 64 * half + 32 * (group % 2) + part);
      const Bytes high = shift_right(load_bytes(block.qh + 32 * half + part), 2 * group, 3);
      scale(out, shift_right(low, group / 2 * 4, 15) | up_by_four(high), 32,
            d * static_cast<float>(block.scales[sub_block]));
    }
  }
}

constexpr float kIq4Floats[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                  1,    13,   25,  38,  53,  69,  89,  113};

void scale_iq4(float* out, const uint8_t* qs, float d) {
  for (int j = 0; j < 16; ++j) out[j] = d * kIq4Floats[qs[j] & 15];
  for (int j = 0; j < 16; ++j) out[16 + j] = d * kIq4Floats[qs[j] >> 4];
}

void dequantize_iq4_nl(const void* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i) {
    const auto& [block] = at<BlockIQ4_NL>(blocks, i);
    scale_iq4(out + 32 * i, block.qs, half_value(block.d));
  }
}

void dequantize_iq4_xs(const void* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i) {
    const BlockIQ4_XS block = at<BlockIQ4_XS>(blocks, i).block;
    const float d = half_value(block.d);
    for (int sub_block = 0; sub_block < 8; ++sub_block) {
      scale_iq4(out + 256 * i + 32 * sub_block, block.qs + 16 * sub_block,
                d * static_cast<float>(iq4_xs_scale(block, sub_block)));
    }
  }
}

void dequantize_f16(const void* blocks, float* out, int64_t block_count) {
  int64_t i = 0;
  for (; i + 8 <= block_count; i += 8)
    expand_halves(out + i, static_cast<const char*>(blocks) + 2 * i);
  for (; i < block_count; ++i) out[i] = half_value(at<uint16_t>(blocks, i).block);
}

void dequantize_bf16(const void* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i) out[i] = bfloat_value(at<uint16_t>(blocks, i).block);
}

struct Row {
  uint32_t gguf_id;
  Dequantize dequantize;
};

constexpr Row kRows[] = {
    {1, dequantize_f16},     {2, dequantize_q4_0},  {3, dequantize_q4_1},  {6, dequantize_q5_0},
    {7, dequantize_q5_1},    {8, dequantize_q8_0},  {10, dequantize_q2_k}, {11, dequantize_q3_k},
    {12, dequantize_q4_k},   {13, dequantize_q5_k}, {14, dequantize_q6_k}, {20, dequantize_iq4_nl},
    {23, dequantize_iq4_xs}, {30, dequantize_bf16},
};

}  // namespace

Dequantize find_dequantize(uint32_t gguf_id) {
  for (const Row& row : kRows) {
    if (row.gguf_id == gguf_id) return row.dequantize;
  }
  return nullptr;
}

}  // namespace sparrow::kernels::scalar
