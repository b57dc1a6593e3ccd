// The sizes beyond which a GGUF file is refused. Far above every published model, low enough that a
// hostile file cannot make its reader work or allocate for long.
#pragma once

#include <cstdint>

namespace sparrow::gguf {

inline constexpr uint64_t kMaxEntries = 16 * 1024;
inline constexpr uint64_t kMaxTensors = 64 * 1024;
inline constexpr uint64_t kMaxKeyBytes = 256;
inline constexpr uint64_t kMaxNameBytes = 128;
inline constexpr uint64_t kMaxStringBytes = uint64_t{16} << 20;
inline constexpr uint64_t kMaxArrayElements = uint64_t{4} << 20;
inline constexpr uint64_t kMaxStringElements = uint64_t{8} << 20;  // in all arrays of strings
inline constexpr uint64_t kMaxMetadataBytes = uint64_t{256} << 20;
inline constexpr uint32_t kMaxRank = 4;
inline constexpr uint64_t kMaxDimension = uint64_t{1} << 40;
inline constexpr uint64_t kMaxTensorValues = uint64_t{1} << 48;
inline constexpr uint64_t kMaxAlignment = uint64_t{1} << 20;
inline constexpr uint32_t kDefaultAlignment = 32;
inline constexpr uint32_t kMaxTypeId = 255;  // today's types end at 41
inline constexpr uint64_t kMaxParts = 1024;

}  // namespace sparrow::gguf
