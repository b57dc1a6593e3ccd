// What every route of a server may use. Loaded once.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "server/answer_metrics.h"
#include "server/heartbeat.h"
#include "server/http/metrics.h"
#include "server/http/worker_pool.h"
#include "server/requests.h"
#include "server/served_models.h"
#include "server/ticker.h"

namespace sparrow {

struct ServerState {
  explicit ServerState(const ServedModelsOptions& options, int64_t max_requests)
      : models(options), requests(max_requests) {}
  // The last that runs ends here; the engines' threads, which may still be calling, go with the
  // models.
  ~ServerState() {
    ticker.stop();
    requests.end_all();
    answering.stop();
  }

  // Where answers are written: one thread, so that what belongs to one answer never runs twice at
  // once.
  http::WorkerPool answering{1, INT64_MAX};
  http::Metrics metrics;
  ServedModels models;
  Requests requests;
  AnswerMetrics answer_metrics{metrics, models};
  Heartbeat heartbeat;
  std::string openapi;  // the document of all routes
  Ticker ticker{std::chrono::seconds(1), [this] { requests.tick_all(); }};
};

}  // namespace sparrow
