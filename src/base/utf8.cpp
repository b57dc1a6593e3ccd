#include "base/utf8.h"

#include <cstring>

namespace sparrow {
namespace {

// What may follow a first byte: the range of the second one, and how many bytes there are in all.
// 0 bytes: nothing begins so.
struct Lead {
  uint32_t size_bytes;
  unsigned char second_low;
  unsigned char second_high;
};

Lead lead_of(unsigned char first) {
  if (first < 0x80) return {1, 0, 0};
  if (first < 0xC2) return {0, 0, 0};  // a continuation, or an overlong form
  if (first < 0xE0) return {2, 0x80, 0xBF};
  if (first == 0xE0) return {3, 0xA0, 0xBF};
  if (first == 0xED) return {3, 0x80, 0x9F};  // above are the surrogates
  if (first < 0xF0) return {3, 0x80, 0xBF};
  if (first == 0xF0) return {4, 0x90, 0xBF};
  if (first < 0xF4) return {4, 0x80, 0xBF};
  if (first == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

// How many bytes from `at` on agree with `lead`, at most lead.size_bytes.
uint32_t agreeing_bytes(std::string_view text, size_t at, const Lead& lead) {
  uint32_t count = 1;
  while (count < lead.size_bytes && at + count < text.size()) {
    const unsigned char byte = static_cast<unsigned char>(text[at + count]);
    const unsigned char low = count == 1 ? lead.second_low : 0x80;
    const unsigned char high = count == 1 ? lead.second_high : 0xBF;
    if (byte < low || byte > high) break;
    ++count;
  }
  return count;
}

// The first byte that is not ASCII, from `at` on.
size_t skip_ascii(std::string_view text, size_t at) {
  while (at + 8 <= text.size()) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    if (word & 0x8080808080808080u) break;
    at += 8;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
  return at;
}

}  // namespace

Utf8Character decode_utf8(std::string_view text, size_t at) {
  const Lead lead = lead_of(static_cast<unsigned char>(text[at]));
  if (lead.size_bytes == 0) return {kReplacementCharacter, 1, false};
  const uint32_t count = agreeing_bytes(text, at, lead);
  if (count < lead.size_bytes) return {kReplacementCharacter, count, false};
  uint32_t size_bytes = 0;
  const char32_t code_point = decode_valid_utf8(text.data() + at, size_bytes);
  return {code_point, size_bytes, true};
}

void append_utf8(char32_t code_point, std::string& text) {
  const uint32_t c = code_point;
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else if (c < 0x800) {
    text += static_cast<char>(0xC0 | c >> 6);
    text += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    text += static_cast<char>(0xE0 | c >> 12);
    text += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    text += static_cast<char>(0xF0 | c >> 18);
    text += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    text += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (c & 0x3F));
  }
}

bool is_valid_utf8(std::string_view text) {
  for (size_t at = skip_ascii(text, 0); at < text.size(); at = skip_ascii(text, at)) {
    const Lead lead = lead_of(static_cast<unsigned char>(text[at]));
    if (lead.size_bytes == 0 || agreeing_bytes(text, at, lead) < lead.size_bytes) return false;
    at += lead.size_bytes;
  }
  return true;
}

std::string repair_utf8(std::string_view text) {
  std::string repaired;
  repaired.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t after_ascii = skip_ascii(text, at);
    repaired.append(text, at, after_ascii - at);
    at = after_ascii;
    if (at == text.size()) break;
    const Utf8Character character = decode_utf8(text, at);
    if (character.is_valid) {
      repaired.append(text, at, character.size_bytes);
    } else {
      append_utf8(kReplacementCharacter, repaired);
    }
    at += character.size_bytes;
  }
  return repaired;
}

size_t unfinished_utf8_bytes(std::string_view text) {
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const size_t at = text.size() - back;
    const unsigned char byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) return 0;
    if (byte < 0xC0) continue;
    const Lead lead = lead_of(byte);
    const bool can_grow = lead.size_bytes > back && agreeing_bytes(text, at, lead) == back;
    return can_grow ? back : 0;
  }
  return 0;
}

}  // namespace sparrow
