#include "tests/support/gguf_fields.h"

#include <algorithm>

namespace sparrow::test_support {
namespace {

class FieldFinder {
 public:
  explicit FieldFinder(const std::vector<uint8_t>& bytes) : bytes_(bytes) {}

  Layout find() {
    skip(4);
    number(4);
    const uint64_t tensor_count = number(8);
    const uint64_t entry_count = number(8);
    group_ = FieldGroup::metadata;
    for (uint64_t i = 0; i < entry_count && !is_lost_; ++i) item([&] { entry(); });
    group_ = FieldGroup::tensors;
    for (uint64_t i = 0; i < tensor_count && !is_lost_; ++i) item([&] { tensor(); });
    layout_.data_begin = at_;
    return std::move(layout_);
  }

 private:
  void skip(uint64_t count) {
    is_lost_ = is_lost_ || count > bytes_.size() - at_;
    if (!is_lost_) at_ += count;
  }

  uint64_t number(size_t width) {
    const size_t start = at_;
    skip(width);
    if (is_lost_) return 0;
    layout_.fields.push_back({group_, start, width});
    uint64_t value = 0;
    for (size_t i = 0; i < width; ++i) value |= uint64_t{bytes_[start + i]} << (8 * i);
    return value;
  }

  template <typename Read>
  void item(const Read& read) {
    const size_t start = at_;
    read();
    if (!is_lost_) layout_.items.push_back({group_, start, at_});
  }

  void value(uint64_t type) {
    constexpr size_t kWidths[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    if (type == 8) {
      skip(number(8));
    } else if (type < 13 && type != 9) {
      number(kWidths[type]);
    } else {
      is_lost_ = true;
    }
  }

  void entry() {
    skip(number(8));
    const uint64_t type = number(4);
    if (type != 9) return value(type);
    const uint64_t element_type = number(4);
    const uint64_t count = number(8);
    for (uint64_t i = 0; i < count && !is_lost_; ++i) value(element_type);
  }

  void tensor() {
    skip(number(8));
    const uint64_t rank = number(4);
    is_lost_ = is_lost_ || rank > 8;
    for (uint64_t axis = 0; axis < rank && !is_lost_; ++axis) number(8);
    number(4);
    number(8);
  }

  const std::vector<uint8_t>& bytes_;
  Layout layout_;
  FieldGroup group_ = FieldGroup::header;
  size_t at_ = 0;
  bool is_lost_ = false;
};

}  // namespace

Layout find_fields(const std::vector<uint8_t>& bytes) { return FieldFinder(bytes).find(); }

}  // namespace sparrow::test_support
