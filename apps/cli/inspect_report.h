// What a model file holds and what it takes to run it, gathered for `sparrow inspect`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "gguf/gguf_file.h"
#include "model/model.h"

namespace sparrow::cli {

// All tensors of one type.
struct TypeShare {
  std::string type;
  int64_t tensor_count = 0;
  int64_t parameter_count = 0;
  uint64_t size_bytes = 0;
};

// A token with a task, such as "eos".
struct SpecialToken {
  std::string role;
  int64_t id = 0;
  std::string text;  // empty if the vocabulary has no such id
};

struct TokenizerReport {
  std::string model;          // "gpt2", "llama"
  std::string pre_tokenizer;  // "qwen2"; empty if the file names none
  int64_t token_count = 0;
  int64_t merge_count = 0;
  std::optional<bool> adds_bos;
  std::vector<SpecialToken> special_tokens;
};

struct TemplateReport {
  std::string name;  // empty for the default one
  uint64_t size_bytes = 0;
  bool has_tools = false;  // it speaks of them
};

// One type of cache at the default context, and at the model's own.
struct KvReport {
  KvType type = KvType::f16;
  int64_t bytes_per_token = 0;
  int64_t bytes_at_default = 0;
  int64_t bytes_at_longest = 0;
};

struct MemoryReport {
  int64_t weight_bytes = 0;
  int64_t workspace_bytes = 0;
  int64_t default_context = 0;
  int64_t longest_context = 0;
  std::vector<KvReport> caches;
};

struct ModelReport {
  std::string path;
  uint32_t version = 0;
  int64_t part_count = 1;
  uint64_t size_bytes = 0;
  std::string name;
  std::string architecture;
  std::string license;
  std::string file_type;  // "Q4_K_M": the recipe, as the file says
  int64_t parameter_count = 0;
  int64_t tensor_count = 0;
  uint64_t tensor_bytes = 0;
  std::vector<TypeShare> types;  // largest first
  std::optional<TokenizerReport> tokenizer;
  std::vector<TemplateReport> templates;
  // Empty where the model cannot run here; then `problem` says why.
  std::optional<ModelConfig> config;
  std::optional<MemoryReport> memory;
  std::string problem;

  double bits_per_weight() const;
};

// Never throws for what is merely not supported. Throws Error{invalid_file} where a key has the
// wrong type.
ModelReport make_report(const GgufFile& file);

Json to_json(const ModelReport& report);

// name, type, shape, size and place of every tensor.
Json tensors_to_json(const GgufFile& file);

// Every key: its value, or of an array its element type and length.
Json metadata_to_json(const Metadata& metadata);

}  // namespace sparrow::cli
