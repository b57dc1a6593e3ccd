#include "gguf/metadata_reader.h"

#include <algorithm>
#include <map>

#include "base/utf8.h"
#include "gguf/limits.h"

namespace sparrow::gguf {
namespace {

bool has_parent_step(std::string_view name) {
  for (size_t start = 0; start <= name.size();) {
    const size_t end = std::min(name.find_first_of("/\\", start), name.size());
    if (name.substr(start, end - start) == "..") return true;
    start = end + 1;
  }
  return false;
}

GgufType read_type(ByteReader& reader, std::string_view field) {
  const uint64_t start = reader.position();
  const auto id = reader.number<uint32_t>(field);
  if (id > static_cast<uint32_t>(GgufType::float64))
    reader.refuse(start, field, "has value type {}; types are 0 to 12", id);
  return static_cast<GgufType>(id);
}

// One of the three shapes that metadata keeps a scalar in.
GgufValue read_scalar(ByteReader& reader, GgufType type, std::string_view field) {
  const uint64_t start = reader.position();
  switch (type) {
    case GgufType::uint8:
      return uint64_t{reader.number<uint8_t>(field)};
    case GgufType::uint16:
      return uint64_t{reader.number<uint16_t>(field)};
    case GgufType::uint32:
      return uint64_t{reader.number<uint32_t>(field)};
    case GgufType::uint64:
      return reader.number<uint64_t>(field);
    case GgufType::int8:
      return int64_t{reader.number<int8_t>(field)};
    case GgufType::int16:
      return int64_t{reader.number<int16_t>(field)};
    case GgufType::int32:
      return int64_t{reader.number<int32_t>(field)};
    case GgufType::int64:
      return reader.number<int64_t>(field);
    case GgufType::float32:
      return double{reader.number<float>(field)};
    case GgufType::float64:
      return reader.number<double>(field);
    case GgufType::boolean: {
      const auto value = reader.number<uint8_t>(field);
      if (value > 1) reader.refuse(start, field, "must be 0 or 1 (a bool), is {}", value);
      return value == 1;
    }
    case GgufType::string:
      return reader.string(kMaxStringBytes, field);
    case GgufType::array:
      break;
  }
  return uint64_t{0};
}

std::vector<std::string_view> read_string_array(ByteReader& reader, uint64_t count,
                                                std::string_view field) {
  std::vector<std::string_view> strings;
  strings.reserve(count);
  for (uint64_t i = 0; i < count; ++i) strings.push_back(reader.string(kMaxStringBytes, field));
  return strings;
}

// `string_budget` is what is left for the arrays of strings of the whole file.
GgufValue read_array(ByteReader& reader, std::string_view field, uint64_t& string_budget) {
  const uint64_t start = reader.position();
  const GgufType type = read_type(reader, field);
  const auto count = reader.number<uint64_t>(field);
  if (type == GgufType::array)
    reader.fail_at(start, field, ErrorCode::unsupported, "is an array of arrays; not read here");
  if (count > kMaxArrayElements) {
    reader.refuse(start, field, "is an array of {} elements; at most {} are read", count,
                  kMaxArrayElements);
  }
  const bool is_strings = type == GgufType::string;
  const uint64_t smallest_bytes = is_strings ? 8 : value_bytes(type);
  if (count > reader.remaining_bytes() / smallest_bytes) {
    reader.refuse(start, field, "is an array of {} elements, but the {} bytes that follow hold {}",
                  count, reader.remaining_bytes(), reader.remaining_bytes() / smallest_bytes);
  }
  if (is_strings) {
    if (count > string_budget) {
      reader.refuse(start, field, "takes the arrays of strings beyond {} elements",
                    kMaxStringElements);
    }
    string_budget -= count;
    return read_string_array(reader, count, field);
  }
  const std::byte* data = reader.take(count * smallest_bytes, field);
  if (type == GgufType::boolean) {
    const std::byte* end = data + count;
    const std::byte* bad =
        std::find_if(data, end, [](std::byte value) { return value > std::byte{1}; });
    if (bad != end) {
      reader.refuse(static_cast<uint64_t>(bad - reader.data()), field,
                    "must be 0 or 1 (a bool), is {}", static_cast<unsigned>(*bad));
    }
  }
  return GgufNumberArray{type, data, count};
}

}  // namespace

uint64_t value_bytes(GgufType type) {
  switch (type) {
    case GgufType::uint8:
    case GgufType::int8:
    case GgufType::boolean:
      return 1;
    case GgufType::uint16:
    case GgufType::int16:
      return 2;
    case GgufType::uint32:
    case GgufType::int32:
    case GgufType::float32:
      return 4;
    case GgufType::uint64:
    case GgufType::int64:
    case GgufType::float64:
      return 8;
    case GgufType::string:
    case GgufType::array:
      return 0;
  }
  return 0;
}

std::string_view read_name(ByteReader& reader, uint64_t limit, std::string_view field) {
  const uint64_t start = reader.position();
  const std::string_view name = reader.string(limit, field);
  if (name.empty()) reader.refuse(start, field, "is empty");
  if (name.find('\0') != std::string_view::npos)
    reader.refuse(start, field, "{} has a zero byte in it", quoted_text(name));
  if (!is_valid_utf8(name)) reader.refuse(start, field, "{} is not UTF-8", quoted_text(name));
  if (has_parent_step(name))
    reader.refuse(start, field, "{} has '..' as a step of a path", quoted_text(name));
  return name;
}

std::vector<GgufEntry> read_entries(ByteReader& reader, uint64_t count) {
  std::vector<GgufEntry> entries;
  entries.reserve(count);
  std::map<std::string_view, uint64_t> places;
  uint64_t string_budget = kMaxStringElements;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t start = reader.position();
    GgufEntry entry;
    entry.key = read_name(reader, kMaxKeyBytes, fmt::format("metadata key {}", i));
    const std::string field = "key " + quoted_text(entry.key);
    const auto [place, is_new] = places.emplace(entry.key, start);
    if (!is_new) reader.refuse(start, field, "stands already at byte {}", place->second);
    entry.type = read_type(reader, field);
    entry.value = entry.type == GgufType::array ? read_array(reader, field, string_budget)
                                                : read_scalar(reader, entry.type, field);
    if (reader.position() > kMaxMetadataBytes) {
      reader.refuse(start, field, "takes the metadata beyond {} MiB", kMaxMetadataBytes >> 20);
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace sparrow::gguf
