// A whole server: the models, all dialects' routes, and the listeners.
#pragma once

#include <chrono>
#include <memory>

#include "server/http/server.h"
#include "server/server_state.h"

namespace sparrow {

struct ServiceOptions {
  http::ServerOptions http;
  ServedModelsOptions models;
  int64_t max_requests = 512;  // being answered at once; 503 beyond
};

class Service {
 public:
  explicit Service(const ServiceOptions& options);

  // Listens from here on. Throws what http::Server::start throws.
  void start() { server_.start(); }
  std::vector<std::string> addresses() const { return server_.addresses(); }
  std::string url() const { return server_.url(); }
  // Takes nothing new and waits for what runs. True if that was in time.
  bool drain(std::chrono::milliseconds deadline) { return server_.drain(deadline); }
  void stop() { server_.stop(); }

  ServerState& state() { return state_; }

 private:
  ServerState state_;
  http::Server server_;
};

}  // namespace sparrow
