// A connection's bytes, encrypted or not, for one that serves both alike.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <string_view>

namespace sparrow::http {

using Socket = boost::asio::generic::stream_protocol::socket;
using ErrorCondition = boost::system::error_code;

// Used on the socket's strand, where the callbacks come from too. One read and one write may be
// pending at a time; close() ends them. The callbacks have to keep it alive, as operations use it.
class Transport {
 public:
  using OnDone = std::function<void(ErrorCondition, size_t)>;

  virtual ~Transport() = default;

  virtual void handshake(OnDone on_done) = 0;  // at once for plain sockets
  virtual void read_some(char* to, size_t size_bytes, OnDone on_done) = 0;
  virtual void write_some(std::string_view bytes, OnDone on_done) = 0;
  // The end of what we send, so that the peer can read it all before the socket closes.
  virtual void shut_down_sending(OnDone on_done) = 0;  // TLS: done when the peer has agreed
  // Whether a peer that closed its sending side may still be listening. TLS peers never are.
  virtual bool allows_half_close() const = 0;
  // From any thread, while nothing is being written and before close(): sends what the system takes
  // at once, and says how many bytes that was. TLS: none.
  virtual size_t send_now(std::string_view bytes) = 0;
  virtual Socket& socket() = 0;
  void close();
};

std::unique_ptr<Transport> plain_transport(Socket socket);
// `context` must outlive it.
std::unique_ptr<Transport> tls_transport(Socket socket, boost::asio::ssl::context& context);

}  // namespace sparrow::http
