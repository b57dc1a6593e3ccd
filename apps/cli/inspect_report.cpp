#include "apps/cli/inspect_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "base/error.h"
#include "model/rope_scaling.h"

namespace sparrow::cli {
namespace {

// general.file_type: llama.cpp's numbers of quantization recipes.
struct FileType {
  uint64_t id;
  std::string_view name;
};
constexpr std::array kFileTypes = {
    FileType{0, "F32"},      FileType{1, "F16"},     FileType{2, "Q4_0"},    FileType{3, "Q4_1"},
    FileType{7, "Q8_0"},     FileType{8, "Q5_0"},    FileType{9, "Q5_1"},    FileType{10, "Q2_K"},
    FileType{11, "Q3_K_S"},  FileType{12, "Q3_K_M"}, FileType{13, "Q3_K_L"}, FileType{14, "Q4_K_S"},
    FileType{15, "Q4_K_M"},  FileType{16, "Q5_K_S"}, FileType{17, "Q5_K_M"}, FileType{18, "Q6_K"},
    FileType{19, "IQ2_XXS"}, FileType{20, "IQ2_XS"}, FileType{21, "Q2_K_S"}, FileType{22, "IQ3_XS"},
    FileType{23, "IQ3_XXS"}, FileType{24, "IQ1_S"},  FileType{25, "IQ4_NL"}, FileType{26, "IQ3_S"},
    FileType{27, "IQ3_M"},   FileType{28, "IQ2_S"},  FileType{29, "IQ2_M"},  FileType{30, "IQ4_XS"},
    FileType{31, "IQ1_M"},   FileType{32, "BF16"},   FileType{36, "TQ1_0"},  FileType{37, "TQ2_0"},
    FileType{38, "MXFP4"},
};

std::string file_type_name(const Metadata& metadata) {
  const std::optional<uint64_t> id = metadata.find_uint("general.file_type");
  if (!id) return "";
  const auto row = std::ranges::find(kFileTypes, *id, &FileType::id);
  return row == kFileTypes.end() ? "type " + std::to_string(*id) : std::string(row->name);
}

std::string text_or_empty(const Metadata& metadata, std::string_view key) {
  return std::string(metadata.find_string(key).value_or(""));
}

void add_types(const GgufFile& file, ModelReport& report) {
  std::map<uint32_t, TypeShare> shares;
  for (const TensorInfo& info : file.tensors()) {
    TypeShare& share = shares[info.gguf_type_id];
    share.type = format_name(info.gguf_type_id);
    ++share.tensor_count;
    share.parameter_count += info.shape.count();
    share.size_bytes += info.size_bytes;
  }
  for (auto& [id, share] : shares) {
    report.tensor_count += share.tensor_count;
    report.parameter_count += share.parameter_count;
    report.tensor_bytes += share.size_bytes;
    report.types.push_back(std::move(share));
  }
  std::ranges::stable_sort(report.types, std::ranges::greater(), &TypeShare::size_bytes);
}

std::optional<TokenizerReport> report_tokenizer(const Metadata& metadata) {
  const std::optional<std::string_view> model = metadata.find_string("tokenizer.ggml.model");
  if (!model) return std::nullopt;
  TokenizerReport report;
  report.model = *model;
  report.pre_tokenizer = text_or_empty(metadata, "tokenizer.ggml.pre");
  const std::vector<std::string_view>* tokens = metadata.find_strings("tokenizer.ggml.tokens");
  const std::vector<std::string_view>* merges = metadata.find_strings("tokenizer.ggml.merges");
  if (tokens != nullptr) report.token_count = static_cast<int64_t>(tokens->size());
  if (merges != nullptr) report.merge_count = static_cast<int64_t>(merges->size());
  report.adds_bos = metadata.find_bool("tokenizer.ggml.add_bos_token");
  for (const char* role : {"bos", "eos", "eot", "eom", "unknown", "padding", "seperator",
                           "separator", "mask", "fim_pre", "fim_suf", "fim_mid"}) {
    const std::optional<int64_t> id =
        metadata.find_int("tokenizer.ggml." + std::string(role) + "_token_id");
    if (!id) continue;
    const bool is_known = *id >= 0 && *id < report.token_count;
    report.special_tokens.push_back(
        {role, *id, is_known ? std::string((*tokens)[static_cast<size_t>(*id)]) : ""});
  }
  return report;
}

std::vector<TemplateReport> report_templates(const Metadata& metadata) {
  constexpr std::string_view kKey = "tokenizer.chat_template";
  std::vector<TemplateReport> reports;
  for (const GgufEntry& entry : metadata.entries()) {
    const bool is_named = entry.key.starts_with(kKey) && entry.key.size() > kKey.size() + 1 &&
                          entry.key[kKey.size()] == '.';
    if (entry.key != kKey && !is_named) continue;
    const std::string_view text = *metadata.find_string(entry.key);
    const std::string_view name = is_named ? entry.key.substr(kKey.size() + 1) : "";
    reports.push_back({std::string(name), text.size(), text.find("tools") != std::string::npos});
  }
  return reports;
}

MemoryReport report_memory(const ModelReport& report, const ModelConfig& config) {
  constexpr int64_t kDefaultContext = 32768;
  MemoryReport memory;
  memory.weight_bytes = static_cast<int64_t>(report.tensor_bytes);
  memory.longest_context = config.context_length;
  memory.default_context = std::min(config.context_length, kDefaultContext);
  memory.workspace_bytes = workspace_bytes(
      config, {.max_rows = 256, .max_logit_rows = 1, .max_positions = memory.default_context});
  for (const KvType type : {KvType::f16, KvType::bf16, KvType::f32, KvType::q8_0, KvType::q4_0}) {
    if (!can_keep_heads(type, config.head_size)) continue;
    const int64_t per_token = kv_bytes_per_token(config, type);
    memory.caches.push_back(
        {type, per_token, per_token * memory.default_context, per_token * memory.longest_context});
  }
  return memory;
}

// Types that cannot be read, "" if there are none.
std::string unreadable_types(const GgufFile& file) {
  std::string names;
  std::map<uint32_t, bool> seen;
  for (const TensorInfo& info : file.tensors()) {
    if (info.format != nullptr || !seen.emplace(info.gguf_type_id, true).second) continue;
    names += (names.empty() ? "" : ", ") + format_name(info.gguf_type_id);
  }
  return names;
}

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json config_to_json(const ModelConfig& config) {
  Json json = {{"layer_count", config.layer_count},
               {"hidden_size", config.hidden_size},
               {"head_count", config.head_count},
               {"kv_head_count", config.kv_head_count},
               {"head_size", config.head_size},
               {"ffn_size", config.ffn_size},
               {"vocabulary_size", config.vocabulary_size},
               {"context_length", config.context_length},
               {"rms_norm_epsilon", config.rms_norm_epsilon},
               {"rope_base", config.rope_base},
               {"rope_scaling", to_string(config.rope_scaling.type)},
               {"rope_scaling_factor", config.rope_scaling.factor}};
  if (config.expert_count > 0) {
    json["expert_count"] = config.expert_count;
    json["expert_used_count"] = config.expert_used_count;
    json["expert_ffn_size"] = config.expert_ffn_size;
  }
  return json;
}

Json tokenizer_to_json(const TokenizerReport& tokenizer) {
  Json special = Json::object();
  for (const SpecialToken& token : tokenizer.special_tokens)
    special[token.role] = {{"id", token.id}, {"text", token.text}};
  return {{"model", tokenizer.model},
          {"pre_tokenizer", tokenizer.pre_tokenizer},
          {"token_count", tokenizer.token_count},
          {"merge_count", tokenizer.merge_count},
          {"adds_bos", tokenizer.adds_bos ? Json(*tokenizer.adds_bos) : Json(nullptr)},
          {"special_tokens", special}};
}

Json memory_to_json(const MemoryReport& memory) {
  Json caches = Json::object();
  for (const KvReport& cache : memory.caches) {
    caches[std::string(to_string(cache.type))] = {
        {"bytes_per_token", cache.bytes_per_token},
        {"bytes_at_default_context", cache.bytes_at_default},
        {"bytes_at_longest_context", cache.bytes_at_longest}};
  }
  return {{"weight_bytes", memory.weight_bytes},
          {"workspace_bytes", memory.workspace_bytes},
          {"default_context", memory.default_context},
          {"longest_context", memory.longest_context},
          {"kv_cache", caches}};
}

Json value_to_json(const GgufEntry& entry) {
  struct ToJson {
    Json operator()(uint64_t value) const { return value; }
    Json operator()(int64_t value) const { return value; }
    Json operator()(double value) const { return number_or_null(value); }
    Json operator()(bool value) const { return value; }
    Json operator()(std::string_view value) const { return value; }
    Json operator()(const GgufNumberArray& array) const {
      return {{"array_of", gguf_type_name(array.element_type)}, {"count", array.count}};
    }
    Json operator()(const std::vector<std::string_view>& strings) const {
      return {{"array_of", "string"}, {"count", strings.size()}};
    }
  };
  return std::visit(ToJson{}, entry.value);
}

}  // namespace

double ModelReport::bits_per_weight() const {
  if (parameter_count == 0) return 0;
  return 8.0 * static_cast<double>(tensor_bytes) / static_cast<double>(parameter_count);
}

ModelReport make_report(const GgufFile& file) {
  const Metadata& metadata = file.metadata();
  ModelReport report;
  report.path = file.path();
  report.version = file.version();
  report.part_count = file.part_count();
  report.size_bytes = file.size_bytes();
  report.name = text_or_empty(metadata, "general.name");
  report.architecture = text_or_empty(metadata, "general.architecture");
  report.license = text_or_empty(metadata, "general.license");
  report.file_type = file_type_name(metadata);
  add_types(file, report);
  report.tokenizer = report_tokenizer(metadata);
  report.templates = report_templates(metadata);
  try {
    const std::string unreadable = unreadable_types(file);
    if (!unreadable.empty()) {
      fail(ErrorCode::unsupported, "tensors of type {} are not read; these are: {}", unreadable,
           format_names());
    }
    report.config = read_model_config(file);
    report.memory = report_memory(report, *report.config);
  } catch (const Error& error) {
    report.problem = error.what();
    if (report.problem.starts_with(file.path() + ": "))  // the report names it already
      report.problem.erase(0, file.path().size() + 2);
  }
  return report;
}

Json to_json(const ModelReport& report) {
  Json types = Json::array();
  for (const TypeShare& share : report.types) {
    types.push_back({{"type", share.type},
                     {"tensor_count", share.tensor_count},
                     {"parameter_count", share.parameter_count},
                     {"size_bytes", share.size_bytes}});
  }
  Json templates = Json::array();
  for (const TemplateReport& row : report.templates) {
    templates.push_back({{"name", row.name.empty() ? "default" : row.name},
                         {"size_bytes", row.size_bytes},
                         {"has_tools", row.has_tools}});
  }
  return {{"path", report.path},
          {"gguf_version", report.version},
          {"part_count", report.part_count},
          {"size_bytes", report.size_bytes},
          {"name", report.name},
          {"architecture", report.architecture},
          {"license", report.license},
          {"file_type", report.file_type},
          {"parameter_count", report.parameter_count},
          {"tensor_count", report.tensor_count},
          {"tensor_bytes", report.tensor_bytes},
          {"bits_per_weight", report.bits_per_weight()},
          {"quantization", types},
          {"config", report.config ? config_to_json(*report.config) : Json(nullptr)},
          {"tokenizer", report.tokenizer ? tokenizer_to_json(*report.tokenizer) : Json(nullptr)},
          {"chat_templates", templates},
          {"memory", report.memory ? memory_to_json(*report.memory) : Json(nullptr)},
          {"problem", report.problem.empty() ? Json(nullptr) : Json(report.problem)}};
}

Json tensors_to_json(const GgufFile& file) {
  Json tensors = Json::array();
  for (const TensorInfo& info : file.tensors()) {
    Json shape = Json::array();
    for (int axis = 0; axis < info.shape.rank; ++axis) shape.push_back(info.shape[axis]);
    tensors.push_back({{"name", info.name},
                       {"type", format_name(info.gguf_type_id)},
                       {"shape", shape},
                       {"size_bytes", info.size_bytes}});
  }
  return tensors;
}

Json metadata_to_json(const Metadata& metadata) {
  Json json = Json::object();
  for (const GgufEntry& entry : metadata.entries())
    json[std::string(entry.key)] = value_to_json(entry);
  return json;
}

}  // namespace sparrow::cli
