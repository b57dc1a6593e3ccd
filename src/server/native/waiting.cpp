#include "server/native/waiting.h"

#include <algorithm>

#include "api/scoring.h"
#include "base/error.h"

namespace sparrow::native {

Waiting::Waiting(ServerState& state, AnswerClock::Time received_at)
    : state_(state), received_at_(received_at), streams_(std::make_shared<StreamGroup>()) {}

std::unique_ptr<Waiting> Waiting::begin(ServerState& state,
                                        const std::shared_ptr<http::Exchange>& exchange,
                                        const std::string& model) {
  const http::Request& request = exchange->request();
  std::unique_ptr<Waiting> waiting(new Waiting(state, request.received_at));
  const auto cancel = [streams = waiting->streams_] { streams->cancel(); };
  RunningRequest entry = running_request(request, model);
  entry.queue_position = [streams = waiting->streams_] { return streams->queue_position(); };
  waiting->ticket_ = state.requests.admit(std::move(entry), cancel);
  if (waiting->ticket_ == nullptr) {
    exchange->fail(too_many_requests());
    return nullptr;
  }
  exchange->on_close(cancel);
  return waiting;
}

void Waiting::check() const {
  if (streams_->is_cancelled()) fail(ErrorCode::cancelled, "the request was cancelled");
}

std::vector<TextDelta> Waiting::run(Engine& engine, std::vector<Request> requests,
                                    int64_t token_count) {
  check();
  tokens_ += token_count;
  AnswerClock clock(state_.answer_metrics.of(engine.info()), received_at_, -1);
  std::vector<std::shared_ptr<OutputStream>> streams;
  for (Request& request : requests) {
    request.priority = Priority::batch;
    streams.push_back(engine.submit(std::move(request)));
    streams_->add(streams.back());
  }
  std::vector<TextDelta> answers(streams.size());
  for (size_t i = 0; i < streams.size(); ++i) {
    TextDelta& answer = answers[i];
    while (std::optional<TextDelta> delta = streams[i]->next()) {
      std::ranges::move(delta->prompt_tokens, std::back_inserter(answer.prompt_tokens));
      if (delta->finish_reason == FinishReason::none) continue;
      std::swap(delta->prompt_tokens, answer.prompt_tokens);
      answer = std::move(*delta);
    }
  }
  streams_->clear();
  // What one of them has computed of the prompt the others share.
  RequestStats stats = streams.front()->stats();
  stats.prompt_tokens = token_count;
  stats.cached_tokens = std::min(stats.cached_tokens, token_count);
  clock.take(answers.front(), stats, std::chrono::steady_clock::now());
  for (const TextDelta& answer : answers) {
    if (answer.finish_reason == FinishReason::error) throw Error(answer.error_code, answer.error);
    if (answer.finish_reason == FinishReason::cancelled)
      fail(ErrorCode::cancelled, "the request was cancelled");
  }
  return answers;
}

std::vector<float> Waiting::embed(Engine& engine, std::vector<int32_t> ids, Pooling pooling,
                                  bool normalize) {
  const int64_t count = static_cast<int64_t>(ids.size());
  return run(engine, {{.prompt = std::move(ids), .pooling = pooling, .normalize = normalize}},
             count)
      .front()
      .embedding;
}

std::vector<double> Waiting::classify(Engine& engine, std::span<const int32_t> prompt,
                                      std::span<const std::vector<int32_t>> labels) {
  std::vector<Request> requests;
  for (const std::vector<int32_t>& label : labels)
    requests.push_back(scoring_request(prompt, label));
  std::vector<double> likelihoods;
  for (const TextDelta& answer :
       run(engine, std::move(requests), static_cast<int64_t>(prompt.size()))) {
    double sum = 0;
    for (const OutputToken& token : answer.prompt_tokens) sum += double{token.logprob};
    likelihoods.push_back(sum);
  }
  return label_shares(std::move(likelihoods));
}

}  // namespace sparrow::native
