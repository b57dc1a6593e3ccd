// Where clients knock: TCP addresses and Unix sockets.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/http/gate.h"
#include "server/http/transport.h"

namespace sparrow::http {

// Gives each client to `on_client`, from an io thread; the socket has a strand of its own. Where no
// descriptors are left it waits and goes on.
class Listener {
 public:
  using OnClient = std::function<void(Socket, Peer)>;

  virtual ~Listener() = default;

  virtual void start(OnClient on_client) = 0;
  // No client comes after this returns. Not from an io thread; the object is to outlive those. May
  // be called twice.
  virtual void stop() = 0;
  virtual std::string address() const = 0;  // "127.0.0.1:11434", "unix:/run/sparrow"
};

// Every address that HOST:PORT stands for ("localhost" may be two). Throws
// Error{invalid_argument|io} naming the address.
std::vector<std::unique_ptr<Listener>> listen_tcp(boost::asio::io_context& io,
                                                  const std::string& address);

// With mode 0600. A socket that a dead server left is replaced; one that somebody listens on, or
// any other file, is not. Throws Error{io}.
std::unique_ptr<Listener> listen_unix(boost::asio::io_context& io, const std::string& path);

}  // namespace sparrow::http
