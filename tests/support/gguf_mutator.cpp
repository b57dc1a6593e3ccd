#include "tests/support/gguf_mutator.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <string_view>

#include "tests/support/gguf_fields.h"

namespace sparrow::test_support {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint64_t kEdges[] = {0,
                               1,
                               2,
                               3,
                               4,
                               5,
                               8,
                               9,
                               12,
                               13,
                               16,
                               31,
                               32,
                               33,
                               64,
                               128,
                               129,
                               255,
                               256,
                               257,
                               65536,
                               65537,
                               uint64_t{1} << 20,
                               (uint64_t{1} << 31) - 1,
                               uint64_t{1} << 31,
                               UINT32_MAX,
                               uint64_t{1} << 32,
                               uint64_t{1} << 40,
                               (uint64_t{1} << 40) + 1,
                               (uint64_t{1} << 42) + 1,
                               uint64_t{1} << 48,
                               uint64_t{1} << 62,
                               uint64_t{1} << 63,
                               UINT64_MAX - 31,
                               UINT64_MAX};

class Mutator {
 public:
  Mutator(Bytes bytes, uint64_t seed)
      : bytes_(std::move(bytes)), layout_(find_fields(bytes_)), random_(seed) {}

  Bytes mutate() {
    const uint64_t share = below(100);
    if (share < 10) {
      change_field(FieldGroup::header);
    } else if (share < 45) {
      change_group(FieldGroup::metadata);
    } else if (share < 80) {
      change_group(FieldGroup::tensors);
    } else if (share < 90) {
      copy_field();
    } else if (share < 95) {
      add_alignment();
    } else {
      change_data();
    }
    return std::move(bytes_);
  }

 private:
  uint64_t below(uint64_t count) { return count == 0 ? 0 : random_() % count; }

  uint64_t read(const Field& field) const {
    uint64_t value = 0;
    std::memcpy(&value, bytes_.data() + field.offset, field.width);
    return value;
  }

  void write(const Field& field, uint64_t value) {
    std::memcpy(bytes_.data() + field.offset, &value, field.width);
  }

  std::vector<Field> fields_of(FieldGroup group) const {
    std::vector<Field> found;
    for (const Field& field : layout_.fields) {
      if (field.group == group) found.push_back(field);
    }
    return found;
  }

  void change_field(FieldGroup group) {
    const std::vector<Field> fields = fields_of(group);
    if (fields.empty()) return;
    const Field& field = fields[below(fields.size())];
    const uint64_t value = read(field);
    switch (below(4)) {
      case 0:
        return write(field, value + 1);
      case 1:
        return write(field, value - 1);
      case 2:
        return write(field, value ^ (uint64_t{1} << below(8 * field.width)));
      default:
        return write(field, kEdges[below(std::size(kEdges))]);
    }
  }

  // The count in the header that goes with a group.
  void change_count(FieldGroup group, int64_t difference) {
    const size_t offset = group == FieldGroup::tensors ? 8 : 16;
    if (bytes_.size() < offset + 8) return;
    const Field field = {FieldGroup::header, offset, 8};
    write(field, read(field) + static_cast<uint64_t>(difference));
  }

  void change_group(FieldGroup group) {
    std::vector<Item> items;
    for (const Item& item : layout_.items) {
      if (item.group == group) items.push_back(item);
    }
    const uint64_t choice = below(10);
    if (items.empty() || choice < 6) return change_field(group);
    const Item& item = items[below(items.size())];
    const auto begin = bytes_.begin() + static_cast<ptrdiff_t>(item.begin);
    const auto end = bytes_.begin() + static_cast<ptrdiff_t>(item.end);
    if (choice == 6) {
      bytes_.erase(begin, end);
      change_count(group, -1);
    } else if (choice < 9) {  // doubled, once in two with another name
      Bytes copy(begin, end);
      if (copy.size() > 8 && below(2) == 0) copy[8] = static_cast<uint8_t>('a' + below(26));
      bytes_.insert(begin, copy.begin(), copy.end());
      change_count(group, 1);
    } else if (item.end - item.begin > 8) {  // a byte of the name
      bytes_[item.begin + 8] = static_cast<uint8_t>(below(256));
    }
  }

  // Two fields that agree where they should not, or the other way round.
  void copy_field() {
    if (layout_.fields.empty()) return;
    const Field& from = layout_.fields[below(layout_.fields.size())];
    std::vector<Field> same;
    for (const Field& field : layout_.fields) {
      if (field.width == from.width) same.push_back(field);
    }
    write(same[below(same.size())], read(from));
  }

  void add_alignment() {
    constexpr std::string_view kKey = "general.alignment";
    if (bytes_.size() < 24) return;
    Bytes entry(8 + kKey.size() + 8);
    entry[0] = kKey.size();
    std::ranges::copy(kKey, entry.begin() + 8);
    entry[8 + kKey.size()] = 4;
    const uint32_t alignment =
        below(3) == 0 ? static_cast<uint32_t>(kEdges[below(std::size(kEdges))]) : 1u << below(22);
    std::memcpy(entry.data() + entry.size() - 4, &alignment, 4);
    bytes_.insert(bytes_.begin() + 24, entry.begin(), entry.end());
    change_count(FieldGroup::metadata, 1);
  }

  void change_data() {
    const size_t begin = std::min(layout_.data_begin, bytes_.size());
    const size_t size = bytes_.size() - begin;
    if (below(2) == 0 && size > 0) {
      bytes_.resize(bytes_.size() - 1 - below(std::min<size_t>(size, 70)));
    } else {
      bytes_.resize(bytes_.size() + 1 + below(70));
    }
  }

  Bytes bytes_;
  Layout layout_;
  std::mt19937_64 random_;
};

}  // namespace

std::vector<uint8_t> mutate_gguf(std::vector<uint8_t> bytes, uint64_t seed) {
  return Mutator(std::move(bytes), seed).mutate();
}

}  // namespace sparrow::test_support
