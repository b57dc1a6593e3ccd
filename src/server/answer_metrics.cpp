#include "server/answer_metrics.h"

#include <algorithm>
#include <array>

namespace sparrow {
namespace {

constexpr std::array kReasons = {FinishReason::stop, FinishReason::length, FinishReason::cancelled,
                                 FinishReason::error};

// vLLM's words.
std::string reason_word(FinishReason reason) {
  return reason == FinishReason::cancelled ? "abort" : std::string(to_string(reason));
}

std::vector<double> token_bounds() {
  return {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000};
}

// A counter of an engine's own, which begins anew when the model is loaded again.
struct Growth {
  http::Counter& counter;
  double seen = 0;

  void follow(double value) {
    counter.add(value < seen ? value : value - seen);
    seen = value;
  }
};

double seconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

double quotient(double a, double b) { return b > 0 ? a / b : 0; }

}  // namespace

// llama-server's, of all models together.
struct AnswerMetrics::Totals {
  explicit Totals(http::Metrics& metrics) : metrics_(metrics) {}

  http::Counter& counter(std::string_view name, std::string_view help) {
    return metrics_.counter(name, help);
  }
  http::Gauge& gauge(std::string_view name, std::string_view help) {
    return metrics_.gauge(name, help);
  }

  http::Metrics& metrics_;
  http::Counter& prompt_tokens =
      counter("llamacpp:prompt_tokens_total", "Tokens of prompts that were computed.");
  http::Counter& prompt_s =
      counter("llamacpp:prompt_seconds_total", "Seconds that prompts took to compute.");
  http::Counter& output_tokens =
      counter("llamacpp:tokens_predicted_total", "Tokens that were generated.");
  http::Counter& output_s =
      counter("llamacpp:tokens_predicted_seconds_total", "Seconds that answers took to generate.");
  http::Counter& steps = counter("llamacpp:n_decode_total", "Steps of the engines.");
  http::Gauge& longest =
      gauge("llamacpp:n_tokens_max", "The longest prompt and answer together, in tokens.");
  http::Gauge& prompt_speed =
      gauge("llamacpp:prompt_tokens_seconds", "Tokens of prompts computed a second, on average.");
  http::Gauge& output_speed =
      gauge("llamacpp:predicted_tokens_seconds", "Tokens generated a second, on average.");
  http::Gauge& running = gauge("llamacpp:requests_processing", "Requests that run.");
  http::Gauge& waiting = gauge("llamacpp:requests_deferred", "Requests that wait.");
  http::Gauge& busy = gauge("llamacpp:n_busy_slots_per_decode",
                            "Tokens generated a step of the engines, on average.");
};

struct AnswerMetrics::Model {
  Model(http::Metrics& metrics, Totals& all, const std::string& name)
      : metrics_(metrics), labels_{{"model_name", name}, {"engine", "0"}}, totals(all) {
    for (const FinishReason reason : kReasons) {
      http::Labels labels = labels_;
      labels.emplace_back("finished_reason", reason_word(reason));
      ended[reason] =
          &metrics_.counter("vllm:request_success_total", "Answers that have ended.", labels);
    }
  }

  http::Counter& counter(std::string_view name, std::string_view help) {
    return metrics_.counter(name, help, labels_);
  }
  http::Gauge& gauge(std::string_view name, std::string_view help) {
    return metrics_.gauge(name, help, labels_);
  }
  http::Histogram& times(std::string_view name, std::string_view help) {
    return metrics_.histogram(name, help, http::Metrics::seconds_bounds(), labels_);
  }
  http::Histogram& lengths(std::string_view name, std::string_view help) {
    return metrics_.histogram(name, help, token_bounds(), labels_);
  }

  void follow(const EngineStats& stats) {
    running.set(static_cast<double>(stats.running_count));
    waiting.set(static_cast<double>(stats.waiting_count));
    const int64_t used = stats.block_count - stats.free_block_count - stats.cached_block_count;
    cache_usage.set(quotient(static_cast<double>(std::max<int64_t>(used, 0)),
                             static_cast<double>(stats.block_count)));
    preemptions.follow(static_cast<double>(stats.preemption_count));
    steps.follow(static_cast<double>(stats.step_count));
  }

  http::Metrics& metrics_;
  const http::Labels labels_;
  Totals& totals;
  std::map<FinishReason, http::Counter*> ended;

  http::Histogram& first_token =
      times("vllm:time_to_first_token_seconds", "From a request's first byte to its first token.");
  http::Histogram& between_tokens =
      times("vllm:inter_token_latency_seconds", "From one token to the next.");
  http::Histogram& whole =
      times("vllm:e2e_request_latency_seconds", "From a request's first byte to its last token.");
  http::Histogram& queue =
      times("vllm:request_queue_time_seconds", "How long a request waited to run.");
  http::Histogram& prefill =
      times("vllm:request_prefill_time_seconds", "How long its prompt took.");
  http::Histogram& decode = times("vllm:request_decode_time_seconds", "How long its answer took.");
  http::Histogram& inference =
      times("vllm:request_inference_time_seconds", "How long prompt and answer took.");
  http::Histogram& prompt_length = lengths("vllm:request_prompt_tokens", "The tokens of a prompt.");
  http::Histogram& output_length =
      lengths("vllm:request_generation_tokens", "The tokens of an answer.");
  http::Histogram& most_output =
      lengths("vllm:request_params_max_tokens", "The tokens that a request allowed.");

