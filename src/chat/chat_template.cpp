#include "chat/chat_template.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"
#include "chat/built_in_templates.h"
#include "chat/conversation.h"
#include "gguf/gguf_file.h"
#include "jinja/template.h"

namespace sparrow {
namespace {

constexpr std::string_view kKey = "tokenizer.chat_template";
constexpr std::string_view kToolsKey = "tokenizer.chat_template.tool_use";
constexpr std::string_view kDefaultKey = "tokenizer.chat_template.default";

// A template's source and, where it parses, the template; else why not.
struct Parsed {
  std::string source;
  std::shared_ptr<const jinja::Template> parsed;
  std::optional<Error> error;
};

Parsed parse_or_remember(std::string source) {
  Parsed result;
  result.source = std::move(source);
  try {
    result.parsed = std::make_shared<const jinja::Template>(result.source);
  } catch (const Error& error) {
    result.error = Error(error.code(), fmt::format("chat template: {}", error.what()));
  }
  return result;
}

// The names that transformers gives its tokenizer's special tokens, and GGUF's keys of them.
struct SpecialToken {
  const char* name;
  const char* key;
};
constexpr std::array<SpecialToken, 7> kSpecialTokens = {{
    {"bos_token", "tokenizer.ggml.bos_token_id"},
    {"eos_token", "tokenizer.ggml.eos_token_id"},
    {"unk_token", "tokenizer.ggml.unknown_token_id"},
    {"sep_token", "tokenizer.ggml.seperator_token_id"},
    {"pad_token", "tokenizer.ggml.padding_token_id"},
    {"cls_token", "tokenizer.ggml.cls_token_id"},
    {"mask_token", "tokenizer.ggml.mask_token_id"},
}};

// Control tokens count only in a template's words, and these are its words.
jinja::Value token_value(const Tokenizer& tokenizer, TokenId id) {
  return jinja::Value::string(std::string(tokenizer.piece(id)), true);
}

jinja::Variables special_tokens(const GgufFile& file, const Tokenizer& tokenizer) {
  jinja::Variables variables;
  for (const SpecialToken& token : kSpecialTokens) {
    const std::optional<int64_t> id = file.metadata().find_int(token.key);
    if (!id || *id < 0 || *id >= tokenizer.vocabulary_size()) continue;
    variables.emplace_back(token.name, token_value(tokenizer, static_cast<TokenId>(*id)));
  }
  return variables;
}

jinja::Variables special_tokens(const Tokenizer& tokenizer) {
  jinja::Variables variables;
  if (tokenizer.bos())
    variables.emplace_back("bos_token", token_value(tokenizer, *tokenizer.bos()));
  if (tokenizer.eos())
    variables.emplace_back("eos_token", token_value(tokenizer, *tokenizer.eos()));
  return variables;
}

void set_variable(jinja::Variables& variables, const std::string& name, jinja::Value value) {
  const auto found = std::find_if(variables.begin(), variables.end(),
                                  [&](const auto& row) { return row.first == name; });
  if (found != variables.end()) {
    found->second = std::move(value);
  } else {
    variables.emplace_back(name, std::move(value));
  }
}

void check_tools(const Json& tools) {
  const bool is_list =
      tools.is_array() &&
      std::all_of(tools.begin(), tools.end(), [](const Json& tool) { return tool.is_object(); });
  if (!tools.is_null() && !is_list)
    fail(ErrorCode::invalid_argument, "tools must be an array of objects");
}

void add_further_variables(jinja::Variables& variables, const Json& further) {
  constexpr std::array<std::string_view, 4> kReserved = {
      "messages", "tools", "add_generation_prompt", "continue_final_message"};
  if (!further.is_object() && !further.is_null()) {
    fail(ErrorCode::invalid_argument, "template variables must be an object, got {}",
         further.type_name());
  }
  for (const auto& [name, value] : further.items()) {
    if (std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end()) {
      fail(ErrorCode::invalid_argument, "'{}' cannot be a template variable: the name is taken",
           name);
    }
    set_variable(variables, name, jinja::from_json(value));
  }
}

}  // namespace

struct ChatTemplate::Impl {
  Parsed main;
  std::optional<Parsed> for_tools;
  std::string built_in_name;
  jinja::Variables special_tokens;

