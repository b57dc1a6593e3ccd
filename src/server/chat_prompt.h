// A conversation as a client sends it, as the ids that a model reads.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "api/opened_model.h"
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

// How much of a conversation that is too long goes.
struct ContextRoom {
  int64_t context_tokens = 0;  // prompt and answer
  int64_t answer_tokens = 0;   // that should be left for the answer; a single message may have them
  bool may_drop = false;       // else a prompt that does not fit is refused
};

// Drops the oldest turns, whole, until the rest fits. Throws Error{context_full} with the numbers
// where nothing can be dropped, Error{invalid_argument} for what the template refuses.
ChatPrompt make_chat_prompt(const OpenedModel& model, const ChatRequest& request,
                            const ContextRoom& room);

}  // namespace sparrow
