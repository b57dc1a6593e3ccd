#include "chat/conversation.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.h"
#include "jinja/strings.h"

namespace sparrow {
namespace {

// transformers 5.24, utils/chat_template_utils.py: the names of a message's reasoning.
constexpr std::array<const char*, 3> kReasoningFields = {"reasoning_content", "thinking",
                                                         "reasoning"};
constexpr std::string_view kMark = "CONTINUE_FINAL_MESSAGE_TAG ";
constexpr std::string_view kBareMark = kMark.substr(0, kMark.size() - 1);

bool has(const Json& object, const std::string& key) {
  return object.contains(key) && !object[key].is_null();
}

// {"thinking": …, the message, "reasoning_content": …}: an own `thinking` keeps its value and
// place.
Json with_reasoning_names(Json message) {
  const auto* field = std::find_if(kReasoningFields.begin(), kReasoningFields.end(),
                                   [&](const char* name) { return has(message, name); });
  if (field == kReasoningFields.end()) return message;
  const Json reasoning = message[*field];
  Json result = {{"thinking", reasoning}};
  for (auto& [key, value] : message.items()) result[key] = std::move(value);
  result["reasoning_content"] = reasoning;
  return result;
}

bool is_known_role(std::string_view role) {
  constexpr std::array<std::string_view, 8> kRoles = {
      "system", "user", "assistant", "tool", "developer", "function", "model", "ipython"};
  return std::find(kRoles.begin(), kRoles.end(), role) != kRoles.end();
}

jinja::Value message_value(const Json& message) {
  std::vector<jinja::DictEntry> entries;
  for (const auto& [key, value] : message.items()) {
    const bool is_role =
        key == "role" && value.is_string() && is_known_role(value.get_ref<const std::string&>());
    entries.push_back(
        {jinja::Value::string(key),
         is_role ? jinja::Value::string(value.get<std::string>(), true) : jinja::from_json(value)});
  }
  return jinja::Value::dict(std::move(entries));
}

}  // namespace

Json normalized_messages(const Json& messages) {
  if (!messages.is_array()) {
    fail(ErrorCode::invalid_argument, "messages must be an array, got {}", messages.type_name());
  }
  if (messages.empty())
    fail(ErrorCode::invalid_argument, "messages is empty; a prompt needs at least one");
  Json result = Json::array();
  for (const Json& message : messages) {
    if (!message.is_object()) {
      fail(ErrorCode::invalid_argument, "messages[{}] must be an object, got {}", result.size(),
           message.type_name());
    }
    Json kept = Json::object();
    for (const auto& [key, value] : message.items()) {
      if (!value.is_null()) kept[key] = value;
    }
    result.push_back(with_reasoning_names(std::move(kept)));
  }
  return result;
}

jinja::Value messages_value(const Json& messages) {
  std::vector<jinja::Value> values;
  for (const Json& message : messages) values.push_back(message_value(message));
  return jinja::Value::list(std::move(values));
}

Continuation::Continuation(Json& messages, const std::string& field,
                           const std::string& template_source) {
  Json& last = messages.back();
  if (!has(last, field)) {
    fail(ErrorCode::invalid_argument,
         "continue_final_message is set, but the last message has no '{}' to continue", field);
  }
  std::vector<std::string> fields = {field};
  if (std::find(kReasoningFields.begin(), kReasoningFields.end(), field) !=
      kReasoningFields.end()) {
    fields.clear();
    for (const char* name : kReasoningFields) {
      if (has(last, name) && last[name] == last[field]) fields.emplace_back(name);
    }
  }
  const bool is_named = std::any_of(fields.begin(), fields.end(), [&](const std::string& name) {
    return template_source.find(name) != std::string::npos;
  });
  if (!is_named) {
    fail(ErrorCode::invalid_argument,
         "continue_final_message is set to '{}', which the chat template does not use", field);
  }
  const auto mark = [&](Json& text) {
    if (!text.is_string()) {
      fail(ErrorCode::invalid_argument,
           "continue_final_message is set, but '{}' of the last message is no text", field);
    }
    final_text_ = text.get<std::string>();
    text = final_text_ + std::string(kMark);
  };
  if (last[field].is_array()) {
    Json& parts = last[field];
    const auto part = std::find_if(parts.rbegin(), parts.rend(), [](const Json& p) {
      return p.is_object() && p.contains("text");
    });
    if (part == parts.rend()) {
      fail(ErrorCode::invalid_argument,
           "continue_final_message is set, but the last message has no text part to continue");
    }
    mark((*part)["text"]);
    return;
  }
  for (const std::string& name : fields) mark(last[name]);
}

void Continuation::cut(jinja::Text& prompt) const {
  const jinja::Text text = jinja::strip(jinja::Text(final_text_, false), jinja::Side::both);
  const size_t at = jinja::find_last(prompt.view(), kBareMark);
  if (at == std::string::npos ||
      jinja::find_first(prompt.view(), text.view()) == std::string::npos) {
    fail(ErrorCode::invalid_argument,
         "continue_final_message is set, but the last message does not appear in the prompt: the "
         "chat template "
         "leaves parts of it out");
  }
  const bool keeps_spaces = prompt.view().substr(at).starts_with(kMark);
  prompt.truncate(at);
  if (!keeps_spaces) prompt = jinja::strip(prompt, jinja::Side::right);
}

}  // namespace sparrow
