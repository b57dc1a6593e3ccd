#include "server/native/waiting.h"

#include "base/error.h"

namespace sparrow::native {

std::unique_ptr<Waiting> Waiting::begin(ServerState& state,
                                        const std::shared_ptr<http::Exchange>& exchange,
                                        const std::string& model) {
  std::unique_ptr<Waiting> waiting(new Waiting);
  const auto cancel = [flag = waiting->is_cancelled_] { *flag = true; };
  waiting->ticket_ = state.requests.admit(running_request(exchange->request(), model), cancel);
  if (waiting->ticket_ == nullptr) {
    exchange->fail(too_many_requests());
    return nullptr;
  }
  exchange->on_close(cancel);
  return waiting;
}

void Waiting::check() const {
  if (*is_cancelled_) fail(ErrorCode::cancelled, "the request was cancelled");
}

std::vector<float> Waiting::embed(Engine& engine, std::vector<int32_t> ids, Pooling pooling,
                                  bool normalize) {
  check();
  count_tokens(ids.size());
  const std::shared_ptr<OutputStream> stream = engine.submit({.prompt = std::move(ids),
                                                              .priority = Priority::batch,
                                                              .pooling = pooling,
                                                              .normalize = normalize});
  constexpr int64_t kLook_ms = 50;  // how long a client that is gone may go unnoticed
  for (;;) {
    std::optional<TextDelta> delta = stream->next_within(kLook_ms);
    if (*is_cancelled_) {
      stream->cancel();
      check();
    }
    if (!delta) continue;
    if (delta->finish_reason == FinishReason::error) throw Error(delta->error_code, delta->error);
    if (delta->finish_reason == FinishReason::cancelled)
      fail(ErrorCode::cancelled, "the request was cancelled");
    if (delta->finish_reason != FinishReason::none) return std::move(delta->embedding);
  }
}

}  // namespace sparrow::native
