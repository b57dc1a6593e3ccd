#include "server/http/sse.h"

namespace sparrow::http {

std::string sse_event(std::string_view data, std::string_view name) {
  std::string text;
  text.reserve(data.size() + name.size() + 24);
  if (!name.empty()) text.append("event: ").append(name).append("\n");
  for (size_t at = 0;;) {
    const size_t line_end = data.find_first_of("\r\n", at);
    text.append("data: ").append(data.substr(at, line_end - at)).append("\n");
    if (line_end == std::string_view::npos) break;
    at = line_end + (data.substr(line_end, 2) == "\r\n" ? 2 : 1);
  }
  return text.append("\n");
}

std::string sse_comment(std::string_view text) {
  std::string line = ": ";
  for (const char c : text) line += c == '\r' || c == '\n' ? ' ' : c;
  return line.append("\n\n");
}

std::string sse_done() { return "data: [DONE]\n\n"; }

}  // namespace sparrow::http
