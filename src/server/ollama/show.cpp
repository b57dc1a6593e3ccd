#include "server/ollama/show.h"

#include <type_traits>

#include "api/model_defaults.h"
#include "base/error.h"
#include "sampling/params_json.h"
#include "server/ollama/cards.h"
#include "server/ollama/dialect.h"
#include "server/wire.h"
#include "tensor/formats/format.h"

namespace sparrow::ollama {
namespace {

// "temperature                    0.7": a line a parameter, a list's entries one by one.
std::string parameters_text(const Json& options, std::string_view indent) {
  std::string text;
  const auto add = [&](const std::string& name, const Json& value) {
    if (!text.empty()) text += "\n";
    const std::string shown = to_wire(value);
    text += indent.empty() ? fmt::format("{:<30} {}", name, shown)
                           : fmt::format("{}{} {}", indent, name, shown);
  };
  for (const auto& [name, value] : options.items()) {
    if (!value.is_array()) {
      add(name, value);
      continue;
    }
    for (const Json& entry : value) add(name, entry);
  }
  return text;
}

std::string quoted_block(std::string_view directive, const std::string& text) {
  return fmt::format("{} \"\"\"{}\"\"\"\n", directive, text);
}

// What would make this model again with `ollama create`.
std::string modelfile(const std::string& name, const std::string& chat_template,
                      const StoredModel& stored, const Json& options) {
  std::string text = fmt::format("# Modelfile of {0}\nFROM {0}\n", name);
  text += quoted_block("TEMPLATE", chat_template);
  if (stored.system) text += quoted_block("SYSTEM", *stored.system);
  if (!options.empty()) text += parameters_text(options, "PARAMETER ") + "\n";
  for (const Json& message : stored.messages) {
    if (!message.is_object()) continue;
    const JsonFields fields(message);
    text += fmt::format("MESSAGE {} {}\n", fields.text("role").value_or("user"),
                        to_wire(Json(fields.text("content").value_or(""))));
  }
  if (!stored.license.empty()) text += quoted_block("LICENSE", stored.license);
  return text;
}

Json array_json(const Metadata& metadata, const GgufEntry& entry, bool is_verbose) {
  if (!is_verbose) return nullptr;
  const auto* array = std::get_if<GgufNumberArray>(&entry.value);
  if (array == nullptr) return std::get<std::vector<std::string_view>>(entry.value);
  const bool is_real =
      array->element_type == GgufType::float32 || array->element_type == GgufType::float64;
  if (is_real) return metadata.find_floats(entry.key).value();
  return metadata.find_ints(entry.key).value();
}

// The file's metadata, but for the template, which has its own place.
Json model_info(const GgufFile& file, bool is_verbose) {
  const Metadata& metadata = file.metadata();
  Json info = Json::object();
  for (const GgufEntry& entry : metadata.entries()) {
    if (entry.key.starts_with("tokenizer.chat_template")) continue;
    Json& value = info[std::string(entry.key)];
    std::visit(
        [&](const auto& held) {
          using Held = std::decay_t<decltype(held)>;
          constexpr bool is_array = std::is_same_v<Held, GgufNumberArray> ||
                                    std::is_same_v<Held, std::vector<std::string_view>>;
          if constexpr (is_array) {
            value = array_json(metadata, entry, is_verbose);
          } else {
            value = held;
          }
        },
        entry.value);
  }
  int64_t count = 0;
  for (const TensorInfo& tensor : file.tensors()) count += tensor.shape.count();
  info["general.parameter_count"] = count;
  return info;
}

Json tensors_json(const GgufFile& file) {
  Json tensors = Json::array();
  for (const TensorInfo& tensor : file.tensors()) {
    Json shape = Json::array();
    for (int axis = 0; axis < tensor.shape.rank; ++axis) shape.push_back(tensor.shape[axis]);
    tensors.push_back({{"name", tensor.name},
                       {"type", tensor.format != nullptr ? std::string(tensor.format->name)
                                                         : std::to_string(tensor.gguf_type_id)},
                       {"shape", std::move(shape)}});
  }
  return tensors;
}

}  // namespace

void show(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  const std::string name = model_of(fields);
  const bool is_verbose = fields.boolean("verbose").value_or(false);
  const OpenedModel model = open_model(state.models.find(name));
  StoredModel stored = model.stored;
  if (const auto system = fields.text("system"); system && !system->empty())
    stored.system = *system;
  const std::string asked_template = fields.text("template").value_or("");
  const std::string chat_template =
      asked_template.empty() ? model.chat_template->source() : asked_template;
  const Json options = option_values(stored.params);

  const ModelCard card = make_card(stored, *model.file, *model.chat_template);
  Json details = card.details;
  details["context_length"] = card.context_length;
  details["embedding_length"] = card.embedding_length;
  Json info = model_info(*model.file, is_verbose);
  // VS Code's Copilot shows this name, and should ask for the model by the one it knows.
  if (exchange->request().headers.value("User-Agent").starts_with("GitHubCopilotChat/"))
    info["general.basename"] = name;

  Json answer = {{"model", stored.name.short_text()}};
  if (!stored.license.empty()) answer["license"] = stored.license;
  answer["modelfile"] = modelfile(name, chat_template, stored, options);
  if (!options.empty()) answer["parameters"] = parameters_text(options, "");
  answer["template"] = chat_template;
  if (stored.system) answer["system"] = *stored.system;
  answer["sampling"] = sampling_json(model_params(stored, model.file->metadata()));
  answer["details"] = std::move(details);
  if (!stored.messages.empty()) answer["messages"] = stored.messages;
  answer["model_info"] = std::move(info);
  if (is_verbose) answer["tensors"] = tensors_json(*model.file);
  answer["capabilities"] = card.capabilities;
  answer["modified_at"] = rfc3339(stored.modified_unix_s);
  exchange->reply_json(200, to_wire(answer));
}

}  // namespace sparrow::ollama
