// JSON schemas in a short notation, so that a table of routes says on one line what a field takes.
#pragma once

#include <string_view>

#include "base/json.h"

namespace sparrow {

// A type, as a schema of JSON Schema 2020-12:
//   string integer number boolean null any object   by their names; integers are of 64 bits
//   integer(1..8) number(0<..1) string(1..64)       a range of values, of lengths; "0<": above 0
//   [string](1..16)                                 a list, and its length
//   'auto'|'none' false -1|2                        these words, or these values
//   {id! string, size integer = 3}                  an object with these fields
//   string|[string]                                 one of several
// A field is a name, "!" where it is required, a type, and "= VALUE" for what an absent one means.
// Who may leave a field out may also say null. Others may come with them.
// A mistake in the notation is a bug.
Json schema_of_type(std::string_view type);

// Of an object with the fields: "model string, prompt! string|[string], n integer(1..8) = 1".
Json schema_of_fields(std::string_view fields);

// Of all values like this one: its types, and an object's keys, which are then required.
Json schema_like(const Json& value);

}  // namespace sparrow
