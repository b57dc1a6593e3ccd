#include "tests/support/slow_gguf.h"

#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "tensor/formats/format.h"

namespace sparrow::test_support {
namespace {

__extension__ using Wide = unsigned __int128;  // an extension of both compilers

struct Problem {
  std::string text;
};

class SlowReader {
 public:
  explicit SlowReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  void read() {
    require(text(4) == "GGUF", "magic");
    const Wide version = number(4);
    require(version == 2 || version == 3, "version");
    const Wide tensor_count = number(8);
    const Wide entry_count = number(8);
    require(tensor_count <= 65536 && entry_count <= 16384, "counts");
    for (Wide i = 0; i < entry_count; ++i) {
      entry();
      require(at_ <= (Wide{256} << 20), "metadata size");
    }
    require(split_count_ <= 1, "split");
    for (Wide i = 0; i < tensor_count; ++i) tensor();
    place_tensors();
  }

 private:
  struct Extent {
    Wide offset;
    Wide size;
  };

  static void require(bool holds, const char* what) {
    if (!holds) throw Problem{what};
  }

  std::string text(Wide count) {
    require(count <= bytes_.size() - at_, "cut short");
    std::string result;
    for (Wide i = 0; i < count; ++i)
      result += static_cast<char>(bytes_[static_cast<size_t>(at_ + i)]);
    at_ += count;
    return result;
  }

  Wide number(int width) {
    const std::string digits = text(static_cast<Wide>(width));
    Wide value = 0;
    for (int i = width - 1; i >= 0; --i)
      value = value * 256 + static_cast<unsigned char>(digits[static_cast<size_t>(i)]);
    return value;
  }

  std::string counted_text(Wide limit) {
    const Wide length = number(8);
    require(length <= limit, "length");
    return text(length);
  }

  // By decoding to code points and looking at each.
  static bool is_utf8(const std::string& name) {
    for (size_t i = 0; i < name.size();) {
      const unsigned lead = static_cast<unsigned char>(name[i]);
      const size_t length = lead < 0x80            ? 1
                            : lead >> 5 == 0b110   ? 2
                            : lead >> 4 == 0b1110  ? 3
                            : lead >> 3 == 0b11110 ? 4
                                                   : 0;
      if (length == 0 || i + length > name.size()) return false;
      unsigned point = length == 1 ? lead : lead & (0x7fu >> length);
      for (size_t j = 1; j < length; ++j) {
        const unsigned next = static_cast<unsigned char>(name[i + j]);
        if (next >> 6 != 0b10) return false;
        point = point << 6 | (next & 0x3f);
      }
      constexpr unsigned kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
      if (point < kSmallest[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return false;
      i += length;
    }
    return true;
  }

  std::string name(Wide limit) {
    const std::string result = counted_text(limit);
    require(!result.empty() && result.find('\0') == std::string::npos, "name");
    require(is_utf8(result), "name");
    std::string step;
    for (const char c : result + "/") {
      if (c != '/' && c != '\\') {
        step += c;
      } else {
        require(step != "..", "name");
        step.clear();
      }
    }
    return result;
  }

  static int width_of(Wide type) {
    constexpr int kWidths[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return kWidths[static_cast<size_t>(type)];
  }

  void entry() {
    const std::string key = name(256);
    require(keys_.insert(key).second, "duplicate key");
    const Wide type = number(4);
    require(type <= 12, "type");
    if (type == 9) {
      require(key != "general.alignment" && key != "split.count", "type of a key that is read");
      array();
    } else if (type == 8) {
      require(key != "general.alignment" && key != "split.count", "type of a key that is read");
      counted_text(16 << 20);
    } else {
      scalar(key, type);
    }
  }

  void array() {
    const Wide type = number(4);
    require(type <= 12 && type != 9, "type");
    const Wide count = number(8);
    require(count <= (4 << 20), "array length");
    if (type == 8) {
      string_count_ += count;
      require(string_count_ <= (8 << 20), "strings");
    }
    for (Wide i = 0; i < count; ++i) {
      if (type == 8) {
        counted_text(16 << 20);
      } else {
        const Wide value = number(width_of(type));
        require(type != 7 || value <= 1, "bool");
      }
    }
  }

  void scalar(const std::string& key, Wide type) {
    const Wide value = number(width_of(type));
    require(type != 7 || value <= 1, "bool");
    if (key != "general.alignment" && key != "split.count") return;
    require(type != 6 && type != 7 && type != 12, "type of a key that is read");
    const bool is_signed = type == 1 || type == 3 || type == 5 || type == 11;
    require(!is_signed || value >> (8 * width_of(type) - 1) == 0, "sign");
    if (key == "split.count") {
      split_count_ = value;
      return;
    }
    alignment_ = value;
    require(value >= 1 && value <= (1 << 20) && (value & (value - 1)) == 0, "alignment");
  }

  void tensor() {
    require(names_.insert(name(128)).second, "duplicate tensor");
    const Wide rank = number(4);
    require(rank >= 1 && rank <= 4, "rank");
    Wide values = 1;
    Wide first = 0;
    for (Wide axis = 0; axis < rank; ++axis) {
      const Wide dimension = number(8);
      require(dimension >= 1 && dimension <= (Wide{1} << 40), "dimension");
      if (axis == 0) first = dimension;
      values *= dimension;
      require(values <= (Wide{1} << 48), "values");
    }
    const Wide type = number(4);
    require(type <= 255, "tensor type");
    Extent extent{number(8), 0};
    if (const auto layout = find_block_layout(static_cast<uint32_t>(type))) {
      require(first % static_cast<Wide>(layout->block_values) == 0, "row");
      extent.size =
          values / static_cast<Wide>(layout->block_values) * static_cast<Wide>(layout->block_bytes);
    }
    extents_.push_back(extent);
  }

  void place_tensors() const {
    Wide data_start = at_;
    while (data_start % alignment_ != 0) ++data_start;
    for (const Extent& extent : extents_)
      require(data_start + extent.offset + extent.size <= bytes_.size(), "tensor outside");
    for (size_t i = 0; i < extents_.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        const Extent& a = extents_[i];
        const Extent& b = extents_[j];
        // A tensor without known bytes may stand at another's edge, not inside it.
        const bool is_apart = a.offset + a.size <= b.offset || b.offset + b.size <= a.offset;
        require(is_apart, "overlap");
      }
    }
  }

  std::span<const std::byte> bytes_;
  Wide at_ = 0;
  std::set<std::string> keys_;
  std::set<std::string> names_;
  std::vector<Extent> extents_;
  Wide alignment_ = 32;
  Wide split_count_ = 1;
  Wide string_count_ = 0;
};

}  // namespace

std::string slow_gguf_problem(std::span<const std::byte> bytes) {
  try {
    SlowReader(bytes).read();
    return "";
  } catch (const Problem& problem) {
    return problem.text;
  }
}

}  // namespace sparrow::test_support
