#include "jinja/text.h"

#include <algorithm>

#include "base/error.h"

namespace sparrow::jinja {

void Text::append(std::string_view bytes, bool from_template) {
  if (bytes.empty()) return;
  if (bytes_.empty()) {
    starts_from_template_ = from_template;
  } else if ((borders_.size() % 2 == 0 ? starts_from_template_ : !starts_from_template_) !=
             from_template) {
    borders_.push_back(static_cast<uint32_t>(bytes_.size()));
  }
  bytes_.append(bytes);
}

void Text::append(const Text& text, size_t begin, size_t end) {
  bool from_template = text.is_from_template(begin);
  auto border = std::upper_bound(text.borders_.begin(), text.borders_.end(), begin);
  while (begin < end) {
    const size_t run_end = border == text.borders_.end() ? end : std::min<size_t>(end, *border++);
    append(text.view().substr(begin, run_end - begin), from_template);
    from_template = !from_template;
    begin = run_end;
  }
}

Text Text::slice(size_t begin, size_t end) const {
  Text result;
  result.append(*this, begin, end);
  return result;
}

bool Text::is_from_template(size_t at) const {
  const auto passed = std::upper_bound(borders_.begin(), borders_.end(), at) - borders_.begin();
  return starts_from_template_ != (passed % 2 == 1);
}

Text Text::with_bytes(std::string bytes) const {
  SPARROW_CHECK(bytes.size() == bytes_.size());
  Text result = *this;
  result.bytes_ = std::move(bytes);
  return result;
}

void Text::truncate(size_t size) {
  if (size >= bytes_.size()) return;
  bytes_.resize(size);
  while (!borders_.empty() && borders_.back() >= size) borders_.pop_back();
}

std::vector<Segment> Text::segments() const {
  std::vector<Segment> result;
  bool from_template = starts_from_template_;
  size_t begin = 0;
  const auto add = [&](size_t end) {
    if (end > begin) result.push_back({bytes_.substr(begin, end - begin), from_template});
    begin = end;
    from_template = !from_template;
  };
  for (const uint32_t border : borders_) add(border);
  add(bytes_.size());
  return result;
}

}  // namespace sparrow::jinja
