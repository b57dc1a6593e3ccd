// What the packed tiles of each weight format say, value by value: the plain reading that packed
// matrix products are defined by. `w` points to one packed block of 16 rows, in which the field at
// byte offset f of the file's block starts at 16 f (tensor/packing.h).
//
// Each struct gives
//   kBytes, kValues   of a block of one row, kGroup values share a scale (16 or 32);
//   code()            the integer of value i, 0 to 255; kOffset is to be subtracted;
//   scale(), min()    of a group: value = scale * (code - kOffset) + min; no min without kHasMin.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/scalar/half.h"
#include "tensor/formats/blocks.h"

namespace sparrow::kernels::scalar {

// Byte `index` of a field that is packed byte by byte, or four bytes at a time.
static inline int byte1(const uint8_t* field, int index, int row) {
  return field[index * 16 + row];
}
static inline int byte4(const uint8_t* field, int index, int row) {
  return field[index / 4 * 64 + row * 4 + index % 4];
}
static inline int short1(const uint8_t* field, int row) {
  return field[row * 2] | field[row * 2 + 1] << 8;
}
static inline float half1(const uint8_t* field, int row) {
  return half_value(static_cast<uint16_t>(short1(field, row)));
}

// The codes of the older formats: byte j holds values j and j + 16.
static inline int nibble16(const uint8_t* qs, int row, int i) {
  return byte4(qs, i % 16, row) >> (i / 16 * 4) & 15;
}
// Of Q4_K and Q5_K: 32 bytes hold 64 values, the upper halves the last 32.
static inline int nibble32(const uint8_t* qs, int row, int i) {
  return byte4(qs, i / 64 * 32 + i % 32, row) >> (i % 64 / 32 * 4) & 15;
}
// Of Q2_K and Q3_K: 32 bytes hold 128 values.
static inline int two_bits(const uint8_t* qs, int row, int i) {
  return byte4(qs, i / 128 * 32 + i % 32, row) >> (i % 128 / 32 * 2) & 3;
}
// The twelve bytes of 6-bit scales of one row.
struct SmallScales {
  uint8_t bytes[12];
};
static inline SmallScales small_scales(const uint8_t* field, int row) {
  SmallScales scales;
  for (int i = 0; i < 12; ++i) scales.bytes[i] = static_cast<uint8_t>(byte1(field, i, row));
  return scales;
}

struct Q4_0 {
  static constexpr int kBytes = sizeof(BlockQ4_0);
  static constexpr int kValues = kSmallBlock, kGroup = 32, kOffset = 8;
  static constexpr bool kHasMin = false;
  static int code(const uint8_t* w, int row, int i) {
    return nibble16(w + 16 * offsetof(BlockQ4_0, qs), row, i);
  }
  static float scale(const uint8_t* w, int row, int) { return half1(w, row); }
};

struct Q4_1 {
  static constexpr int kBytes = sizeof(BlockQ4_1);
  static constexpr int kValues = kSmallBlock, kGroup = 32, kOffset = 0;
  static constexpr bool kHasMin = true;
  static int code(const uint8_t* w, int row, int i) {
    return nibble16(w + 16 * offsetof(BlockQ4_1, qs), row, i);
  }
  static float scale(const uint8_t* w, int row, int) { return half1(w, row); }
  static float min(const uint8_t* w, int row, int) {
    return half1(w + 16 * offsetof(BlockQ4_1, m), row);
  }
};

struct Q5_0 {
  static constexpr int kBytes = sizeof(BlockQ5_0);
  static constexpr int kValues = kSmallBlock, kGroup = 32, kOffset = 16;
  static constexpr bool kHasMin = false;
  static int code(const uint8_t* w, int row, int i) {
    const int high = byte4(w + 16 * offsetof(BlockQ5_0, qh), i / 8, row) >> (i % 8) & 1;
    return nibble16(w + 16 * offsetof(BlockQ5_0, qs), row, i) | high << 4;
  }
  static float scale(const uint8_t* w, int row, int) { return half1(w, row); }
};

struct Q5_1 {
  static constexpr int kBytes = sizeof(BlockQ5_1);
  static constexpr int kValues = kSmallBlock, kGroup = 32, kOffset = 0;
  static constexpr bool kHasMin = true;
  static int code(const uint8_t* w, int row, int i) {
    const int high = byte4(w + 16 * offsetof(BlockQ5_1, qh), i / 8, row) >> (i % 8) & 1;
    return nibble16(w + 16 * offsetof(BlockQ5_1, qs), row, i) | high << 4;
  }
  static float scale(const uint8_t* w, int row, int) { return half1(w, row); }
  static float min(const uint8_t* w, int row, int) {
    return half1(w + 16 * offsetof(BlockQ5_1, m), row);
  }
};

struct Q8_0 {
  static constexpr int kBytes = sizeof(BlockQ8_0);
  static constexpr int kValues = kSmallBlock, kGroup = 32, kOffset = 128;
  static constexpr bool kHasMin = false;
  static int code(const uint8_t* w, int row, int i) {
    return byte4(w + 16 * offsetof(BlockQ8_0, qs), i, row) ^ 128;
  }
  static float scale(const uint8_t* w, int row, int) { return half1(w, row); }
};

struct Q2_K {
  static constexpr int kBytes = sizeof(BlockQ2_K);
  static constexpr int kValues = kSuperBlock, kGroup = 16, kOffset = 0;
  static constexpr bool kHasMin = true;
  static int code(const uint8_t* w, int row, int i) {
    return two_bits(w + 16 * offsetof(BlockQ2_K, qs), row, i);
  }
  static float scale(const uint8_t* w, int row, int group) {
    const float d = half1(w + 16 * offsetof(BlockQ2_K, d), row);
    return d * static_cast<float>(byte1(w, group, row) & 15);
  }
  static float min(const uint8_t* w, int row, int group) {
    const float dmin = half1(w + 16 * offsetof(BlockQ2_K, dmin), row);
    return -(dmin * static_cast<float>(byte1(w, group, row) >> 4));
  }
};

struct Q3_K {
  static constexpr int kBytes = sizeof(BlockQ3_K);
  static constexpr int kValues = kSuperBlock, kGroup = 16, kOffset = 4;
  static constexpr bool kHasMin = false;
  static int code(const uint8_t* w, int row, int i) {
    const int high = byte4(w, i % 32, row) >> (i / 32) & 1;
    return two_bits(w + 16 * offsetof(BlockQ3_K, qs), row, i) | high << 2;
  }
  static float scale(const uint8_t* w, int row, int group) {
    const float d = half1(w + 16 * offsetof(BlockQ3_K, d), row);
    const SmallScales scales = small_scales(w + 16 * offsetof(BlockQ3_K, scales), row);
    return d * static_cast<float>(q3_k_scale(scales.bytes, group));
  }
};

struct Q4_K {
  static constexpr int kBytes = sizeof(BlockQ4_K);
  static constexpr int kValues = kSuperBlock, kGroup = 32, kOffset = 0;
  static constexpr bool kHasMin = true;
  static int code(const uint8_t* w, int row, int i) {
    return nibble32(w + 16 * offsetof(BlockQ4_K, qs), row, i);
  }
  static float scale(const uint8_t* w, int row, int group) {
    const SmallScales scales = small_scales(w + 16 * offsetof(BlockQ4_K, scales), row);
    return half1(w, row) * static_cast<float>(q4_k_scale(scales.bytes, group));
  }
  static float min(const uint8_t* w, int row, int group) {
    const float dmin = half1(w + 16 * offsetof(BlockQ4_K, dmin), row);
    const SmallScales scales = small_scales(w + 16 * offsetof(BlockQ4_K, scales), row);
    return -(dmin * static_cast<float>(q4_k_min(scales.bytes, group)));
  }
};

struct Q5_K {
  static constexpr int kBytes = sizeof(BlockQ5_K);
  static constexpr int kValues = kSuperBlock, kGroup = 32, kOffset = 0;
  static constexpr bool kHasMin = true;
  static_assert(offsetof(BlockQ5_K, scales) == offsetof(BlockQ4_K, scales));
  static int code(const uint8_t* w, int row, int i) {
    const int high = byte4(w + 16 * offsetof(BlockQ5_K, qh), i % 32, row) >> (i / 32) & 1;
    return nibble32(w + 16 * offsetof(BlockQ5_K, qs), row, i) | high << 4;
  }
  static float scale(const uint8_t* w, int row, int group) { return Q4_K::scale(w, row, group); }
  static float min(const uint8_t* w, int row, int group) { return Q4_K::min(w, row, group); }
};

struct Q6_K {
  static constexpr int kBytes = sizeof(BlockQ6_K);
  static constexpr int kValues = kSuperBlock, kGroup = 16, kOffset = 32;
  static constexpr bool kHasMin = false;
  static int code(const uint8_t* w, int row, int i) {
    const int half = i / 128, g = i % 128 / 32, l = i % 32;
    const int low = byte4(w, half * 64 + l + 32 * (g & 1), row) >> (g / 2 * 4) & 15;
    const int high = byte4(w + 16 * offsetof(BlockQ6_K, qh), half * 32 + l, row) >> (2 * g) & 3;
    return low | high << 4;
  }
  static float scale(const uint8_t* w, int row, int group) {
    const float d = half1(w + 16 * offsetof(BlockQ6_K, d), row);
    const int scale = byte1(w + 16 * offsetof(BlockQ6_K, scales), group, row);
    return d * static_cast<float>(static_cast<int8_t>(scale));
  }
};

struct IQ4_NL {
  static constexpr int kBytes = sizeof(BlockIQ4_NL);
  static constexpr int kValues = kSmallBlock, kGroup = 32, kOffset = 128;
  static constexpr bool kHasMin = false;
  static int code(const uint8_t* w, int row, int i) {
    return kIq4Values[nibble16(w + 16 * offsetof(BlockIQ4_NL, qs), row, i)] + 128;
  }
  static float scale(const uint8_t* w, int row, int) { return half1(w, row); }
};

struct IQ4_XS {
  static constexpr int kBytes = sizeof(BlockIQ4_XS);
  static constexpr int kValues = kSuperBlock, kGroup = 32, kOffset = 128;
  static constexpr bool kHasMin = false;
  static int code(const uint8_t* w, int row, int i) {
    const uint8_t* qs = w + 16 * offsetof(BlockIQ4_XS, qs) + i / 32 * 256;
    return kIq4Values[nibble16(qs, row, i % 32)] + 128;
  }
  static float scale(const uint8_t* w, int row, int group) {
    const int low = byte1(w + 16 * offsetof(BlockIQ4_XS, scales_l), group / 2, row);
    const int high = short1(w + 16 * offsetof(BlockIQ4_XS, scales_h), row);
    const int scale = (low >> (group % 2 * 4) & 15) | (high >> (2 * group) & 3) << 4;
    return half1(w, row) * static_cast<float>(scale - 32);
  }
};

}  // namespace sparrow::kernels::scalar
