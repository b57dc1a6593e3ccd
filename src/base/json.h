// The one JSON parser everyone uses: nlohmann's, order-preserving, with limits on depth and size.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace sparrow {

using Json = nlohmann::ordered_json;

// For files whose objects have hundreds of thousands of keys: by key, not in the file's order.
using TreeJson = nlohmann::json;

struct JsonLimits {
  size_t depth = 64;
  size_t object_keys = 16384;  // in one object: looking one up walks over them all
  size_t size_bytes = size_t{32} << 20;
};

// Throws Error{invalid_argument} naming `what` ("messages file", "tokenizer.json") and the place.
Json parse_json(std::string_view text, std::string_view what, JsonLimits limits = {});

// The same for a tree; throws Error{invalid_file}. Any number of keys.
TreeJson parse_tree_json(std::string_view text, std::string_view what, JsonLimits limits = {});

}  // namespace sparrow
