// Names of the files that one model is split over: "qwen3-00002-of-00005.gguf".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sparrow::gguf {

struct SplitName {
  std::string prefix;  // with the folder, up to before "-00002"
  uint64_t part = 0;   // from 1
  uint64_t part_count = 0;

  // The path of another part of the same model.
  std::string path_of(uint64_t part_number) const;
};

// Empty if the path does not end in -0000N-of-0000M.gguf with 1 <= N <= M.
std::optional<SplitName> parse_split_name(std::string_view path);

}  // namespace sparrow::gguf
