#include "jinja/strings.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "jinja/characters.h"

namespace sparrow::jinja {
namespace {

// Which characters strip() takes away.
class StripSet {
 public:
  explicit StripSet(std::optional<std::string_view> characters) : is_space_(!characters) {
    for (size_t at = 0; characters && at < characters->size();) {
      const Character c = character_at(*characters, at);
      codes_.push_back(c.code);
      at += c.size_bytes;
    }
    std::sort(codes_.begin(), codes_.end());
    codes_.erase(std::unique(codes_.begin(), codes_.end()), codes_.end());
  }
  bool has(char32_t code) const {
    return is_space_ ? is_space(code) : std::binary_search(codes_.begin(), codes_.end(), code);
  }

 private:
  bool is_space_;
  std::vector<char32_t> codes_;
};

size_t skip_right(std::string_view text, size_t begin, size_t end, const StripSet& set) {
  while (end > begin) {
    const size_t start = previous_character(text.substr(0, end), end);
    if (start < begin || !set.has(character_at(text.substr(0, end), start).code)) break;
    end = start;
  }
  return end;
}

size_t skip_left(std::string_view text, size_t begin, const StripSet& set) {
  while (begin < text.size()) {
    const Character c = character_at(text, begin);
    if (!set.has(c.code)) break;
    begin += c.size_bytes;
  }
  return begin;
}

size_t skip_word(std::string_view text, size_t begin) {
  while (begin < text.size()) {
    const Character c = character_at(text, begin);
    if (is_space(c.code)) break;
    begin += c.size_bytes;
  }
  return begin;
}

size_t skip_word_back(std::string_view text, size_t end) {
  while (end > 0) {
    const size_t start = previous_character(text, end);
    if (is_space(character_at(text.substr(0, end), start).code)) break;
    end = start;
  }
  return end;
}

std::vector<Text> split_at_spaces(const Text& text, int64_t most) {
  const StripSet spaces(std::nullopt);
  std::vector<Text> parts;
  size_t begin = skip_left(text.view(), 0, spaces);
  while (begin < text.size()) {
    if (most >= 0 && static_cast<int64_t>(parts.size()) == most) {
      parts.push_back(text.slice(begin, text.size()));
      break;
    }
    const size_t end = skip_word(text.view(), begin);
    parts.push_back(text.slice(begin, end));
    begin = skip_left(text.view(), end, spaces);
  }
  return parts;
}

std::vector<Text> split_at_spaces_from_right(const Text& text, int64_t most) {
  const StripSet spaces(std::nullopt);
  std::vector<Text> parts;
  size_t end = skip_right(text.view(), 0, text.size(), spaces);
  while (end > 0) {
    if (most >= 0 && static_cast<int64_t>(parts.size()) == most) {
      parts.push_back(text.slice(0, end));
      break;
    }
    const size_t begin = skip_word_back(text.view(), end);
    parts.push_back(text.slice(begin, end));
    end = skip_right(text.view(), 0, begin, spaces);
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

// Where non-overlapping occurrences begin, counted from the end of the text.
std::vector<size_t> find_all_from_right(std::string_view text, std::string_view part,
                                        int64_t most) {
  const std::string reversed_text(text.rbegin(), text.rend());
  const std::string reversed_part(part.rbegin(), part.rend());
  std::vector<size_t> found;
  for (size_t at = 0; most < 0 || static_cast<int64_t>(found.size()) < most; at += part.size()) {
    at = find_first(reversed_text, reversed_part, at);
    if (at == std::string::npos) break;
    found.push_back(text.size() - at - part.size());
  }
  std::reverse(found.begin(), found.end());
  return found;
}

std::vector<size_t> find_all(std::string_view text, std::string_view part, int64_t most) {
  std::vector<size_t> found;
  for (size_t at = 0; most < 0 || static_cast<int64_t>(found.size()) < most; at += part.size()) {
    at = find_first(text, part, at);
    if (at == std::string::npos) break;
    found.push_back(at);
  }
  return found;
}

// The line boundaries of str.splitlines.
bool ends_line(char32_t code) {
  return (code >= 0x0A && code <= 0x0D) || (code >= 0x1C && code <= 0x1E) || code == 0x85 ||
         code == 0x2028 || code == 0x2029;
}

void check_size(size_t size, size_t limit) {
  if (size > limit) {
    fail(ErrorCode::invalid_argument, "a string of {} bytes; at most {} are made", size, limit);
  }
}

// Between all characters, and before and behind them.
Text replace_empty(const Text& text, const Text& replacement, int64_t most, size_t size_limit) {
  Text result;
  int64_t done = 0;
  size_t at = 0;
  while (true) {
    if (most < 0 || done++ < most) result.append(replacement);
    if (at == text.size()) break;
    const size_t end = at + character_at(text.view(), at).size_bytes;
    result.append(text, at, end);
    at = end;
    check_size(result.size(), size_limit);
  }
  return result;
}

}  // namespace

size_t find_first(std::string_view text, std::string_view part, size_t from) {
  if (from > text.size()) return std::string::npos;
  if (part.empty()) return from;
  // memmem is linear in the worst case, std::string_view::find is not.
  const void* found = memmem(text.data() + from, text.size() - from, part.data(), part.size());
  return found == nullptr ? std::string::npos
                          : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

size_t find_last(std::string_view text, std::string_view part) {
  if (part.empty()) return text.size();
  const std::vector<size_t> found = find_all_from_right(text, part, 1);
  return found.empty() ? std::string::npos : found[0];
}

int64_t count_occurrences(std::string_view text, std::string_view part) {
  if (part.empty()) return character_count(text) + 1;
  return static_cast<int64_t>(find_all(text, part, -1).size());
}

Text strip(const Text& text, Side side, std::optional<std::string_view> characters) {
  const StripSet set(characters);
  const size_t begin = side == Side::right ? 0 : skip_left(text.view(), 0, set);
  const size_t end =
      side == Side::left ? text.size() : skip_right(text.view(), begin, text.size(), set);
  return text.slice(begin, end);
}

std::vector<Text> split(const Text& text, std::optional<std::string_view> separator, int64_t most,
                        bool from_right) {
  if (!separator) {
    return from_right ? split_at_spaces_from_right(text, most) : split_at_spaces(text, most);
  }
  if (separator->empty()) fail(ErrorCode::invalid_argument, "empty separator");
  std::vector<Text> parts;
  size_t begin = 0;
  for (const size_t at : from_right ? find_all_from_right(text.view(), *separator, most)
                                    : find_all(text.view(), *separator, most)) {
    parts.push_back(text.slice(begin, at));
    begin = at + separator->size();
  }
  parts.push_back(text.slice(begin, text.size()));
  return parts;
}

std::vector<Text> split_lines(const Text& text, bool keep_ends) {
  std::vector<Text> lines;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const Character c = character_at(text.view(), at);
    size_t end = at + c.size_bytes;
    if (ends_line(c.code)) {
      if (c.code == '\r' && end < text.size() && text.view()[end] == '\n') ++end;
      lines.push_back(text.slice(begin, keep_ends ? end : at));
      begin = end;
    }
    at = end;
  }
  if (begin < text.size()) lines.push_back(text.slice(begin, text.size()));
  return lines;
}

std::vector<Text> partition(const Text& text, const Text& separator, bool from_right) {
  if (separator.empty()) fail(ErrorCode::invalid_argument, "empty separator");
  const size_t at = from_right ? find_last(text.view(), separator.view())
                               : find_first(text.view(), separator.view());
  if (at == std::string::npos) {
    if (from_right) return {Text(), Text(), text};
    return {text, Text(), Text()};
  }
  return {text.slice(0, at), separator, text.slice(at + separator.size(), text.size())};
}

Text replace(const Text& text, std::string_view old, const Text& replacement, int64_t most,
             size_t size_limit) {
  if (old.empty()) return replace_empty(text, replacement, most, size_limit);
  const std::vector<size_t> found = find_all(text.view(), old, most);
  check_size(text.size() - found.size() * old.size() + found.size() * replacement.size(),
             size_limit);
  Text result;
  size_t begin = 0;
  for (const size_t at : found) {
    result.append(text, begin, at);
    result.append(replacement);
    begin = at + old.size();
  }
  result.append(text, begin, text.size());
  return result;
}

SliceRange slice_range(int64_t size, std::optional<int64_t> start, std::optional<int64_t> stop,
                       int64_t step) {
  if (step == 0) fail(ErrorCode::invalid_argument, "slice step cannot be zero");
  const int64_t lowest = step > 0 ? 0 : -1;
  const int64_t highest = step > 0 ? size : size - 1;
  const auto clamp = [&](std::optional<int64_t> index, int64_t otherwise) {
    if (!index) return otherwise;
    return std::clamp(*index < 0 ? *index + size : *index, lowest, highest);
  };
  const int64_t first = clamp(start, step > 0 ? lowest : highest);
  const int64_t end = clamp(stop, step > 0 ? highest : lowest);
  const int64_t distance = step > 0 ? end - first : first - end;
  if (distance <= 0) return {first, 0};
  const int64_t stride = step > 0 ? step : -step;
  return {first, (distance - 1) / stride + 1};
}

Text slice(const Text& text, std::optional<int64_t> start, std::optional<int64_t> stop,
           int64_t step) {
  std::vector<size_t> offsets;  // of each character, and the end
  const bool is_plain = is_ascii(text.view());
  if (!is_plain) {
    for (size_t at = 0; at < text.size(); at += character_at(text.view(), at).size_bytes) {
      offsets.push_back(at);
    }
    offsets.push_back(text.size());
  }
  const auto offset = [&](int64_t index) {
    return is_plain ? static_cast<size_t>(index) : offsets[static_cast<size_t>(index)];
  };
  const int64_t size =
      is_plain ? static_cast<int64_t>(text.size()) : static_cast<int64_t>(offsets.size()) - 1;
  const SliceRange range = slice_range(size, start, stop, step);
  if (step == 1) return text.slice(offset(range.start), offset(range.start + range.count));
  Text result;
  for (int64_t i = 0; i < range.count; ++i) {
    const int64_t index = range.start + i * step;
    result.append(text, offset(index), offset(index + 1));
  }
  return result;
}

}  // namespace sparrow::jinja
