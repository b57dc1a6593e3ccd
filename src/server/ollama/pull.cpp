#include "server/ollama/pull.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "base/error.h"
#include "server/ollama/dialect.h"
#include "store/catalog.h"
#include "store/pull.h"

namespace sparrow::ollama {
namespace {

using Clock = std::chrono::steady_clock;

// Each holds a thread that others wait for.
constexpr int64_t kMostPulls = 4;
constexpr const char* kPath = "/api/pull";

std::unique_ptr<Requests::Ticket> admit(ServerState& state, const http::Request& request,
                                        const std::string& name, std::function<void()> cancel) {
  const std::vector<RunningRequest> running = state.requests.list();
  const int64_t pulls = std::ranges::count(running, std::string(kPath), &RunningRequest::path);
  std::unique_ptr<Requests::Ticket> ticket;
  if (pulls < kMostPulls) {
    ticket = state.requests.admit(running_request(request, name), std::move(cancel));
  }
  if (ticket == nullptr) {
    fail(ErrorCode::cancelled, "{} models are being pulled; pull '{}' when one of them is done",
         pulls, name);
  }
  return ticket;
}

}  // namespace

StoredModel pull_with_lines(ServerState& state, const std::shared_ptr<http::Exchange>& exchange,
                            const std::string& name, StatusLines& lines) {
  try {
    return state.models.find(name);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
  }
  const auto is_cancelled = std::make_shared<std::atomic<bool>>(false);
  const auto cancel = [is_cancelled] { *is_cancelled = true; };
  const auto ticket = admit(state, exchange->request(), name, cancel);
  exchange->on_close(cancel);

  const CatalogEntry* entry = find_in_catalog(name);
  const std::string digest = entry != nullptr ? entry->sha256 : "";
  std::string last_status;
  Clock::time_point last_at;
  PullOptions options;
  options.cancel = is_cancelled.get();
  options.on_progress = [&](const PullProgress& progress) {
    constexpr std::chrono::milliseconds kOften{60};
    const bool is_all = progress.completed_bytes == progress.total_bytes;
    const bool is_news = progress.status != last_status || is_all;
    if (!is_news && Clock::now() - last_at < kOften) return;
    if (last_status.empty()) lines.status("pulling manifest");
    last_status = progress.status;
    last_at = Clock::now();
    Json line = {{"status", progress.status}};
    if (progress.total_bytes > 0) {
      if (!digest.empty()) line["digest"] = "sha256:" + digest;
      line["total"] = progress.total_bytes;
      line["completed"] = progress.completed_bytes;
    }
    if (progress.status != "success") lines.line(line);  // the caller says that, once
  };
  return sparrow::pull(state.models.store(), name, options);
}

void pull(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  const std::string name = model_of(fields);
  StatusLines lines(exchange, fields.boolean("stream").value_or(true));
  lines.run([&] { pull_with_lines(state, exchange, name, lines); });
}

void push(ServerState&, const std::shared_ptr<http::Exchange>&) {
  fail(ErrorCode::unsupported, "push is not supported: this server uploads nothing");
}

}  // namespace sparrow::ollama
