// Text files that CMake compiles in: the catalog and the licences it names.
#pragma once

#include <span>
#include <string_view>

namespace sparrow {

struct EmbeddedText {
  std::string_view file;
  std::string_view text;
};

std::span<const EmbeddedText> embedded_catalog();
std::span<const EmbeddedText> embedded_licenses();

}  // namespace sparrow
