// Tokens to a tree, by the grammar of Jinja 3.1 with loop controls and Hugging Face's `generation`.
#pragma once

#include <string_view>

#include "jinja/ast.h"
#include "jinja/limits.h"

namespace sparrow::jinja {

// Throws Error{invalid_file} with line and column. Names are not resolved yet.
Body parse(std::string_view source, const Limits& limits);

}  // namespace sparrow::jinja
