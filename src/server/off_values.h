// Sampling fields that some dialects turn off by any number below zero.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/json.h"

namespace sparrow {

struct OffValue {
  std::string_view field;
  int64_t off = 0;  // what the field itself takes for it
};

// Of an object of sampling fields. What is no number stays, to be refused.
void put_off_values(Json& fields, std::span<const OffValue> rows);

bool is_off_below_zero(std::string_view field, std::span<const OffValue> rows);

}  // namespace sparrow
