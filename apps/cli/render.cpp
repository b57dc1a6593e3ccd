// sparrow render: the exact prompt that a chat template makes of a conversation.
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "api/model_source.h"
#include "apps/cli/command.h"
#include "base/error.h"
#include "base/json.h"
#include "base/mapped_file.h"
#include "chat/chat_template.h"
#include "gguf/gguf_file.h"
#include "text/tokenizer.h"

namespace sparrow::cli {
namespace {

struct RenderOptions {
  std::string model;
  std::string conversation_path;
  std::string template_path;
};

std::string read_file(const std::string& path) {
  const MappedFile file(path);
  const std::span<const std::byte> bytes = file.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Takes a key out of the object; null where it is not there.
Json take(Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return nullptr;
  Json value = std::move(*found);
  object.erase(found);
  return value;
}

bool take_flag(Json& object, const char* key) {
  const Json value = take(object, key);
  if (!value.is_null() && !value.is_boolean()) {
    fail(ErrorCode::invalid_argument, "{} must be true or false, got {}", key, value.dump());
  }
  return value.is_boolean() && value.get<bool>();
}

// The keys that have a meaning of their own; all others are variables of the template.
TemplateInput read_input(const std::string& path) {
  Json object = parse_json(read_file(path), path);
  if (!object.is_object() || !object.contains("messages")) {
    fail(ErrorCode::invalid_argument, "{} must hold a JSON object with \"messages\"", path);
  }
  TemplateInput input;
  input.messages = take(object, "messages");
  input.tools = take(object, "tools");
  input.add_generation_prompt = take_flag(object, "add_generation_prompt");
  if (object.contains("continue_final_message") && object["continue_final_message"].is_string()) {
    input.continue_field = take(object, "continue_final_message").get<std::string>();
    input.continue_final_message = !input.continue_field.empty();
  } else {
    input.continue_final_message = take_flag(object, "continue_final_message");
  }
  input.variables = std::move(object);
  return input;
}

void render(const RenderOptions& options) {
  const TemplateInput input = read_input(options.conversation_path);
  const StoredModel stored = find_model(options.model);
  const auto file = GgufFile::open(stored.model_path);
  const auto tokenizer = Tokenizer::from_gguf(*file);
  std::optional<std::string> source = stored.chat_template;
  if (!options.template_path.empty()) source = read_file(options.template_path);
  const auto chat_template = source ? ChatTemplate::from_source(*source, tokenizer.get())
                                    : ChatTemplate::from_gguf(*file, *tokenizer);
  if (chat_template->is_built_in()) {
    std::fprintf(stderr, "The file has no chat template; using the built-in '%s'.\n",
                 chat_template->built_in_name().c_str());
  }
  for (const Segment& segment : chat_template->render(input)) {
    std::fwrite(segment.text.data(), 1, segment.text.size(), stdout);
  }
}

}  // namespace

void set_up_render(CLI::App& app) {
  const auto options = std::make_shared<RenderOptions>();
  app.add_option("model", options->model, "A .gguf file or a model's name")->required();
  app.add_option("file", options->conversation_path,
                 "A JSON object: messages, and optionally tools, add_generation_prompt (false "
                 "unless it says so, as in "
                 "Hugging Face), continue_final_message (true, or the field to continue); all "
                 "other keys are variables "
                 "of the template")
      ->required();
  app.add_option("--template", options->template_path,
                 "A Jinja file in place of the model's template");
  app.callback([options] { render(*options); });
}

}  // namespace sparrow::cli
