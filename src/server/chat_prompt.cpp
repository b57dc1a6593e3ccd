#include "server/chat_prompt.h"

#include "base/error.h"
#include "base/json.h"

namespace sparrow {
namespace {

struct Rendered {
  std::vector<TokenId> ids;
  bool opens_reasoning = false;
};

Rendered render(const OpenedModel& model, const ChatTemplate& chat_template,
                const ChatRequest& request, std::span<const Message> messages) {
  TemplateInput input;
  input.messages = to_json(messages);
  if (!request.tools.empty()) input.tools = to_json(request.tools);
  input.add_generation_prompt = request.add_generation_prompt;
  input.continue_final_message = request.continue_final_message;
  input.variables = parse_json(request.variables, "the template's variables");
  return {chat_template.encode(input, *model.tokenizer),
          opens_reasoning(chat_template.render(input))};
}

}  // namespace

ChatPrompt make_chat_prompt(const OpenedModel& model, const ChatRequest& request,
                            const ContextRoom& room) {
  std::shared_ptr<const ChatTemplate> own;
  if (!request.chat_template.empty())
    own = ChatTemplate::from_source(request.chat_template, model.tokenizer.get());
  const ChatTemplate& chat_template = own != nullptr ? *own : *model.chat_template;

  ChatPrompt prompt;
  prompt.format =
      request.tools.empty() ? &find_output_format("plain") : &output_format_of(chat_template);
  for (const Tool& tool : request.tools) prompt.parser.tool_names.push_back(tool.name);
  prompt.parser.has_reasoning = has_reasoning(chat_template);
  prompt.shown_tokens = marker_tokens(*prompt.format, *model.tokenizer);

  const bool has_system = !request.messages.empty() && request.messages.front().role == "system";
  const size_t first = has_system ? 1 : 0;
  size_t seen_from = first;
  for (;;) {
    std::vector<Message> seen(request.messages.begin(),
                              request.messages.begin() + static_cast<int64_t>(first));
    seen.insert(seen.end(), request.messages.begin() + static_cast<int64_t>(seen_from),
                request.messages.end());
    Rendered rendered = render(model, chat_template, request, seen);
    const int64_t count = static_cast<int64_t>(rendered.ids.size());
    // A turn begins with a user's message: many templates want one first.
    size_t next = seen_from + 1;
    while (next < request.messages.size() && request.messages[next].role != "user") ++next;
    const bool is_last = next >= request.messages.size() || !room.may_drop;
    const int64_t limit = room.context_tokens - (is_last ? 1 : room.answer_tokens);
    if (count <= limit) {
      prompt.ids = std::move(rendered.ids);
      prompt.parser.is_reasoning_open = rendered.opens_reasoning;
      prompt.dropped_messages = static_cast<int64_t>(seen_from - first);
      return prompt;
    }
    if (is_last) {
      fail(ErrorCode::context_full,
           "the prompt has {} tokens, and the context of {} must hold it and an answer", count,
           room.context_tokens);
    }
    seen_from = next;
  }
}

}  // namespace sparrow
