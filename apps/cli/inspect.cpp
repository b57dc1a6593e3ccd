// sparrow inspect: what a model file holds, whether it runs here, and in how much memory.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "api/model_source.h"
#include "apps/cli/command.h"
#include "apps/cli/display_text.h"
#include "apps/cli/inspect_report.h"
#include "apps/cli/numbers.h"
#include "base/memory_info.h"
#include "model/rope_scaling.h"
#include "store/disk.h"

namespace sparrow::cli {
namespace {

struct InspectOptions {
  std::string model;
  bool is_json = false;
  bool has_tensors = false;
};

// "1.54 B", "134.5 M".
std::string rounded_count(int64_t count) {
  const double value = static_cast<double>(count);
  if (value >= 1e9) return fmt::format("{:.2f} B", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.1f} M", value / 1e6);
  return grouped(count);
}

void print_title(std::string_view title) { std::printf("\n%s\n", std::string(title).c_str()); }

void print_row(std::string_view label, const std::string& value) {
  if (!value.empty()) std::printf("%s\n", fmt::format("  {:<16}{}", label, value).c_str());
}

void print_model(const ModelReport& report) {
  print_title("Model");
  print_row("name", as_one_line(report.name));
  print_row("architecture", as_one_line(report.architecture));
  if (report.parameter_count > 0) {
    print_row("parameters", fmt::format("{} ({})", rounded_count(report.parameter_count),
                                        grouped(report.parameter_count)));
  }
  print_row("licence", as_one_line(report.license));
  if (!report.config) return;
  const ModelConfig& config = *report.config;
  print_row("layers", grouped(config.layer_count));
  print_row("width", fmt::format("{}, feed-forward {}", grouped(config.hidden_size),
                                 grouped(config.expert_count > 0 ? config.expert_ffn_size
                                                                 : config.ffn_size)));
  print_row("heads", fmt::format("{} of {}, {} for keys and values", config.head_count,
                                 config.head_size, config.kv_head_count));
  if (config.expert_count > 0) {
    print_row("experts", fmt::format("{}, {} used for each token", config.expert_count,
                                     config.expert_used_count));
  }
  print_row("vocabulary", grouped(config.vocabulary_size));
  print_row("context", grouped(config.context_length) + " tokens");
  std::string rope = fmt::format("base {}", config.rope_base);
  if (config.rope_scaling.type != RopeScalingType::none)
    rope += fmt::format(", scaling {}", to_string(config.rope_scaling.type));
  if (config.rope_scaling.factor != 1) rope += fmt::format(" by {}", config.rope_scaling.factor);
  print_row("rope", rope);
}

void print_weights(const ModelReport& report) {
  if (report.tensor_count == 0) return;
  print_title("Weights");
  if (!report.file_type.empty() || report.bits_per_weight() > 0) {
    print_row("quantization",
              fmt::format("{}{}{:.2f} bits a weight", report.file_type,
                          report.file_type.empty() ? "" : ", ", report.bits_per_weight()));
  }
  print_row("", fmt::format("{:<10}{:>8}{:>12}{:>10}{:>8}", "type", "tensors", "parameters", "size",
                            "share"));
  for (const TypeShare& share : report.types) {
    print_row("", fmt::format("{:<10}{:>8}{:>12}{:>10}{:>7.1f}%", share.type, share.tensor_count,
                              rounded_count(share.parameter_count), human_bytes(share.size_bytes),
                              100.0 * static_cast<double>(share.size_bytes) /
                                  static_cast<double>(std::max<uint64_t>(1, report.tensor_bytes))));
  }
}

void print_tokenizer(const ModelReport& report) {
  print_title("Tokenizer");
  if (report.tokenizer) {
    const TokenizerReport& tokenizer = *report.tokenizer;
    print_row("kind", as_one_line(tokenizer.model) +
                          (tokenizer.pre_tokenizer.empty()
                               ? ""
                               : ", splits as " + as_one_line(tokenizer.pre_tokenizer)));
    print_row("tokens", fmt::format("{}, {} merges", grouped(tokenizer.token_count),
                                    grouped(tokenizer.merge_count)));
    for (const SpecialToken& token : tokenizer.special_tokens)
      print_row(token.role, fmt::format("{}  {}", token.id, as_one_line(token.text)));
    if (tokenizer.adds_bos)
      print_row("adds bos", *tokenizer.adds_bos ? "yes, before every text" : "no");
  } else {
    print_row("kind", "none in the file");
  }
  if (report.templates.empty()) print_row("chat template", "none in the file");
  for (const TemplateReport& row : report.templates) {
    print_row("chat template",
              fmt::format("{}{} bytes{}", row.name.empty() ? "" : as_one_line(row.name) + ", ",
                          grouped(static_cast<int64_t>(row.size_bytes)),
                          row.has_tools ? ", takes tools" : ""));
  }
}

void print_memory(const ModelReport& report) {
  if (!report.memory) return;
  const MemoryReport& memory = *report.memory;
  print_title("Memory");
  print_row("weights", format_bytes(memory.weight_bytes));
  print_row("working space", format_bytes(memory.workspace_bytes));
  const bool is_longer = memory.longest_context > memory.default_context;
  print_row(
      "cache",
      fmt::format("{:<8}{:>12}{:>18}{}", "type", "a token", "at " + grouped(memory.default_context),
                  is_longer ? fmt::format("{:>18}", "at " + grouped(memory.longest_context)) : ""));
  for (const KvReport& cache : memory.caches) {
    print_row(
        "",
        fmt::format("{:<8}{:>12}{:>18}{}", to_string(cache.type),
                    format_bytes(cache.bytes_per_token), format_bytes(cache.bytes_at_default),
                    is_longer ? fmt::format("{:>18}", format_bytes(cache.bytes_at_longest)) : ""));
  }
  const KvReport& usual = memory.caches.front();
  print_row("together", fmt::format("{} at a context of {} with {}",
                                    format_bytes(memory.weight_bytes + memory.workspace_bytes +
                                                 usual.bytes_at_default),
                                    grouped(memory.default_context), to_string(usual.type)));
}

void print_tensors(const GgufFile& file) {
  print_title("Tensors");
  int name_columns = 0;
  for (const TensorInfo& info : file.tensors())
    name_columns = std::max(name_columns, display_columns(as_one_line(info.name)));
  for (const TensorInfo& info : file.tensors()) {
    const std::string name = as_one_line(info.name);
    const std::string line = fmt::format(
        "  {}{:{}}  {:<8}{:>10}  {}", name, "", name_columns - display_columns(name),
        format_name(info.gguf_type_id), human_bytes(info.size_bytes), to_string(info.shape));
    std::printf("%s\n", line.c_str());
  }
}

void print_report(const ModelReport& report) {
  const std::string parts =
      report.part_count > 1 ? fmt::format(", in {} files", report.part_count) : "";
  std::printf("%s\n", as_one_line(report.path).c_str());
  std::printf("%s\n", fmt::format("GGUF version {}, {}{}", report.version,
                                  human_bytes(report.size_bytes), parts)
                          .c_str());
  if (!report.problem.empty())
    std::printf("Does not run here: %s\n", as_one_line(report.problem).c_str());
  print_model(report);
  print_weights(report);
  print_tokenizer(report);
  print_memory(report);
}

void inspect(const InspectOptions& options) {
  const StoredModel model = find_model(options.model);
  const std::shared_ptr<const GgufFile> file = GgufFile::open(model.model_path);
  const ModelReport report = make_report(*file);
  if (!options.is_json) {
    print_report(report);
    if (options.has_tensors) print_tensors(*file);
    return;
  }
  Json json = to_json(report);
  json["metadata"] = metadata_to_json(file->metadata());
  if (options.has_tensors) json["tensors"] = tensors_to_json(*file);
  // Bytes that are no UTF-8 become U+FFFD: the output is JSON whatever the file holds.
  std::printf("%s\n", json.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
}

}  // namespace

void set_up_inspect(CLI::App& app) {
  const auto options = std::make_shared<InspectOptions>();
  app.add_option("file", options->model, "A .gguf file, or a model by name")->required();
  app.add_flag("--json", options->is_json, "One JSON object on one line");
  app.add_flag("--tensors", options->has_tensors, "Every tensor too");
  app.callback([options] { inspect(*options); });
}

}  // namespace sparrow::cli