  const Parsed& chosen(const Json& tools) const {
    const Parsed& parsed = for_tools && !tools.is_null() ? *for_tools : main;
    if (parsed.error) throw *parsed.error;
    return parsed;
  }
};

ChatTemplate::ChatTemplate(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ChatTemplate::~ChatTemplate() = default;

std::shared_ptr<const ChatTemplate> ChatTemplate::from_gguf(const GgufFile& file,
                                                            const Tokenizer& tokenizer) {
  const Metadata& metadata = file.metadata();
  auto impl = std::make_unique<Impl>();
  std::optional<std::string_view> source = metadata.find_string(kKey);
  if (!source) source = metadata.find_string(kDefaultKey);
  if (source) {
    impl->main = parse_or_remember(std::string(*source));
  } else {
    BuiltInTemplate built_in = find_built_in_template(file, tokenizer);
    impl->built_in_name = built_in.name;
    impl->main = parse_or_remember(std::move(built_in.source));
  }
  if (const auto for_tools = metadata.find_string(kToolsKey)) {
    impl->for_tools = parse_or_remember(std::string(*for_tools));
  }
  impl->special_tokens = special_tokens(file, tokenizer);
  return std::shared_ptr<const ChatTemplate>(new ChatTemplate(std::move(impl)));
}

std::shared_ptr<const ChatTemplate> ChatTemplate::from_source(std::string source,
                                                              const Tokenizer* tokenizer) {
  auto impl = std::make_unique<Impl>();
  impl->main = parse_or_remember(std::move(source));
  if (impl->main.error) throw *impl->main.error;
  if (tokenizer != nullptr) impl->special_tokens = special_tokens(*tokenizer);
  return std::shared_ptr<const ChatTemplate>(new ChatTemplate(std::move(impl)));
}

std::vector<Segment> ChatTemplate::render(const TemplateInput& input) const {
  check_tools(input.tools);
  const Parsed& chosen = impl_->chosen(input.tools);
  Json messages = normalized_messages(input.messages);
  if (input.continue_final_message && input.add_generation_prompt) {
    fail(ErrorCode::invalid_argument,
         "continue_final_message and add_generation_prompt exclude each other: either the last "
         "message goes on or a "
         "new one begins");
  }
  std::optional<Continuation> continuation;
  if (input.continue_final_message)
    continuation.emplace(messages, input.continue_field, chosen.source);

  jinja::Variables variables = impl_->special_tokens;
  set_variable(variables, "documents", jinja::Value());
  add_further_variables(variables, input.variables);
  set_variable(variables, "messages", messages_value(messages));
  set_variable(variables, "tools", jinja::from_json(input.tools));
  set_variable(variables, "add_generation_prompt",
               jinja::Value::boolean(input.add_generation_prompt));
  jinja::Text prompt;
  try {
    prompt = chosen.parsed->render(variables);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("chat template: {}", error.what()));
  }
  if (continuation) continuation->cut(prompt);
  return prompt.segments();
}

std::vector<TokenId> ChatTemplate::encode(const TemplateInput& input,
                                          const Tokenizer& tokenizer) const {
  return tokenizer.with_prefix(tokenizer.encode(render(input)));
}

const std::string& ChatTemplate::source() const { return impl_->main.source; }
const std::string& ChatTemplate::source_for_tools() const {
  return impl_->for_tools ? impl_->for_tools->source : impl_->main.source;
}
bool ChatTemplate::is_built_in() const { return !impl_->built_in_name.empty(); }
const std::string& ChatTemplate::built_in_name() const { return impl_->built_in_name; }

}  // namespace sparrow
