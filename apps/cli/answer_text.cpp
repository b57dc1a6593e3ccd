#include "apps/cli/answer_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/cli/display_text.h"
#include "apps/cli/numbers.h"

namespace sparrow::cli {
namespace {

std::string rate(int64_t count, double seconds) {
  return seconds > 0 ? fmt::format("{:.2f} tokens/s", static_cast<double>(count) / seconds) : "-";
}

// A token's text in quotes, with what would not show spelled out.
std::string quoted(const std::string& text) { return fmt::format("\"{}\"", as_one_line(text)); }

}  // namespace

std::string verbose_text(const Answer& answer, double load_s) {
  std::string text;
  const auto line = [&](std::string_view name, const std::string& value) {
    text += fmt::format("{:<22}{}\n", fmt::format("{}:", name), value);
  };
  line("total duration", short_time(answer.total_s + std::max(load_s, 0.0)));
  if (load_s >= 0) line("load duration", short_time(load_s));
  if (!answer.stats) return text;
  const RequestStats& stats = *answer.stats;
  const int64_t computed = stats.prompt_tokens - stats.cached_tokens;
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

std::string logprobs_text(const Answer& answer) {
  std::string text;
  for (const AnswerToken& token : answer.tokens) {
    text += fmt::format("{:9.4f}  {}", token.logprob, quoted(token.text));
    for (size_t i = 0; i < token.top.size(); ++i) {
      const auto& [other, logprob] = token.top[i];
      text += fmt::format("{}{} {:.4f}", i == 0 ? "   of " : ", ", quoted(other), logprob);
    }
    text += "\n";
  }
  return text;
}

std::string context_text(const LoadedContext& context, const std::string& place) {
  std::string text = fmt::format("context {} tokens", grouped(context.tokens));
  if (!context.why_less.empty()) {
    text = fmt::format("context {} of {} tokens, {}", grouped(context.tokens),
                       grouped(context.wanted), context.why_less);
  }
  return place.empty() ? text : fmt::format("{}; {} answers", text, place);
}

}  // namespace sparrow::cli
