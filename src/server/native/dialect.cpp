#include "server/native/dialect.h"

#include "base/error.h"
#include "server/wire.h"

namespace sparrow::native {
namespace {

std::string_view error_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 429:
      return "rate_limit_error";
    case 501:
      return "not_supported_error";
    case 503:
      return "unavailable_error";
    default:
      return status < 500 ? "invalid_request_error" : "server_error";
  }
}

}  // namespace

Json error_json(const http::Failure& failure) {
  return {{"error",
           {{"code", failure.status},
            {"message", failure.message},
            {"type", error_type(failure.status)}}}};
}

http::ErrorBody error_body(const http::Failure& failure) {
  return {"application/json", to_wire(error_json(failure))};
}

std::string model_name(ServerState& state, const std::string& asked) {
  if (!asked.empty()) return asked;
  if (std::string name = state.models.default_name(); !name.empty()) return name;
  const std::vector<ServedModels::Loaded> loaded = state.models.loaded();
  if (loaded.empty()) {
    fail(ErrorCode::invalid_argument,
         "model is required: the server was started without one, and none is loaded");
  }
  return loaded.front().name;
}

std::vector<TokenId> parse_ids(const Json& list, const std::string& path,
                               const OpenedModel& model) {
  const int64_t size = model.tokenizer->vocabulary_size();
  std::vector<TokenId> ids;
  for (size_t i = 0; i < list.size(); ++i) {
    const bool is_id = list[i].is_number_integer() && list[i] >= 0 && list[i] < size;
    if (!is_id) {
      fail(ErrorCode::invalid_argument, "{}[{}] must be a token's id in [0, {}], got {}", path, i,
           size - 1, to_wire(list[i]));
    }
    ids.push_back(list[i].get<TokenId>());
  }
  return ids;
}

TemplateInput template_input(const JsonFields& request) {
  TemplateInput input;
  const Json* messages = request.list("messages");
  if (messages == nullptr) fail(ErrorCode::invalid_argument, "messages is required");
  if (messages->empty())
    fail(ErrorCode::invalid_argument, "messages must hold at least one message");
  check_message_count(*messages);
  input.messages = *messages;
  for (size_t i = 0; i < input.messages.size(); ++i) {
    const std::string path = fmt::format("messages[{}]", i);
    const JsonFields message(input.messages[i], path);
    message.required_text("role");
    const Json* content = message.find("content");
    if (content != nullptr)
      input.messages[i]["content"] = content_text(*content, path + ".content");
  }
  if (const Json* tools = request.list("tools")) {
    parse_tools(*tools);  // for its checks
    input.tools = *tools;
  }
  input.add_generation_prompt = request.boolean("add_generation_prompt").value_or(true);
  input.continue_final_message = request.boolean("continue_final_message").value_or(false);
  if (const Json* variables = request.object("chat_template_kwargs")) input.variables = *variables;
  return input;
}

}  // namespace sparrow::native
