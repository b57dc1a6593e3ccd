#include "base/json.h"

#include "base/error.h"

namespace sparrow {

Json parse_json(std::string_view text, std::string_view what, JsonLimits limits) {
  if (text.size() > limits.size_bytes) {
    fail(ErrorCode::invalid_argument, "{} is {} bytes of JSON; at most {} are taken", what,
         text.size(), limits.size_bytes);
  }
  // Depth is checked while parsing: a deep tree must never exist, not even to be destroyed.
  const auto within_depth = [&](int depth, Json::parse_event_t event, Json&) {
    const bool opens =
        event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    if (opens && static_cast<size_t>(depth) >= limits.depth) {
      fail(ErrorCode::invalid_argument, "{} nests JSON deeper than {} levels", what, limits.depth);
    }
    return true;
  };
  try {
    return Json::parse(text, within_depth);
  } catch (const Json::parse_error& error) {
    fail(ErrorCode::invalid_argument, "{} is not valid JSON at byte {}: {}", what, error.byte,
         error.what());
  }
}

}  // namespace sparrow
