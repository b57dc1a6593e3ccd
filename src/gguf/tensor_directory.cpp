#include "gguf/tensor_directory.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "base/checked.h"
#include "gguf/limits.h"
#include "gguf/metadata_reader.h"

namespace sparrow::gguf {
namespace {

// An entry before its place in the file is known.
struct DirectoryEntry {
  TensorInfo info;
  uint64_t entry_start = 0;  // of the directory's entry, for messages
  uint64_t offset = 0;       // from the start of the data
};

std::string field_of(const DirectoryEntry& entry) {
  return "tensor " + quoted_text(entry.info.name);
}

Shape read_shape(ByteReader& reader, std::string_view field) {
  const uint64_t start = reader.position();
  const auto rank = reader.number<uint32_t>(field);
  if (rank < 1 || rank > kMaxRank)
    reader.refuse(start, field, "has {} dimensions; must have 1 to {}", rank, kMaxRank);
  Shape shape;
  shape.rank = static_cast<int>(rank);
  uint64_t values = 1;
  for (uint32_t axis = 0; axis < rank; ++axis) {
    const uint64_t dimension_start = reader.position();
    const auto dimension = reader.number<uint64_t>(field);
    if (dimension < 1 || dimension > kMaxDimension) {
      reader.refuse(dimension_start, field, "has dimension {} of {}; must be 1 to {}", axis,
                    dimension, kMaxDimension);
    }
    const std::optional<uint64_t> product = checked_mul(values, dimension);
    if (!product || *product > kMaxTensorValues)
      reader.refuse(start, field, "has more than {} values", kMaxTensorValues);
    values = *product;
    shape.dims[axis] = static_cast<int64_t>(dimension);
  }
  return shape;
}

// Of a type that only a newer program knows the size is unknown: 0, and the file still opens.
uint64_t data_bytes(const ByteReader& reader, const DirectoryEntry& entry) {
  const std::optional<BlockLayout> layout = find_block_layout(entry.info.gguf_type_id);
  if (!layout) return 0;
  const Shape& shape = entry.info.shape;
  if (shape[0] % layout->block_values != 0) {
    reader.refuse(entry.entry_start, field_of(entry),
                  "has rows of {} values; rows of {} are whole blocks of {}", shape[0],
                  layout->name, layout->block_values);
  }
  const auto row_bytes = checked_mul(static_cast<uint64_t>(shape[0] / layout->block_values),
                                     static_cast<uint64_t>(layout->block_bytes));
  const auto bytes =
      row_bytes ? checked_mul(*row_bytes, static_cast<uint64_t>(shape.row_count())) : std::nullopt;
  if (!bytes) reader.refuse(entry.entry_start, field_of(entry), "is larger than any file");
  return *bytes;
}

DirectoryEntry read_entry(ByteReader& reader, uint64_t index) {
  DirectoryEntry entry;
  entry.entry_start = reader.position();
  entry.info.name = read_name(reader, kMaxNameBytes, fmt::format("name of tensor {}", index));
  const std::string field = field_of(entry);
  entry.info.shape = read_shape(reader, field);
  const uint64_t type_start = reader.position();
  entry.info.gguf_type_id = reader.number<uint32_t>(field);
  if (entry.info.gguf_type_id > kMaxTypeId) {
    reader.refuse(type_start, field, "has type {}, which no GGUF file has; these are read: {}",
                  entry.info.gguf_type_id, format_names());
  }
  entry.info.format = find_format(entry.info.gguf_type_id);
  entry.offset = reader.number<uint64_t>(field);
  entry.info.size_bytes = data_bytes(reader, entry);
  return entry;
}

// Compares as integers first: a pointer is formed only to bytes that are there.
void place_tensor(const ByteReader& reader, uint64_t data_start, DirectoryEntry& entry) {
  const std::optional<uint64_t> start = checked_add(data_start, entry.offset);
  const std::optional<uint64_t> end =
      start ? checked_add(*start, entry.info.size_bytes) : std::nullopt;
  if (!end || *end > reader.size_bytes()) {
    reader.refuse(entry.entry_start, field_of(entry),
                  "has {} bytes of {} at offset {} of the data, which begin at byte {}, but the "
                  "file has {} bytes: it is cut short or its directory is wrong",
                  entry.info.size_bytes, format_name(entry.info.gguf_type_id), entry.offset,
                  data_start, reader.size_bytes());
  }
  entry.info.data = reader.data() + *start;
}

void check_overlap(const ByteReader& reader, const std::vector<DirectoryEntry>& entries) {
  std::vector<const DirectoryEntry*> by_offset;
  by_offset.reserve(entries.size());
  for (const DirectoryEntry& entry : entries) by_offset.push_back(&entry);
  std::ranges::sort(by_offset, {}, [](const DirectoryEntry* entry) {
    return std::pair(entry->offset, entry->info.size_bytes);
  });
  for (size_t i = 1; i < by_offset.size(); ++i) {
    const DirectoryEntry& before = *by_offset[i - 1];
    const DirectoryEntry& entry = *by_offset[i];
    if (entry.offset - before.offset >= before.info.size_bytes) continue;
    reader.refuse(entry.entry_start, field_of(entry),
                  "begins at offset {} of the data, inside tensor {}, which has {} bytes at {}",
                  entry.offset, quoted_text(before.info.name), before.info.size_bytes,
                  before.offset);
  }
}

}  // namespace

std::vector<TensorInfo> read_tensor_directory(ByteReader& reader, uint64_t count,
                                              uint64_t alignment) {
  std::vector<DirectoryEntry> entries;
  entries.reserve(count);
  std::map<std::string_view, uint64_t> places;
  for (uint64_t i = 0; i < count; ++i) {
    entries.push_back(read_entry(reader, i));
    const DirectoryEntry& entry = entries.back();
    const auto [place, is_new] = places.emplace(entry.info.name, entry.entry_start);
    if (!is_new) {
      reader.refuse(entry.entry_start, field_of(entry), "stands already at byte {}", place->second);
    }
  }
  const std::optional<uint64_t> data_start = checked_align_up(reader.position(), alignment);
  if (!data_start) reader.refuse(reader.position(), "tensor data", "begin beyond any file");
  for (DirectoryEntry& entry : entries) place_tensor(reader, *data_start, entry);
  check_overlap(reader, entries);

  std::vector<TensorInfo> tensors;
  tensors.reserve(count);
  for (const DirectoryEntry& entry : entries) tensors.push_back(entry.info);
  return tensors;
}

}  // namespace sparrow::gguf
