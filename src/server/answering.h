// From the engine's streams to a client: what all dialects share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "chat/output_parser.h"
#include "server/queue_place.h"
#include "server/server_state.h"
#include "sparrow/engine.h"

namespace sparrow {

// What one of a request's answers has gained.
struct AnswerPart {
  int64_t index = 0;          // of the answer, where there are several
  const TextDelta& raw;       // tokens, and in the last part the reason for its end
  const ChatDelta& chat;      // its text as content, reasoning and calls
  const RequestStats& stats;  // complete in the last part
  bool is_last() const { return raw.finish_reason != FinishReason::none; }
};

// A dialect's half of an answer. All calls come from one thread, one at a time.
class AnswerWriter {
 public:
  virtual ~AnswerWriter() = default;
  // Nothing has come for a while, because others are answered first. Where a dialect has a way to
  // say so, it does.
  virtual void wait(const QueuePlace&) {}
  // In each answer's order.
  virtual void write(const AnswerPart& part) = 0;
  // All answers have ended.
  virtual void finish() = 0;
  // The answer cannot go on. Before anything was written it is a response of its own, later an
  // event in the stream, after which the stream has ended.
  virtual void fail(const http::Failure& failure) = 0;
};

// What a handler has made of a request.
struct Answering {
  std::shared_ptr<http::Exchange> exchange;
  std::shared_ptr<Engine> engine;
  std::string model;              // as the client named it
  std::vector<Request> requests;  // an answer each
  // Of the answers, the same number; null: all text is content.
  std::vector<std::unique_ptr<OutputParser>> parsers;
  std::unique_ptr<AnswerWriter> writer;
};

// Submits the requests and returns at once; the answer is written as it comes. When the client
// goes, they end within a step. Where too many requests are being answered, the writer fails with
// too_many_requests(). Throws what Engine::submit throws.
void answer(ServerState& state, Answering answering);

}  // namespace sparrow
