#include "gguf/split_name.h"

#include <fmt/format.h>

namespace sparrow::gguf {
namespace {

constexpr size_t kDigits = 5;

std::optional<uint64_t> read_digits(std::string_view text) {
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

}  // namespace

std::string SplitName::path_of(uint64_t part_number) const {
  return fmt::format("{}-{:05}-of-{:05}.gguf", prefix, part_number, part_count);
}

std::optional<SplitName> parse_split_name(std::string_view path) {
  constexpr std::string_view kExtension = ".gguf";
  constexpr std::string_view kOf = "-of-";
  constexpr size_t kTail = 1 + kDigits + kOf.size() + kDigits + kExtension.size();
  if (path.size() <= kTail || !path.ends_with(kExtension)) return std::nullopt;
  const std::string_view tail = path.substr(path.size() - kTail);
  if (tail[0] != '-' || tail.substr(1 + kDigits, kOf.size()) != kOf) return std::nullopt;
  const std::optional<uint64_t> part = read_digits(tail.substr(1, kDigits));
  const std::optional<uint64_t> count = read_digits(tail.substr(1 + kDigits + kOf.size(), kDigits));
  if (!part || !count || *part < 1 || *part > *count) return std::nullopt;
  return SplitName{std::string(path.substr(0, path.size() - kTail)), *part, *count};
}

}  // namespace sparrow::gguf
