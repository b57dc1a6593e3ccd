#include "apps/cli/display_text.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>

namespace sparrow::cli {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr std::string_view kReplacementBytes = "\xEF\xBF\xBD";

struct CodePoint {
  char32_t value = kReplacement;
  size_t size_bytes = 1;
  bool is_valid = false;
};

CodePoint decode(std::string_view text) {
  utf8proc_int32_t value = -1;
  const utf8proc_ssize_t size =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                       static_cast<utf8proc_ssize_t>(text.size()), &value);
  if (size <= 0 || value < 0) return {};
  return {static_cast<char32_t>(value), static_cast<size_t>(size), true};
}

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7f && c < 0xa0); }

int columns_of(char32_t c) {
  if (is_control(c)) return 0;
  return std::max(0, utf8proc_charwidth(static_cast<utf8proc_int32_t>(c)));
}

}  // namespace

TextCluster first_cluster(std::string_view text) {
  constexpr char32_t kEmojiStyle = 0xFE0F;
  const CodePoint first = decode(text);
  TextCluster cluster{text.substr(0, first.size_bytes), first.value, columns_of(first.value)};
  if (!first.is_valid || is_control(first.value)) return cluster;
  utf8proc_int32_t state = 0;
  size_t size = first.size_bytes;
  char32_t last = first.value;
  while (size < text.size()) {
    const CodePoint next = decode(text.substr(size));
    if (!next.is_valid ||
        utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(last),
                                         static_cast<utf8proc_int32_t>(next.value), &state)) {
      break;
    }
    // Terminals disagree about joined emoji: the sum is what the widest of them take.
    cluster.columns += columns_of(next.value);
    if (next.value == kEmojiStyle) cluster.columns = std::max(cluster.columns, 2);
    size += next.size_bytes;
    last = next.value;
  }
  cluster.bytes = text.substr(0, size);
  return cluster;
}

int display_columns(std::string_view text) {
  int columns = 0;
  while (!text.empty()) {
    const TextCluster cluster = first_cluster(text);
    columns += cluster.columns;
    text.remove_prefix(cluster.bytes.size());
  }
  return columns;
}

std::string without_control_characters(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = decode(text);
    const bool is_shown =
        point.is_valid && (!is_control(point.value) || point.value == '\n' || point.value == '\t');
    shown += is_shown ? text.substr(0, point.size_bytes) : kReplacementBytes;
    text.remove_prefix(point.size_bytes);
  }
  return shown;
}

std::string as_one_line(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = decode(text);
    if (!point.is_valid) {
      line += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
    } else if (point.value == '\n') {
      line += "\\n";
    } else if (is_control(point.value)) {
      line += fmt::format("\\x{:02x}", static_cast<uint32_t>(point.value));
    } else {
      line += text.substr(0, point.size_bytes);
    }
    text.remove_prefix(point.size_bytes);
  }
  return line;
}

}  // namespace sparrow::cli
