// The two model hubs: where a file lies, and what they say its size and SHA-256 are.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "store/catalog.h"

namespace sparrow {

struct HubFile {
  std::string url;
  std::string bearer_token;  // for the hub's own host
  std::string sha256;        // empty: the hub does not say
  uint64_t size_bytes = 0;   // 0: the hub does not say
};

struct HubAnswer {
  std::optional<HubFile> file;
  std::string problem;  // why there is no file: "404, it has no such file"
};

// "huggingface.co", or the host that HF_ENDPOINT or MODELSCOPE_ENDPOINT names.
std::string hub_host(SourceKind kind);

// Throws Error{cancelled} only.
HubAnswer ask_hub(const CatalogSource& source, int64_t timeout_ms, const std::atomic<bool>* cancel);

}  // namespace sparrow
