// The two model hubs: where a file lies, and what they say its size and SHA-256 are.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "store/catalog.h"
#include "store/model_name.h"

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

// An entry for a GGUF file of any repository on Hugging Face: "hf.co/user/repo:Q8_0". The tag is a
// quantization or the end of a file's name; without one, Q4_K_M. Nothing, and `problem` says why,
// if there is not exactly one such file. Throws Error{cancelled} only.
std::optional<CatalogEntry> find_on_hugging_face(const ModelName& name, int64_t timeout_ms,
                                                 const std::atomic<bool>* cancel,
                                                 std::string& problem);

// "huggingface.co", or the host that HF_ENDPOINT or MODELSCOPE_ENDPOINT names.
std::string hub_host(SourceKind kind);

// Throws Error{cancelled} only.
HubAnswer ask_hub(const CatalogSource& source, int64_t timeout_ms, const std::atomic<bool>* cancel);

}  // namespace sparrow
