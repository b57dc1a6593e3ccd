// A manifest: which blobs make a model. Docker's image manifest v2 with Ollama's layer types.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace sparrow {

// One blob of a model. `kind` is the end of the media type: "model", "template", "license" …
struct Layer {
  std::string kind;
  std::string digest;  // 64 hex digits, without "sha256:"
  uint64_t size_bytes = 0;
};

struct Manifest {
  Layer config;  // kind "config"
  std::vector<Layer> layers;

  const Layer* find(std::string_view kind) const;  // the first of its kind; null if there is none
};

// Throws Error{invalid_file} with `path` and the field that is wrong.
Manifest parse_manifest(std::string_view text, const std::string& path);
std::string manifest_text(const Manifest& manifest);

}  // namespace sparrow
