// The data of canonical composition: generated/normalization.cpp.
#pragma once

#include <cstdint>

namespace sparrow {

struct Decomposition {
  char32_t code_point;
  uint16_t start;  // in kDecompositionText
  uint16_t length;
};
struct Composition {
  char32_t first;
  char32_t second;
  char32_t composed;
};

// Two stages, blocks of 128 code points. 0: a starter that composition leaves alone wherever it
// stands; 255: another starter; else the canonical combining class.
extern const uint8_t kNormalizationBlock[];
extern const uint8_t kNormalizationValue[];

extern const Decomposition kDecompositions[];  // full, by code point; Hangul is arithmetic
extern const int32_t kDecompositionCount;
extern const char32_t kDecompositionText[];
extern const Composition kCompositions[];  // by first, then second; Hangul is arithmetic
extern const int32_t kCompositionCount;

}  // namespace sparrow
