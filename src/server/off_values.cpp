#include "server/off_values.h"

#include <algorithm>

namespace sparrow {

void put_off_values(Json& fields, std::span<const OffValue> rows) {
  for (const OffValue& row : rows) {
    const auto value = fields.find(row.field);
    if (value != fields.end() && value->is_number() && value->get<double>() < 0) *value = row.off;
  }
}

bool is_off_below_zero(std::string_view field, std::span<const OffValue> rows) {
  return std::ranges::find(rows, field, &OffValue::field) != rows.end();
}

}  // namespace sparrow
