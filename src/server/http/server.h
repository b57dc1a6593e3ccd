// Listens, reads requests, lets rows answer them: HTTP/1.1 over TCP, TLS and Unix sockets. It knows
// nothing of models.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "server/http/access_control.h"
#include "server/http/access_log.h"
#include "server/http/limits.h"
#include "server/http/metrics.h"
#include "server/http/route.h"

namespace sparrow::http {

struct ServerOptions {
  std::vector<std::string> addresses = {"127.0.0.1:0"};  // "HOST:PORT", "[::1]:PORT"; port 0: any
  std::string unix_socket;                               // a path, made with mode 0600; empty: none
  std::string certificate_file;  // PEM, the chain; with the key: TLS on every TCP address
  std::string private_key_file;
  Limits limits;
  int io_threads = 2;
  int worker_threads = 16;     // handlers that may block at once
  int64_t worker_queue = 512;  // requests that wait for one; 503 beyond
  AccessOptions access;
  AccessLog access_log = log_access;  // called once a request, from an io thread; may be empty
};

class Server {
 public:
  // `metrics`, if there are any, must outlive the server, which counts its requests there.
  Server(ServerOptions options, std::vector<Route> routes, Metrics* metrics = nullptr);
  ~Server();  // stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Listens from here on. Throws Error{invalid_argument|invalid_file|io}: no such address, the port
  // is taken, a certificate that is none.
  void start();

  // "127.0.0.1:11434", with the ports that were chosen; then "unix:PATH".
  std::vector<std::string> addresses() const;
  // "http://127.0.0.1:11434" of the first TCP address; empty without one.
  std::string url() const;

  // Takes no more connections and no more requests, and waits until what runs has been answered.
  // True if that was before the deadline; what is left goes on until stop(). Any thread, also
  // twice.
  bool drain(std::chrono::milliseconds deadline);

  // Cuts what is open, waits for handlers to return. Not from a handler.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sparrow::http
