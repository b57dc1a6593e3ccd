#include "gguf/metadata.h"

#include <concepts>
#include <utility>

#include "base/error.h"
#include "gguf/byte_reader.h"

namespace sparrow {
namespace {

std::string describe(const GgufEntry& entry) {
  if (const auto* numbers = std::get_if<GgufNumberArray>(&entry.value))
    return fmt::format("an array of {}", gguf_type_name(numbers->element_type));
  if (std::holds_alternative<std::vector<std::string_view>>(entry.value))
    return "an array of string";
  return fmt::format("a {}", gguf_type_name(entry.type));
}

[[noreturn]] void fail_type(const GgufEntry& entry, std::string_view wanted) {
  fail(ErrorCode::invalid_file, "key {} must be {}, is {}", quoted_text(entry.key), wanted,
       describe(entry));
}

[[noreturn]] void fail_missing(std::string_view key) {
  fail(ErrorCode::invalid_file, "key {} is missing", quoted_text(key));
}

// Any integer as T, or an error with the value that does not fit.
template <std::integral T>
T to_integer(const GgufEntry& entry, std::string_view wanted) {
  const auto convert = [&](auto value) {
    if (std::in_range<T>(value)) return static_cast<T>(value);
    fail(ErrorCode::invalid_file, "key {} must be {}, is {}", quoted_text(entry.key), wanted,
         value);
  };
  if (const auto* value = std::get_if<uint64_t>(&entry.value)) return convert(*value);
  if (const auto* value = std::get_if<int64_t>(&entry.value)) return convert(*value);
  fail_type(entry, wanted);
}

template <typename T>
T load(const std::byte* data, uint64_t index) {
  T value;
  std::memcpy(&value, data + index * sizeof(T), sizeof(T));
  return value;
}

// Calls `take` with every element of the array at its own type.
template <typename Take>
void for_each_number(const GgufNumberArray& array, const Take& take) {
  const auto all = [&]<typename T>(T) {
    for (uint64_t i = 0; i < array.count; ++i) take(load<T>(array.data, i));
  };
  switch (array.element_type) {
    case GgufType::uint8:
    case GgufType::boolean:
      return all(uint8_t{});
    case GgufType::int8:
      return all(int8_t{});
    case GgufType::uint16:
      return all(uint16_t{});
    case GgufType::int16:
      return all(int16_t{});
    case GgufType::uint32:
      return all(uint32_t{});
    case GgufType::int32:
      return all(int32_t{});
    case GgufType::uint64:
      return all(uint64_t{});
    case GgufType::int64:
      return all(int64_t{});
    case GgufType::float32:
      return all(float{});
    case GgufType::float64:
      return all(double{});
    case GgufType::string:
    case GgufType::array:
      return;
  }
}

bool is_float(GgufType type) { return type == GgufType::float32 || type == GgufType::float64; }

}  // namespace

std::string_view gguf_type_name(GgufType type) {
  constexpr std::string_view kNames[] = {"uint8",  "int8",    "uint16", "int16",  "uint32",
                                         "int32",  "float32", "bool",   "string", "array",
                                         "uint64", "int64",   "float64"};
  const auto index = static_cast<size_t>(type);
  return index < std::size(kNames) ? kNames[index] : "unknown type";
}

Metadata::Metadata(std::vector<GgufEntry> entries) : entries_(std::move(entries)) {
  for (size_t i = 0; i < entries_.size(); ++i) index_.emplace(entries_[i].key, i);
}

const GgufEntry* Metadata::find(std::string_view key) const {
  const auto found = index_.find(key);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

bool Metadata::has(std::string_view key) const { return find(key) != nullptr; }

std::optional<uint64_t> Metadata::find_uint(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  return to_integer<uint64_t>(*entry, "a whole number from 0 on");
}

std::optional<int64_t> Metadata::find_int(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  return to_integer<int64_t>(*entry, "a whole number of 64 bits");
}

std::optional<double> Metadata::find_float(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  if (const auto* value = std::get_if<double>(&entry->value)) return *value;
  fail_type(*entry, "a float32 or float64");
}

std::optional<bool> Metadata::find_bool(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  if (const auto* value = std::get_if<bool>(&entry->value)) return *value;
  fail_type(*entry, "a bool");
}

std::optional<std::string_view> Metadata::find_string(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  if (const auto* value = std::get_if<std::string_view>(&entry->value)) return *value;
  fail_type(*entry, "a string");
}

const std::vector<std::string_view>* Metadata::find_strings(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return nullptr;
  if (const auto* value = std::get_if<std::vector<std::string_view>>(&entry->value)) return value;
  fail_type(*entry, "an array of string");
}

std::optional<std::vector<float>> Metadata::find_floats(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  const auto* array = std::get_if<GgufNumberArray>(&entry->value);
  if (array == nullptr || !is_float(array->element_type))
    fail_type(*entry, "an array of float32 or float64");
  std::vector<float> values;
  values.reserve(array->count);
  for_each_number(*array, [&](auto value) { values.push_back(static_cast<float>(value)); });
  return values;
}

std::optional<std::vector<int64_t>> Metadata::find_ints(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  const auto* array = std::get_if<GgufNumberArray>(&entry->value);
  if (array == nullptr || is_float(array->element_type))
    fail_type(*entry, "an array of whole numbers");
  std::vector<int64_t> values;
  values.reserve(array->count);
  for_each_number(*array, [&](auto value) {
    if constexpr (std::integral<decltype(value)>) {
      if (!std::in_range<int64_t>(value)) {
        fail(ErrorCode::invalid_file,
             "element {} of key {} is {}, more than 64 bits with sign hold", values.size(),
             quoted_text(key), value);
      }
      values.push_back(static_cast<int64_t>(value));
    }
  });
  return values;
}

uint64_t Metadata::get_uint(std::string_view key) const {
  const std::optional<uint64_t> value = find_uint(key);
  if (!value) fail_missing(key);
  return *value;
}

double Metadata::get_float(std::string_view key) const {
  const std::optional<double> value = find_float(key);
  if (!value) fail_missing(key);
  return *value;
}

std::string_view Metadata::get_string(std::string_view key) const {
  const std::optional<std::string_view> value = find_string(key);
  if (!value) fail_missing(key);
  return *value;
}

const std::vector<std::string_view>& Metadata::get_strings(std::string_view key) const {
  const std::vector<std::string_view>* value = find_strings(key);
  if (value == nullptr) fail_missing(key);
  return *value;
}

}  // namespace sparrow
