#include "server/http/transport.h"

#include <sys/socket.h>

#include <boost/asio/ssl/stream.hpp>

namespace sparrow::http {
namespace {

namespace asio = boost::asio;

class Plain : public Transport {
 public:
  explicit Plain(Socket socket)
      : socket_(std::move(socket)), descriptor_(socket_.native_handle()) {}

  void handshake(OnDone on_done) override { on_done({}, 0); }
  void read_some(char* to, size_t size_bytes, OnDone on_done) override {
    socket_.async_read_some(asio::buffer(to, size_bytes), std::move(on_done));
  }
  void write_some(std::string_view bytes, OnDone on_done) override {
    socket_.async_write_some(asio::buffer(bytes.data(), bytes.size()), std::move(on_done));
  }
  void shut_down_sending(OnDone on_done) override {
    ErrorCondition error;
    socket_.shutdown(Socket::shutdown_send, error);
    on_done(error, 0);
  }
  bool allows_half_close() const override { return true; }
  size_t send_now(std::string_view bytes) override {
    const ssize_t sent = send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent > 0 ? static_cast<size_t>(sent) : 0;  // what failed fails again where it is awaited
  }
  Socket& socket() override { return socket_; }

 private:
  Socket socket_;
  const int descriptor_;
};

class Tls : public Transport {
 public:
  Tls(Socket socket, asio::ssl::context& context) : stream_(std::move(socket), context) {}

  void handshake(OnDone on_done) override {
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [on_done = std::move(on_done)](ErrorCondition e) { on_done(e, 0); });
  }
  void read_some(char* to, size_t size_bytes, OnDone on_done) override {
    stream_.async_read_some(asio::buffer(to, size_bytes), std::move(on_done));
  }
  void write_some(std::string_view bytes, OnDone on_done) override {
    stream_.async_write_some(asio::buffer(bytes.data(), bytes.size()), std::move(on_done));
  }
  void shut_down_sending(OnDone on_done) override {
    stream_.async_shutdown([on_done = std::move(on_done)](ErrorCondition e) { on_done(e, 0); });
  }
  bool allows_half_close() const override { return false; }
  size_t send_now(std::string_view) override { return 0; }
  Socket& socket() override { return stream_.next_layer(); }

 private:
  asio::ssl::stream<Socket> stream_;
};

}  // namespace

void Transport::close() {
  ErrorCondition error;
  socket().close(error);
}

std::unique_ptr<Transport> plain_transport(Socket socket) {
  return std::make_unique<Plain>(std::move(socket));
}

std::unique_ptr<Transport> tls_transport(Socket socket, asio::ssl::context& context) {
  return std::make_unique<Tls>(std::move(socket), context);
}

}  // namespace sparrow::http
