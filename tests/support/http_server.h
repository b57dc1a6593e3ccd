// A small HTTP/1.1 server for tests, on a port of this machine: each test says, byte for byte, what
// the server does, so that it can misbehave in any way.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sparrow {

struct ServerRequest {
  std::string method;
  std::string target;                          // "/a/b?c=d"
  std::map<std::string, std::string> headers;  // names in lower case
  size_t index = 0;                            // how many came before it

  std::string header(const std::string& name) const;
  uint64_t range_start() const;  // 0 without a Range
};

// One client, for the time of one request; the connection is closed afterwards.
class ServerConnection {
 public:
  ServerConnection(int descriptor, const std::atomic<bool>& is_stopping)
      : descriptor_(descriptor), is_stopping_(is_stopping) {}

  // False when the client is gone.
  bool send(std::string_view text);
  // A whole response; Content-Length is added unless `headers` has one.
  bool respond(int status, const std::vector<std::string>& headers, std::string_view body = {});
  // Says nothing until the client goes or the server stops.
  void hang();
  // Ends with a TCP reset in place of an orderly close.
  void reset();

 private:
  int descriptor_;
  const std::atomic<bool>& is_stopping_;
};

class HttpServer {
 public:
  using Handler = std::function<void(const ServerRequest&, ServerConnection&)>;

  // `handler` is called from a thread of its own for each connection.
  explicit HttpServer(Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url() const;  // "http://127.0.0.1:40123"
  std::vector<ServerRequest> requests() const;

 private:
  void accept_clients();
  void serve(int descriptor);

  Handler handler_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> is_stopping_ = false;
  mutable std::mutex mutex_;
  std::vector<ServerRequest> requests_;
  std::vector<std::thread> clients_;
  std::thread acceptor_;
};

}  // namespace sparrow
