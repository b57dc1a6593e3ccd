// The key-value half of a GGUF file, by key and with its type checked at every read.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sparrow {

// GGUF's value types, numbered as in the file.
enum class GgufType : uint32_t {
  uint8 = 0,
  int8 = 1,
  uint16 = 2,
  int16 = 3,
  uint32 = 4,
  int32 = 5,
  float32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  uint64 = 10,
  int64 = 11,
  float64 = 12,
};
std::string_view gguf_type_name(GgufType type);

// An array of numbers or booleans in the mapped file; its bytes may be unaligned.
struct GgufNumberArray {
  GgufType element_type = GgufType::uint8;
  const std::byte* data = nullptr;
  uint64_t count = 0;
};

// Strings are views into the mapped file (or into the writer's storage).
using GgufValue = std::variant<uint64_t, int64_t, double, bool, std::string_view, GgufNumberArray,
                               std::vector<std::string_view>>;

struct GgufEntry {
  std::string_view key;
  GgufType type = GgufType::uint32;
  GgufValue value;
};

// Immutable once read; any thread. A read of the wrong type throws Error{invalid_file} with key,
// the type found and the type wanted; integer widths convert where the value fits, with the value
// in the message where it does not.
class Metadata {
 public:
  Metadata() = default;
  explicit Metadata(std::vector<GgufEntry> entries);  // keys are unique; the reader has checked

  bool has(std::string_view key) const;
  std::span<const GgufEntry> entries() const { return entries_; }  // file order

  // Required: throw if the key is missing.
  uint64_t get_uint(std::string_view key) const;
  double get_float(std::string_view key) const;
  std::string_view get_string(std::string_view key) const;
  const std::vector<std::string_view>& get_strings(std::string_view key) const;

  // Optional: empty if the key is missing, still throw on a wrong type.
  std::optional<uint64_t> find_uint(std::string_view key) const;
  std::optional<int64_t> find_int(std::string_view key) const;
  std::optional<double> find_float(std::string_view key) const;
  std::optional<bool> find_bool(std::string_view key) const;
  std::optional<std::string_view> find_string(std::string_view key) const;
  const std::vector<std::string_view>* find_strings(std::string_view key) const;
  std::optional<std::vector<float>> find_floats(
      std::string_view key) const;  // float32 or float64 arrays
  std::optional<std::vector<int64_t>> find_ints(
      std::string_view key) const;  // any integer or boolean array

 private:
  const GgufEntry* find(std::string_view key) const;
  std::vector<GgufEntry> entries_;
  std::map<std::string_view, size_t> index_;
};

}  // namespace sparrow
