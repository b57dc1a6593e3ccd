// One JSON value a line, as Ollama streams.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace sparrow::http {

inline constexpr std::string_view kNdjsonContentType = "application/x-ndjson";

// Bytes that are not UTF-8 become U+FFFD.
inline std::string ndjson_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace sparrow::http
