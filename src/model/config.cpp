// Reads the hyperparameters from a file's metadata and checks every one of them before anything is
// allocated: they are loop bounds and divisors from then on.
#include <cmath>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/log.h"
#include "gguf/gguf_file.h"
#include "gguf/named_errors.h"
#include "model/model.h"
#include "model/registry.h"
#include "model/rope.h"

namespace sparrow {
namespace {

constexpr int64_t kMaxLayers = 512;
constexpr int64_t kMaxHeads = 512;
constexpr int64_t kMaxHeadSize = 1024;
constexpr int64_t kMaxVocabulary = 1 << 20;
constexpr int64_t kMaxWidth = 1 << 20;  // of hidden and feed-forward rows
constexpr int64_t kMaxExperts = 4096;

// Keys of one architecture: "qwen3." stands before each.
class ConfigReader {
 public:
  ConfigReader(const Metadata& metadata, std::string_view architecture)
      : metadata_(metadata), prefix_(std::string(architecture) + ".") {}

  std::string key(std::string_view name) const { return prefix_ + std::string(name); }

  int64_t count(std::string_view name, int64_t smallest, int64_t largest) const {
    return in_range(name, metadata_.get_uint(key(name)), smallest, largest);
  }
  int64_t count_or(std::string_view name, int64_t fallback, int64_t smallest,
                   int64_t largest) const {
    const std::optional<uint64_t> value = metadata_.find_uint(key(name));
    return value ? in_range(name, *value, smallest, largest) : fallback;
  }
  float positive(std::string_view name) const {
    return check_positive(name, metadata_.get_float(key(name)));
  }
  float positive_or(std::string_view name, float fallback) const {
    const std::optional<double> value = metadata_.find_float(key(name));
    return value ? check_positive(name, *value) : fallback;
  }
  std::optional<std::string_view> text(std::string_view name) const {
    return metadata_.find_string(key(name));
  }
  bool has(std::string_view name) const { return metadata_.has(key(name)); }

 private:
  int64_t in_range(std::string_view name, uint64_t value, int64_t smallest, int64_t largest) const {
    if (value < static_cast<uint64_t>(smallest) || value > static_cast<uint64_t>(largest)) {
      fail(ErrorCode::invalid_file, "{} must be {} to {}, got {}", key(name), smallest, largest,
           value);
    }
    return static_cast<int64_t>(value);
  }
  float check_positive(std::string_view name, double value) const {
    const float rounded = static_cast<float>(value);
    if (!std::isfinite(rounded) || !(rounded > 0)) {
      fail(ErrorCode::invalid_file, "{} must be finite and above 0, got {}", key(name), value);
    }
    return rounded;
  }

