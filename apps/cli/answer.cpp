#include "apps/cli/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "apps/cli/answer_writer.h"
#include "apps/cli/display_text.h"
#include "apps/cli/numbers.h"
#include "apps/cli/progress_bar.h"
#include "base/error.h"

namespace sparrow::cli {
namespace {

constexpr int64_t kPollMs = 50;  // how soon Ctrl-C is noticed
constexpr int kStatsPolls = 4;

std::string rate(int64_t count, double seconds) {
  return seconds > 0 ? fmt::format("{:.2f} tokens/s", static_cast<double>(count) / seconds) : "-";
}

// A token's text in quotes, with what would not show spelled out.
std::string quoted(const Tokenizer& tokenizer, TokenId id) {
  return fmt::format("\"{}\"", as_one_line(tokenizer.token_bytes(id, true)));
}

}  // namespace

Answer answer(engine::Engine& engine, Request request, bool wraps,
              const InterruptScope* interrupts) {
  const auto started = std::chrono::steady_clock::now();
  const bool has_logprobs = request.params.logprobs >= 0;
  const std::shared_ptr<OutputStream> stream = engine.submit(std::move(request));
  std::optional<Spinner> spinner(std::in_place, "");
  AnswerWriter writer(wraps);
  Answer answer;
  const auto stop = [&](FinishReason reason) {
    stream->cancel();
    answer.finish_reason = reason;
  };
  while (answer.finish_reason == FinishReason::none) {
    const std::optional<TextDelta> delta = stream->next_within(kPollMs);
    if (interrupts != nullptr && interrupts->is_interrupted()) stop(FinishReason::cancelled);
    if (!delta) continue;
    if (!delta->text.empty()) spinner.reset();
    answer.text += delta->text;
    if (has_logprobs) {
      answer.tokens.insert(answer.tokens.end(), delta->tokens.begin(), delta->tokens.end());
    }
    if (!writer.write(delta->text)) {
      answer.reader_is_gone = true;
      stop(FinishReason::cancelled);
    }
    if (delta->finish_reason != FinishReason::none) {
      answer.finish_reason = delta->finish_reason;
      answer.error = delta->error;
      answer.error_code = delta->error_code;
      answer.receipt = delta->receipt;
    }
  }
  spinner.reset();
  if (!answer.reader_is_gone) answer.reader_is_gone = !writer.finish();
  // One that was stopped has its numbers once the engine has noticed, a step later.
  for (int i = 0; i < kStatsPolls && answer.receipt.empty(); ++i) {
    const std::optional<TextDelta> rest = stream->next_within(kPollMs);
    if (rest) answer.receipt = rest->receipt;
    if (stream->is_finished()) break;
  }
  answer.stats = stream->stats();
  answer.total_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return answer;
}

std::string verbose_text(const Answer& answer, double load_s) {
  const RequestStats& stats = answer.stats;
  const int64_t computed = stats.prompt_tokens - stats.cached_tokens;
  std::string text;
  const auto line = [&](std::string_view name, const std::string& value) {
    text += fmt::format("{:<22}{}\n", fmt::format("{}:", name), value);
  };
  line("total duration", short_time(answer.total_s + std::max(load_s, 0.0)));
  if (load_s >= 0) line("load duration", short_time(load_s));
  line("prompt eval count", stats.cached_tokens > 0
                                ? fmt::format("{} token(s), {} of them from the cache",
                                              stats.prompt_tokens, stats.cached_tokens)
                                : fmt::format("{} token(s)", stats.prompt_tokens));
  line("prompt eval duration", short_time(stats.prefill_s));
  line("prompt eval rate", rate(computed, stats.prefill_s));
  line("eval count", fmt::format("{} token(s)", stats.output_tokens));
  line("eval duration", short_time(stats.decode_s));
  line("eval rate", rate(stats.output_tokens, stats.decode_s));
  line("seed", fmt::format("{}", stats.seed));
  return text;
}

std::string logprobs_text(const Answer& answer, const Tokenizer& tokenizer) {
  std::string text;
  for (const OutputToken& token : answer.tokens) {
    text += fmt::format("{:9.4f}  {}", token.logprob, quoted(tokenizer, token.id));
    for (size_t i = 0; i < token.top.size(); ++i) {
      text += fmt::format("{}{} {:.4f}", i == 0 ? "   of " : ", ",
                          quoted(tokenizer, token.top[i].id), token.top[i].logprob);
    }
    text += "\n";
  }
  return text;
}

}  // namespace sparrow::cli
