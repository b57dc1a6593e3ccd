// What Python's str methods know about every code point, as sorted tables; see
// scripts/make_jinja_characters.py.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace sparrow::jinja {

// Bits of PropertyRange::properties.
enum CharacterProperty : uint16_t {
  kAlpha = 1,
  kDecimal = 2,
  kDigit = 4,
  kNumeric = 8,
  kUpper = 16,
  kLower = 32,
  kTitle = 64,
  kPrintable = 128,
  kCaseIgnorable = 256,
};

struct PropertyRange {
  uint32_t first;
  uint32_t last;
  uint16_t properties;
};

// Every `step`-th code point from `first` to `last` maps to itself plus `delta`.
struct CaseRun {
  uint32_t first;
  uint32_t last;
  uint32_t step;
  int32_t delta;
};

// A code point that maps to two or three; the rest is 0.
struct CaseSpecial {
  uint32_t code;
  std::array<uint32_t, 3> to;
};

extern const std::span<const PropertyRange> kPropertyRanges;
extern const std::span<const CaseRun> kUpperRuns;
extern const std::span<const CaseSpecial> kUpperSpecials;
extern const std::span<const CaseRun> kLowerRuns;
extern const std::span<const CaseSpecial> kLowerSpecials;
extern const std::span<const CaseRun> kTitleRuns;  // only where title case is not upper case
extern const std::span<const CaseSpecial> kTitleSpecials;
extern const std::span<const CaseRun> kFoldRuns;  // only where case folding is not lower case
extern const std::span<const CaseSpecial> kFoldSpecials;

}  // namespace sparrow::jinja
