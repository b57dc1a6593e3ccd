// What a character is to the reference tokenizers: a bit set for each code point.
#pragma once

#include <cstdint>

namespace sparrow {

enum CharacterClass : uint8_t {
  kLetter = 1,       // \p{L}
  kNumber = 2,       // \p{N}
  kSpace = 4,        // \s
  kPunctuation = 8,  // \p{P}
  kDigit = 16,       // what the Digits splitter cuts out; of a newer Unicode than kNumber
  kWord = 32,        // what an added token with single_word may not touch
};

// Two stages, blocks of 128 code points: generated/character_classes.cpp.
extern const uint8_t kCharacterClassBlock[];
extern const uint8_t kCharacterClassValue[];

// `code_point` is below 0x110000.
inline uint8_t character_class(char32_t code_point) {
  return kCharacterClassValue[kCharacterClassBlock[code_point >> 7] * 128 + (code_point & 127)];
}

}  // namespace sparrow
