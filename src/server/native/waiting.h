// Answers that are numbers: a handler waits for all of them, on its own thread, and then replies.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "server/http/exchange.h"
#include "server/server_state.h"
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
  // A text's hidden states as one vector, of length 1 where `normalize`. Counts its tokens.
  std::vector<float> embed(Engine& engine, std::vector<int32_t> ids, Pooling pooling,
                           bool normalize);

  void count_tokens(size_t count) { tokens_ += static_cast<int64_t>(count); }
  int64_t tokens() const { return tokens_; }

 private:
  Waiting() = default;

  std::shared_ptr<std::atomic<bool>> is_cancelled_ = std::make_shared<std::atomic<bool>>(false);
  std::unique_ptr<Requests::Ticket> ticket_;
  int64_t tokens_ = 0;
};

}  // namespace sparrow::native
