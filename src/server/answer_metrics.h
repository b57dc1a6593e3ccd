// How long answers take and how long they are, by model, for Prometheus: vLLM's names, and
// llama-server's beside them.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "server/http/metrics.h"
#include "server/served_models.h"
#include "sparrow/engine.h"
#include "sparrow/generation.h"

namespace sparrow {

// Thread-safe. Gauges and the engines' counts are brought up to date by each scrape.
class AnswerMetrics {
 public:
  // Both must outlive this, and nobody may scrape `metrics` once this is gone.
  AnswerMetrics(http::Metrics& metrics, const ServedModels& models);
  ~AnswerMetrics();

  // The series of one model, by its own name (of a file without its ending) and not the client's;
  // it lives as long as this.
  struct Model;
  Model& of(const EngineInfo& info);

 private:
  struct Totals;
  void refresh();

  http::Metrics& metrics_;
  const ServedModels& models_;
  std::unique_ptr<Totals> totals_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Model>> by_name_;
};

// The times of one answer; one thread.
class AnswerClock {
 public:
  using Time = std::chrono::steady_clock::time_point;
  AnswerClock(AnswerMetrics::Model& model, Time received_at, int64_t max_tokens);

  // A piece that has come now, in its order; with the last one the answer is counted.
  void take(const TextDelta& delta, const RequestStats& stats, Time now);

 private:
  AnswerMetrics::Model& model_;
  const Time received_at_;
  Time last_token_at_;
  bool has_tokens_ = false;
};

}  // namespace sparrow
