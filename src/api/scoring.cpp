// What the model thinks of given tokens: their likelihood, and the choice between labels.
#include "api/scoring.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "sparrow/engine.h"

namespace sparrow {

Request scoring_request(std::span<const int32_t> context, std::span<const int32_t> continuation) {
  if (context.empty()) {
    fail(ErrorCode::invalid_argument,
         "the context is empty: at least one token, such as BOS, must stand before what is scored");
  }
  if (continuation.empty())
    fail(ErrorCode::invalid_argument, "there is nothing to be scored: the continuation is empty");
  Request request;
  request.prompt.assign(context.begin(), context.end());
  request.prompt.insert(request.prompt.end(), continuation.begin(), continuation.end());
  request.params.max_tokens = 0;
  request.params.prompt_logprobs = 0;
  request.priority = Priority::batch;
  request.score_from = static_cast<int64_t>(context.size());
  return request;
}

std::vector<double> label_shares(std::vector<double> log_likelihoods) {
  const double highest = *std::ranges::max_element(log_likelihoods);
  double total = 0;
  for (double& share : log_likelihoods) total += share = std::exp(share - highest);
  for (double& share : log_likelihoods) share /= total;
  return log_likelihoods;
}

namespace {

Likelihood read_scores(OutputStream& stream) {
  Likelihood result;
  while (std::optional<TextDelta> delta = stream.next()) {
    for (OutputToken& token : delta->prompt_tokens) {
      result.logprob += static_cast<double>(token.logprob);
      result.is_greedy = result.is_greedy && token.rank == 1;
      result.tokens.push_back(std::move(token));
    }
    if (delta->finish_reason == FinishReason::error) throw Error(delta->error_code, delta->error);
    if (delta->finish_reason == FinishReason::cancelled)
      fail(ErrorCode::cancelled, "scoring was cancelled");
  }
  return result;
}

}  // namespace

Likelihood Engine::log_likelihood(std::span<const int32_t> context,
                                  std::span<const int32_t> continuation) {
  return read_scores(*submit(scoring_request(context, continuation)));
}

std::vector<double> Engine::classify(std::span<const int32_t> prompt,
                                     std::span<const std::vector<int32_t>> labels) {
  if (labels.size() < 2) {
    fail(ErrorCode::invalid_argument, "there must be at least two labels to choose from, got {}",
         labels.size());
  }
  std::vector<std::shared_ptr<OutputStream>> streams;
  for (const std::vector<int32_t>& label : labels)
    streams.push_back(submit(scoring_request(prompt, label)));
  std::vector<double> likelihoods;
  for (const auto& stream : streams) likelihoods.push_back(read_scores(*stream).logprob);
  return label_shares(std::move(likelihoods));
}

}  // namespace sparrow
