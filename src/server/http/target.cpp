#include "server/http/target.h"

#include "base/utf8.h"

namespace sparrow::http {
namespace {

constexpr size_t kMaxQueryPairs = 256;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool has_control(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
  }
  return false;
}

// A segment may hold slashes by now; none of its parts may name a folder above.
bool has_dots(std::string_view segment) {
  for (size_t at = 0;;) {
    const size_t slash = segment.find('/', at);
    const std::string_view part = segment.substr(at, slash - at);
    if (part == "." || part == "..") return true;
    if (slash == std::string_view::npos) return false;
    at = slash + 1;
  }
}

bool parse_path(std::string_view text, Target& target) {
  for (size_t at = 1;;) {
    const size_t slash = text.find('/', at);
    std::optional<std::string> segment = percent_decode(text.substr(at, slash - at), false);
    if (!segment || has_control(*segment) || segment->find('\\') != std::string::npos ||
        has_dots(*segment) || !is_valid_utf8(*segment)) {
      return false;
    }
    target.path += "/" + *segment;
    target.segments.push_back(std::move(*segment));
    if (slash == std::string_view::npos) return true;
    at = slash + 1;
  }
}

bool parse_query(std::string_view text, Target& target) {
  while (!text.empty()) {
    const size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    const size_t equals = pair.find('=');
    std::optional<std::string> name = percent_decode(pair.substr(0, equals), true);
    std::optional<std::string> value =
        equals == std::string_view::npos ? "" : percent_decode(pair.substr(equals + 1), true);
    if (!name || !value || !is_valid_utf8(*name) || !is_valid_utf8(*value)) return false;
    if (name->find('\0') != std::string::npos || value->find('\0') != std::string::npos)
      return false;
    if (!pair.empty()) target.query.emplace_back(std::move(*name), std::move(*value));
    if (target.query.size() > kMaxQueryPairs) return false;
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return true;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      decoded += static_cast<char>(high << 4 | low);
      i += 2;
    }
  }
  return decoded;
}

std::optional<Target> parse_target(std::string_view text) {
  Target target;
  if (text == "*") {
    target.is_asterisk = true;
    return target;
  }
  for (const char c : text) {
    if (c <= ' ' || c == 0x7f || c == '#' || c == '\\')
      return std::nullopt;  // and all beyond ASCII
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    text.remove_prefix(scheme.size());
    const size_t end = std::min(text.find_first_of("/?"), text.size());
    target.authority = text.substr(0, end);
    if (target.authority.empty()) return std::nullopt;
    text.remove_prefix(end);
    break;
  }
  const size_t question = text.find('?');
  std::string_view path = text.substr(0, question);
  if (path.empty() && !target.authority.empty()) path = "/";
  if (!path.starts_with('/') || !parse_path(path, target)) return std::nullopt;
  if (question != std::string_view::npos && !parse_query(text.substr(question + 1), target)) {
    return std::nullopt;
  }
  return target;
}

}  // namespace sparrow::http
