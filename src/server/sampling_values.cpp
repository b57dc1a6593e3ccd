#include "server/sampling_values.h"

#include <algorithm>
#include <string>

#include "sparrow/sampling_params.h"

namespace sparrow {

SamplingValues sampling_values(const JsonFields& request, const SamplingNames& names) {
  SamplingValues values;
  for (const SamplingField& field : sampling_fields()) {
    if (std::ranges::find(names.left_out, field.name) != names.left_out.end()) continue;
    if (const Json* value = request.find(field.name)) values.own[std::string(field.name)] = *value;
  }
  for (const auto& [wire, field] : names.renamed) {
    if (const Json* value = request.find(wire)) values.renamed[std::string(field)] = *value;
  }
  return values;
}

}  // namespace sparrow