  http::Counter& prompt_tokens =
      counter("vllm:prompt_tokens_total", "Tokens of prompts, cached ones too.");
  http::Counter& output_tokens =
      counter("vllm:generation_tokens_total", "Tokens that were generated.");
  http::Counter& cache_queries =
      counter("vllm:prefix_cache_queries_total", "Tokens of prompts that were looked up.");
  http::Counter& cache_hits =
      counter("vllm:prefix_cache_hits_total", "Tokens of prompts that were found.");

  http::Gauge& running = gauge("vllm:num_requests_running", "Requests that run.");
  http::Gauge& waiting = gauge("vllm:num_requests_waiting", "Requests that wait.");
  http::Gauge& cache_usage =
      gauge("vllm:kv_cache_usage_perc", "The share of the KV cache that requests hold, 0 to 1.");
  Growth preemptions{
      counter("vllm:num_preemptions_total", "Times a running request gave its memory to others.")};
  Growth steps{totals.steps};
};

AnswerMetrics::AnswerMetrics(http::Metrics& metrics, const ServedModels& models)
    : metrics_(metrics), models_(models), totals_(std::make_unique<Totals>(metrics)) {
  metrics_.on_scrape([this] { refresh(); });
}

AnswerMetrics::~AnswerMetrics() = default;

AnswerMetrics::Model& AnswerMetrics::of(const EngineInfo& info) {
  constexpr std::string_view kEnding = ".gguf";
  std::string name = info.name;
  if (name.ends_with(kEnding)) name.resize(name.size() - kEnding.size());
  const std::scoped_lock lock(mutex_);
  std::unique_ptr<Model>& found = by_name_[name];
  if (found == nullptr) found = std::make_unique<Model>(metrics_, *totals_, name);
  return *found;
}

void AnswerMetrics::refresh() {
  // A model that is no longer loaded runs nothing.
  std::map<Model*, EngineStats> now;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [name, model] : by_name_) now[model.get()] = {};
  }
  for (const ServedModels::Loaded& loaded : models_.loaded())
    now[&of(loaded.model.info)] = loaded.model.stats;
  const std::scoped_lock lock(mutex_);
  double running = 0;
  double waiting = 0;
  for (const auto& [model, stats] : now) {
    model->follow(stats);
    running += model->running.value();
    waiting += model->waiting.value();
  }
  Totals& all = *totals_;
  all.running.set(running);
  all.waiting.set(waiting);
  all.prompt_speed.set(quotient(all.prompt_tokens.value(), all.prompt_s.value()));
  all.output_speed.set(quotient(all.output_tokens.value(), all.output_s.value()));
  all.busy.set(quotient(all.output_tokens.value(), all.steps.value()));
}

AnswerClock::AnswerClock(AnswerMetrics::Model& model, Time received_at, int64_t max_tokens)
    : model_(model), received_at_(received_at) {
  if (max_tokens >= 0) model_.most_output.observe(static_cast<double>(max_tokens));
}

void AnswerClock::take(const TextDelta& delta, const RequestStats& stats, Time now) {
  if (!delta.tokens.empty()) {
    if (!has_tokens_) {
      model_.first_token.observe(seconds(now - received_at_));
    } else {
      // Several at once came one after the other, unseen.
      const double count = static_cast<double>(delta.tokens.size());
      for (size_t i = 0; i < delta.tokens.size(); ++i)
        model_.between_tokens.observe(seconds(now - last_token_at_) / count);
    }
    has_tokens_ = true;
    last_token_at_ = now;
  }
  if (delta.finish_reason == FinishReason::none) return;
  const double prompt = static_cast<double>(stats.prompt_tokens);
  const double cached = static_cast<double>(stats.cached_tokens);
  const double output = static_cast<double>(stats.output_tokens);
  model_.ended.at(delta.finish_reason)->add();
  model_.prompt_tokens.add(prompt);
  model_.output_tokens.add(output);
  model_.cache_queries.add(prompt);
  model_.cache_hits.add(cached);
  model_.prompt_length.observe(prompt);
  model_.output_length.observe(output);
  model_.whole.observe(seconds(now - received_at_));
  model_.queue.observe(stats.queue_s);
  model_.prefill.observe(stats.prefill_s);
  model_.decode.observe(stats.decode_s);
  model_.inference.observe(stats.prefill_s + stats.decode_s);
  model_.totals.prompt_tokens.add(prompt - cached);
  model_.totals.prompt_s.add(stats.prefill_s);
  model_.totals.output_tokens.add(output);
  model_.totals.output_s.add(stats.decode_s);
  model_.totals.longest.set(std::max(model_.totals.longest.value(), prompt + output));
}

}  // namespace sparrow
