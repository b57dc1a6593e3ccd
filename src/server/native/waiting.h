// Answers that are numbers: a handler waits for all of them, on its own thread, and then replies.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "server/http/exchange.h"
#include "server/server_state.h"
#include "server/stream_group.h"
#include "sparrow/engine.h"

namespace sparrow::native {

// While such a request runs it counts as one, and can be seen and cancelled as any other.
class Waiting {
 public:
  // Null where too many requests are being answered: then the client has been told.
  static std::unique_ptr<Waiting> begin(ServerState& state,
                                        const std::shared_ptr<http::Exchange>& exchange,
                                        const std::string& model);

  // Throws Error{cancelled} once the client is gone or somebody has cancelled the request.
  void check() const;
  // A text's hidden states as one vector, of length 1 where `normalize`. Throws as check(), and
  // what the engine fails with.
  std::vector<float> embed(Engine& engine, std::vector<int32_t> ids, Pooling pooling,
                           bool normalize);
  // The probabilities of labels after a prompt, as Engine::classify has them.
  std::vector<double> classify(Engine& engine, std::span<const int32_t> prompt,
                               std::span<const std::vector<int32_t>> labels);

  int64_t tokens() const { return tokens_; }  // of all texts and prompts so far

 private:
  Waiting(ServerState& state, AnswerClock::Time received_at);
  // What each of the requests has given, which are all about one text or prompt and count as one.
  std::vector<TextDelta> run(Engine& engine, std::vector<Request> requests, int64_t token_count);

  ServerState& state_;
  const AnswerClock::Time received_at_;
  const std::shared_ptr<StreamGroup> streams_;  // what runs at this moment
  std::unique_ptr<Requests::Ticket> ticket_;
  int64_t tokens_ = 0;
};

}  // namespace sparrow::native