  const Metadata& metadata_;
  std::string prefix_;
};

void read_attention(const ConfigReader& reader, ModelConfig& config) {
  config.head_count = reader.count("attention.head_count", 1, kMaxHeads);
  config.kv_head_count =
      reader.count_or("attention.head_count_kv", config.head_count, 1, kMaxHeads);
  if (config.head_count % config.kv_head_count != 0) {
    fail(ErrorCode::invalid_file, "{} ({}) must be a multiple of {} ({})",
         reader.key("attention.head_count"), config.head_count,
         reader.key("attention.head_count_kv"), config.kv_head_count);
  }
  const bool has_head_size = reader.has("attention.key_length");
  if (!has_head_size && config.hidden_size % config.head_count != 0) {
    fail(ErrorCode::invalid_file, "{} ({}) must be a multiple of {} ({}) where {} is absent",
         reader.key("embedding_length"), config.hidden_size, reader.key("attention.head_count"),
         config.head_count, reader.key("attention.key_length"));
  }
  config.head_size = reader.count_or("attention.key_length", config.hidden_size / config.head_count,
                                     1, kMaxHeadSize);
  if (config.head_size < 1 || config.head_size > kMaxHeadSize) {
    fail(ErrorCode::invalid_file, "the head size must be 1 to {}, got {}", kMaxHeadSize,
         config.head_size);
  }
  const int64_t value_size =
      reader.count_or("attention.value_length", config.head_size, 1, kMaxHeadSize);
  if (value_size != config.head_size) {
    fail(ErrorCode::unsupported, "{} ({}) must equal the key length ({})",
         reader.key("attention.value_length"), value_size, config.head_size);
  }
}

void read_rope(const ConfigReader& reader, const GgufFile& file, ModelConfig& config) {
  config.rope_base = reader.positive_or("rope.freq_base", 10000.0f);
  config.rope_size = reader.count_or("rope.dimension_count", config.head_size, 2, config.head_size);
  if (config.rope_size % 2 != 0) {
    fail(ErrorCode::invalid_file, "{} must be even, got {}", reader.key("rope.dimension_count"),
         config.rope_size);
  }
  if (file.find_tensor("rope_freqs.weight") != nullptr) {
    config.rope_scaling.type = RopeScalingType::llama3;
    config.has_rope_divisors = true;
    return;
  }
  // Files from before 2024 have the factor alone.
  const std::string_view fallback = reader.has("rope.scale_linear") ? "linear" : "none";
  const std::string_view type = reader.text("rope.scaling.type").value_or(fallback);
  if (type == "none" || type.empty()) return;
  if (type != "linear" && type != "yarn") {
    fail(ErrorCode::unsupported, "{} '{}' is not supported; these are: none, linear, yarn",
         reader.key("rope.scaling.type"), type);
  }
  const float old_factor = reader.positive_or("rope.scale_linear", 1.0f);
  const float factor = reader.positive_or("rope.scaling.factor", old_factor);
  if (factor == 1) return;
  RopeScaling& scaling = config.rope_scaling;
  scaling.factor = factor;
  scaling.type = type == "linear" ? RopeScalingType::linear : RopeScalingType::yarn;
  if (type == "linear") return;
  scaling.original_context_length = reader.count_or("rope.scaling.original_context_length",
                                                    config.context_length, 1, kMaxContextLength);
  scaling.beta_fast = reader.positive_or("rope.scaling.yarn_beta_fast", 32.0f);
  scaling.beta_slow = reader.positive_or("rope.scaling.yarn_beta_slow", 1.0f);
  const float own_factor = reader.positive_or("rope.scaling.attn_factor", 1.0f) *
                           reader.positive_or("rope.scaling.yarn_attn_factor", 1.0f);
  scaling.attention_factor = static_cast<float>(yarn_attention_factor(factor)) * own_factor;
}

void read_feed_forward(const ConfigReader& reader, ModelConfig& config) {
  config.expert_count = reader.count_or("expert_count", 0, 0, kMaxExperts);
  const bool is_mixture = config.architecture == "qwen3moe";
  if (!is_mixture) {
    if (config.expert_count > 0) {
      fail(ErrorCode::unsupported, "{} is {}: experts are supported in qwen3moe only",
           reader.key("expert_count"), config.expert_count);
    }
    config.ffn_size = reader.count("feed_forward_length", 1, kMaxWidth);
    return;
  }
  config.expert_count = reader.count("expert_count", 1, kMaxExperts);
  config.expert_used_count = reader.count("expert_used_count", 1, config.expert_count);
  config.ffn_size = reader.count_or("feed_forward_length", 0, 0, kMaxWidth);
  config.expert_ffn_size = reader.count("expert_feed_forward_length", 1, kMaxWidth);
}

// A window makes no difference to texts that fit into it, so the model is used up to there.
void respect_sliding_window(const ConfigReader& reader, ModelConfig& config) {
  const int64_t window = reader.count_or("attention.sliding_window", 0, 0, INT64_MAX);
  if (window == 0 || window >= config.context_length) return;
  log().warn("{} is {}: the context of {} is limited to it", reader.key("attention.sliding_window"),
             window, config.context_length);
  config.context_length = window;
}

ModelConfig read_config(const GgufFile& file) {
  ModelConfig config;
  config.architecture = file.metadata().get_string("general.architecture");
  if (find_architecture(config.architecture) == nullptr) {
    fail(ErrorCode::unsupported, "architecture '{}' is not supported; these are: {}",
         config.architecture, architecture_names());
  }
  const ConfigReader reader(file.metadata(), config.architecture);
  config.layer_count = reader.count("block_count", 1, kMaxLayers);
  config.hidden_size = reader.count("embedding_length", 1, kMaxWidth);
  config.context_length = reader.count("context_length", 1, kMaxContextLength);
  config.rms_norm_epsilon = reader.positive("attention.layer_norm_rms_epsilon");
  read_attention(reader, config);
  read_rope(reader, file, config);
  read_feed_forward(reader, config);
  respect_sliding_window(reader, config);

  // Some files have no vocabulary key and pad the matrix: the matrix counts.
  const TensorInfo* embedding = file.find_tensor("token_embd.weight");
  if (embedding == nullptr) {
    fail(ErrorCode::invalid_file, "tensor 'token_embd.weight' is missing");
  }
  config.vocabulary_size = embedding->shape[1];
  if (config.vocabulary_size < 1 || config.vocabulary_size > kMaxVocabulary) {
    fail(ErrorCode::invalid_file, "token_embd.weight has {} rows; a vocabulary has 1 to {}",
         config.vocabulary_size, kMaxVocabulary);
  }
  return config;
}

}  // namespace

ModelConfig read_model_config(const GgufFile& file) {
  return with_path_in_errors(file.path(), [&] { return read_config(file); });
}

}  // namespace sparrow
