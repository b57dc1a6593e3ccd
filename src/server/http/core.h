// What all connections of a server share.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "server/http/gate.h"
#include "server/http/server.h"
#include "server/http/worker_pool.h"

namespace sparrow::http {

class Connection;

// Thread-safe: what is not const takes care of itself.
class Core {
 public:
  Core(ServerOptions options, std::vector<Route> routes, Metrics* metrics);

  const ServerOptions options;
  const Limits& limits;
  const std::shared_ptr<const Router> router;
  AccessControl access;
  std::atomic<bool> is_draining = false;
  std::optional<boost::asio::ssl::context> tls;
  boost::asio::io_context io;
  WorkerPool workers;

  // False: this peer, or all together, have as many as they may.
  bool add(const std::shared_ptr<Connection>& connection, const Peer& peer);
  void remove(const std::shared_ptr<Connection>& connection, const Peer& peer);
  std::vector<std::shared_ptr<Connection>> connections() const;
  // True: there are none left.
  bool wait_for_none(std::chrono::steady_clock::time_point deadline) const;

  void count(const AccessRecord& record, const Route& route);

 private:
  Metrics* metrics_;
  Gauge* connection_count_ = nullptr;  // of metrics_
  Counter* refused_count_ = nullptr;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  std::map<std::string, int64_t> per_peer_;
};

}  // namespace sparrow::http
