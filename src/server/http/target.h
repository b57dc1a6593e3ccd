// The path and query of a request's target, decoded once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sparrow::http {

struct Target {
  // Cut at the slashes as they were sent and then decoded: a %2F stays inside its segment, so it
  // cannot choose another route. "/" has one empty segment.
  std::vector<std::string> segments;
  std::string path;                                        // the segments joined
  std::vector<std::pair<std::string, std::string>> query;  // "+" is a space
  std::string authority;     // of "http://host:port/path"; empty for "/path"
  bool is_asterisk = false;  // "*", which asks about the server
};

// Nothing for what is none: no slash in front, a character that must be encoded, a broken % escape,
// an encoded control character or backslash, "." or ".." as a part of the path however it is
// spelled, what is not UTF-8 once decoded.
std::optional<Target> parse_target(std::string_view text);

// Nothing for a broken escape.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

}  // namespace sparrow::http
