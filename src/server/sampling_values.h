// The sampling fields that a request gives, for the dialects that take every field of the table by
// its own name.
#pragma once

#include <span>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "server/json_fields.h"

namespace sparrow {

struct SamplingNames {
  // Names on the wire that are not the field's own, and the field's.
  std::span<const std::pair<std::string_view, std::string_view>> renamed;
  std::span<const std::string_view> left_out;  // fields that a dialect reads by itself
};

// Objects of values by the fields' names. What has two names may be in both.
struct SamplingValues {
  Json own = Json::object();
  Json renamed = Json::object();
};

SamplingValues sampling_values(const JsonFields& request, const SamplingNames& names);

}  // namespace sparrow
