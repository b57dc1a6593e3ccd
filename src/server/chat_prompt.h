// A conversation as a client sends it, as the ids that a model reads.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "api/opened_model.h"
#include "chat/context_fit.h"
#include "chat/output_parser.h"
#include "sparrow/chat.h"
#include "sparrow/generation.h"

namespace sparrow {

struct ChatPrompt {
  std::vector<TokenId> ids;
  const OutputFormat* format = nullptr;  // of the tool calls in the answer
  OutputParserOptions parser;            // without a seed
  std::vector<TokenId> shown_tokens;     // for Request::shown_tokens
  int64_t dropped_messages = 0;          // the oldest, but for a leading system message
};

// `may_drop`: the oldest turns go until the rest leaves room for an answer; else all of it must
// fit. Throws Error{context_full} with the numbers where it does not, Error{invalid_argument} for
// what the template refuses, and for tools where it knows none.
ChatPrompt make_chat_prompt(const OpenedModel& model, const ChatRequest& request,
                            const ContextRoom& room, bool may_drop = false);

// For one of its answers; the ids of its calls are drawn anew.
std::unique_ptr<OutputParser> make_parser(const ChatPrompt& prompt);

}  // namespace sparrow
