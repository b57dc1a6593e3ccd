#include "gguf/part.h"

#include <array>
#include <bit>

#include "gguf/byte_reader.h"
#include "gguf/limits.h"
#include "gguf/metadata_reader.h"
#include "gguf/named_errors.h"
#include "gguf/tensor_directory.h"

namespace sparrow::gguf {
namespace {

// What people hand over in place of a GGUF file.
struct Lookalike {
  std::string_view start;
  std::string_view description;
};
constexpr std::array kLookalikes = {
    Lookalike{"version https://git-lfs", "a Git LFS pointer: the file itself was not downloaded"},
    Lookalike{"<!DOCTYPE", "a web page: the download got an error page in place of the file"},
    Lookalike{"<html", "a web page: the download got an error page in place of the file"},
    Lookalike{"PK\x03\x04", "a zip archive or a PyTorch checkpoint"},
    Lookalike{"tjgg", "an old GGML file (ggjt), from before GGUF"},
    Lookalike{"fmgg", "an old GGML file (ggmf), from before GGUF"},
    Lookalike{"lmgg", "an old GGML file, from before GGUF"},
};

[[noreturn]] void refuse_magic(std::span<const std::byte> bytes, const ByteReader& reader) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.empty()) reader.refuse(0, "magic", "the file is empty; a model starts with 'GGUF'");
  for (const Lookalike& row : kLookalikes) {
    if (text.starts_with(row.start))
      reader.refuse(0, "magic", "this is {}; a model starts with 'GGUF'", row.description);
  }
  if (text.size() > 8 && text[8] == '{')
    reader.refuse(0, "magic", "this looks like a safetensors file; a model starts with 'GGUF'");
  reader.refuse(0, "magic", "must be 'GGUF', is {}", quoted_text(text.substr(0, 4)));
}

uint32_t read_version(ByteReader& reader) {
  const uint64_t start = reader.position();
  const auto version = reader.number<uint32_t>("version");
  if (version == 2 || version == 3) return version;
  if ((version & 0xffff) == 0 && version != 0) {
    reader.fail_at(start, "version", ErrorCode::unsupported,
                   "the file is big-endian (version {}); only little-endian files are read",
                   __builtin_bswap32(version));
  }
  reader.fail_at(start, "version", ErrorCode::unsupported, "is {}; versions 2 and 3 are read",
                 version);
}

// `smallest_bytes` is the least that one item takes in the file: more than fit is a lie.
uint64_t read_count(ByteReader& reader, std::string_view field, uint64_t limit,
                    uint64_t smallest_bytes) {
  const uint64_t start = reader.position();
  const auto count = reader.number<uint64_t>(field);
  if (count > limit) reader.refuse(start, field, "is {}; at most {} are read", count, limit);
  if (count > reader.remaining_bytes() / smallest_bytes) {
    reader.refuse(start, field, "is {}, but the {} bytes that follow hold at most {}", count,
                  reader.remaining_bytes(), reader.remaining_bytes() / smallest_bytes);
  }
  return count;
}

uint64_t read_alignment(const Metadata& metadata, const ByteReader& reader) {
  constexpr std::string_view kKey = "general.alignment";
  if (!metadata.has(kKey)) return kDefaultAlignment;
  const uint64_t alignment =
      with_path_in_errors(reader.name(), [&] { return metadata.get_uint(kKey); });
  if (std::has_single_bit(alignment) && alignment <= kMaxAlignment) return alignment;
  fail(ErrorCode::invalid_file, "{}: {} is {}; must be a power of two, at most {}", reader.name(),
       kKey, alignment, kMaxAlignment);
}

}  // namespace

Part read_part(std::span<const std::byte> bytes, const std::string& name) {
  ByteReader reader(bytes, name);
  if (bytes.size() < 4 || std::memcmp(bytes.data(), "GGUF", 4) != 0) refuse_magic(bytes, reader);
  reader.take(4, "magic");
  Part part;
  part.version = read_version(reader);
  const uint64_t tensor_count =
      read_count(reader, "tensor count", kMaxTensors, kSmallestTensorInfoBytes);
  const uint64_t entry_count =
      read_count(reader, "metadata count", kMaxEntries, kSmallestEntryBytes);
  part.metadata = Metadata(read_entries(reader, entry_count));
  part.tensors = read_tensor_directory(reader, tensor_count, read_alignment(part.metadata, reader));
  return part;
}

}  // namespace sparrow::gguf
