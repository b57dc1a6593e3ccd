// json.dumps: the same text as Python's encoder makes, key order, floats and all.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "jinja/characters.h"
#include "jinja/compare.h"
#include "jinja/number_text.h"
#include "jinja/value_text.h"

namespace sparrow::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(const JsonStyle& style, size_t size_limit) : style_(style), size_limit_(size_limit) {}

  std::string take() { return std::move(out_); }

  void write(const Value& value) {
    switch (value.kind()) {
      case Kind::none:
        out_ += "null";
        break;
      case Kind::boolean:
        out_ += value.as_boolean() ? "true" : "false";
        break;
      case Kind::integer:
        out_ += integer_text(value.as_integer());
        break;
      case Kind::real:
        out_ += json_real(value.as_real());
        break;
      case Kind::string:
        write_string(value.as_view());
        break;
      case Kind::list:
      case Kind::tuple:
        write_items(value.items());
        break;
      case Kind::dict:
        write_entries(value.as_dict().entries());
        break;
      case Kind::undefined:
      case Kind::object:
        fail(ErrorCode::invalid_argument, "Object of type {} is not JSON serializable",
             type_name(value));
    }
    if (out_.size() > size_limit_) {
      fail(ErrorCode::invalid_argument, "JSON of more than {} bytes", size_limit_);
    }
  }

 private:
  static std::string json_real(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
    return real_text(value);
  }

  void write_string(std::string_view text) {
    out_.push_back('"');
    for (size_t at = 0; at < text.size();) {
      const Character c = character_at(text, at);
      write_character(c.code);
      at += c.size_bytes;
    }
    out_.push_back('"');
  }

  void write_character(char32_t code) {
    constexpr std::string_view kShort = "\"\"\\\\\nn\rr\tt\ff\bb";  // the character, its letter
    if (code < 0x80) {
      for (size_t i = 0; i < kShort.size(); i += 2) {
        if (code == static_cast<char32_t>(kShort[i])) {
          out_.push_back('\\');
          out_.push_back(kShort[i + 1]);
          return;
        }
      }
    }
    const bool is_plain = code >= 0x20 && (!style_.ensure_ascii || code < 0x7F);
    if (is_plain) return append_character(out_, code);
    if (code >= kInvalidByte) {
      out_ += fmt::format("\\udc{:02x}", static_cast<uint32_t>(code - kInvalidByte));
    } else if (code < 0x10000) {
      out_ += fmt::format("\\u{:04x}", static_cast<uint32_t>(code));
    } else {
      const uint32_t rest = static_cast<uint32_t>(code) - 0x10000;
      out_ += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
    }
  }

  void write_items(const std::vector<Value>& items) {
    if (items.empty()) {
      out_ += "[]";
      return;
    }
    out_.push_back('[');
    ++depth_;
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += style_.item_separator;
      break_line();
      write(items[i]);
    }
    --depth_;
    break_line();
    out_.push_back(']');
  }

  void write_entries(std::vector<DictEntry> entries) {
    if (entries.empty()) {
      out_ += "{}";
      return;
    }
    if (style_.sort_keys) {
      std::stable_sort(entries.begin(), entries.end(), [](const DictEntry& a, const DictEntry& b) {
        return order(a.key, b.key, "<") < 0;
      });
    }
    out_.push_back('{');
    ++depth_;
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) out_ += style_.item_separator;
      break_line();
      write_key(entries[i].key);
      out_ += style_.key_separator;
      write(entries[i].value);
    }
    --depth_;
    break_line();
    out_.push_back('}');
  }

  void write_key(const Value& key) {
    switch (key.kind()) {
      case Kind::string:
        return write_string(key.as_view());
      case Kind::none:
        return write_string("null");
      case Kind::boolean:
        return write_string(key.as_boolean() ? "true" : "false");
      case Kind::integer:
        return write_string(integer_text(key.as_integer()));
      case Kind::real:
        return write_string(json_real(key.as_real()));
      default:
        fail(ErrorCode::invalid_argument, "keys must be str, int, float, bool or None, not {}",
             type_name(key));
    }
  }

  void break_line() {
    if (!style_.indent) return;
    if (style_.indent->size() * static_cast<size_t>(depth_) + out_.size() > size_limit_) {
      fail(ErrorCode::invalid_argument, "JSON of more than {} bytes", size_limit_);
    }
    out_.push_back('\n');
    for (int i = 0; i < depth_; ++i) out_ += *style_.indent;
  }

  const JsonStyle& style_;
  const size_t size_limit_;
  int depth_ = 0;
  std::string out_;
};

}  // namespace

std::string to_json_text(const Value& value, const JsonStyle& style, size_t size_limit) {
  JsonWriter writer(style, size_limit);
  writer.write(value);
  return writer.take();
}

}  // namespace sparrow::jinja
