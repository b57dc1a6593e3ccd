// A string that knows who wrote each of its bytes: the template or what the template was given.
// Every operation carries that along, so that a prompt's control tokens can be told from a user's
// words, whatever the template did to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/segment.h"

namespace sparrow::jinja {

// At most 4 GiB long.
class Text {
 public:
  Text() = default;
  Text(std::string bytes, bool from_template)
      : bytes_(std::move(bytes)), starts_from_template_(from_template) {}

  std::string_view view() const { return bytes_; }
  size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

  void append(std::string_view bytes, bool from_template);
  void append(const Text& text) { append(text, 0, text.size()); }
  void append(const Text& text, size_t begin, size_t end);  // its bytes [begin, end)

  Text slice(size_t begin, size_t end) const;  // bytes [begin, end)
  // How often the writer changes.
  size_t border_count() const { return borders_.size(); }
  // Who wrote byte `at`; behind the end, who wrote the last one.
  bool is_from_template(size_t at) const;

  // Other bytes, as many, with the same writers.
  Text with_bytes(std::string bytes) const;

  // Drops everything from byte `size` on.
  void truncate(size_t size);

  // The same as neighbours that differ in who wrote them.
  std::vector<Segment> segments() const;

 private:
  std::string bytes_;
  bool starts_from_template_ = false;
  std::vector<uint32_t> borders_;  // where the writer changes: ascending, inside the text
};

}  // namespace sparrow::jinja
