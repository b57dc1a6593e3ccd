#include "server/chat_prompt.h"

#include <random>

#include "base/error.h"
#include "base/json.h"

namespace sparrow {
namespace {

// The template's input but for the messages.
TemplateInput input_of(const ChatRequest& request) {
  TemplateInput input;
  if (!request.tools.empty()) input.tools = to_json(request.tools);
  input.add_generation_prompt = request.add_generation_prompt;
  input.continue_final_message = request.continue_final_message;
  input.variables = parse_json(request.variables, "the template's variables");
  return input;
}

}  // namespace

ChatPrompt make_chat_prompt(const OpenedModel& model, const ChatRequest& request,
                            const ContextRoom& room, bool may_drop) {
  std::shared_ptr<const ChatTemplate> own;
  if (!request.chat_template.empty())
    own = ChatTemplate::from_source(request.chat_template, model.tokenizer.get());
  const ChatTemplate& chat_template = own != nullptr ? *own : *model.chat_template;
  if (!request.tools.empty() && !has_tools(chat_template))
    fail(ErrorCode::invalid_argument, "\"{}\" does not support tools", model.name());

  ChatPrompt prompt;
  prompt.format =
      request.tools.empty() ? &find_output_format("plain") : &output_format_of(chat_template);
  for (const Tool& tool : request.tools) prompt.parser.tool_names.push_back(tool.name);
  prompt.parser.has_reasoning = has_reasoning(chat_template);
  prompt.shown_tokens = marker_tokens(*prompt.format, *model.tokenizer);

  TemplateInput input = input_of(request);
  const auto count_of = [&](const std::vector<Message>& messages) {
    input.messages = to_json(messages);
    const std::vector<Segment> segments = chat_template.render(input);
    prompt.ids = model.tokenizer->with_prefix(model.tokenizer->encode(segments));
    prompt.parser.is_reasoning_open = opens_reasoning(segments);
    return static_cast<int64_t>(prompt.ids.size());
  };
  std::optional<int64_t> dropped = 0;
  if (may_drop) {
    dropped = drop_turns(request.messages, room, count_of);
  } else if (count_of(request.messages) >= room.context_tokens) {
    dropped.reset();
  }
  if (!dropped) {
    fail(ErrorCode::context_full,
         "the prompt is too long: {} tokens, and the context of {} must hold it and an answer",
         prompt.ids.size(), room.context_tokens);
  }
  prompt.dropped_messages = *dropped;
  return prompt;
}

std::unique_ptr<OutputParser> make_parser(const ChatPrompt& prompt) {
  OutputParserOptions options = prompt.parser;
  options.seed = std::random_device()();
  return std::make_unique<OutputParser>(*prompt.format, std::move(options));
}

}  // namespace sparrow
