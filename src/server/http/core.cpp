#include "server/http/core.h"

#include "server/http/connection.h"

namespace sparrow::http {

Core::Core(ServerOptions given, std::vector<Route> routes, Metrics* metrics)
    : options(std::move(given)),
      limits(options.limits),
      router(std::make_shared<const Router>(std::move(routes))),
      access(options.access),
      io(options.io_threads),
      workers(options.worker_threads, options.worker_queue),
      metrics_(metrics) {
  if (metrics_ == nullptr) return;
  connection_count_ = &metrics_->gauge("sparrow_http_connections", "Clients that are connected");
  refused_count_ = &metrics_->counter("sparrow_http_connections_refused_total",
                                      "Clients turned away because there were too many");
}

bool Core::add(const std::shared_ptr<Connection>& connection, const Peer& peer) {
  const std::lock_guard lock(mutex_);
  const int64_t most =
      peer.is_loopback ? limits.connections_from_loopback : limits.connections_per_peer;
  const auto found = per_peer_.find(peer.host);
  const int64_t of_peer = found == per_peer_.end() ? 0 : found->second;
  if (static_cast<int64_t>(connections_.size()) >= limits.connections || of_peer >= most) {
    if (refused_count_ != nullptr) refused_count_->add();
    return false;
  }
  ++per_peer_[peer.host];
  connections_.insert(connection);
  if (connection_count_ != nullptr) connection_count_->add(1);
  return true;
}

void Core::remove(const std::shared_ptr<Connection>& connection, const Peer& peer) {
  const std::lock_guard lock(mutex_);
  if (connections_.erase(connection) == 0) return;
  const auto found = per_peer_.find(peer.host);
  if (--found->second == 0) per_peer_.erase(found);
  if (connection_count_ != nullptr) connection_count_->add(-1);
  changed_.notify_all();
}

std::vector<std::shared_ptr<Connection>> Core::connections() const {
  const std::lock_guard lock(mutex_);
  return {connections_.begin(), connections_.end()};
}

bool Core::wait_for_none(std::chrono::steady_clock::time_point deadline) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline, [this] { return connections_.empty(); });
}

void Core::count(const AccessRecord& record, const Route& route) {
  if (options.access_log) options.access_log(record);
  if (metrics_ == nullptr) return;
  const std::string pattern = route.pattern.empty() ? "none" : route.pattern;
  metrics_
      ->counter("sparrow_http_requests_total", "Requests by route and status",
                {{"route", pattern}, {"status", std::to_string(record.status)}})
      .add();
  metrics_
      ->histogram("sparrow_http_request_seconds",
                  "From a request's first byte to its answer's last", Metrics::seconds_bounds(),
                  {{"route", pattern}})
      .observe(static_cast<double>(record.duration.count()) / 1e6);
}

}  // namespace sparrow::http
