#include "server/http/listener.h"

#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <charconv>
#include <future>

#include "base/error.h"
#include "base/log.h"
#include "base/quoted.h"

namespace sparrow::http {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using Local = asio::local::stream_protocol;

constexpr int kBacklog = 1024;
constexpr std::chrono::milliseconds kRetryPause(100);
// In the kernel, for a connection: enough for any stream of text, and 1,024 slow readers fit.
constexpr int kSendBufferBytes = 256 << 10;

std::string name_of(const Tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                    : fmt::format("{}:{}", address, endpoint.port());
}

// A peer that lost its power or its network is found after a minute, even where nothing is sent.
void send_keep_alives(int descriptor) {
#ifdef TCP_KEEPIDLE
  const std::pair<int, int> options[] = {{TCP_KEEPIDLE, 30}, {TCP_KEEPINTVL, 10}, {TCP_KEEPCNT, 3}};
  for (const auto& [name, value] : options) {
    setsockopt(descriptor, IPPROTO_TCP, name, &value, sizeof(value));
  }
#else
  (void)descriptor;
#endif
}

void prepare(Tcp::socket& socket) {
  ErrorCondition ignored;
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  send_keep_alives(socket.native_handle());
  socket.set_option(Tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::send_buffer_size(kSendBufferBytes), ignored);
}
void prepare(Local::socket&) {}

Peer peer_of(const Tcp::endpoint& endpoint) {
  return {.host = endpoint.address().to_string(),
          .name = name_of(endpoint),
          .is_loopback = endpoint.address().is_loopback()};
}
Peer peer_of(const Local::endpoint&) {
  return {.host = "unix", .name = "unix", .is_loopback = true};
}

template <typename Protocol>
class ListenerOf : public Listener {
 public:
  using Endpoint = typename Protocol::endpoint;

  explicit ListenerOf(asio::io_context& io)
      : io_(io), strand_(asio::make_strand(io)), acceptor_(strand_), timer_(strand_) {}

  typename Protocol::acceptor& acceptor() { return acceptor_; }

  void start(OnClient on_client) override {
    on_client_ = std::move(on_client);
    asio::post(strand_, [this] { accept(); });
  }

  void stop() override {
    std::promise<void> stopped;
    asio::post(strand_, [this, &stopped] {
      ErrorCondition ignored;
      is_stopping_ = true;
      acceptor_.close(ignored);
      timer_.cancel();
      stopped.set_value();
    });
    stopped.get_future().wait();
    after_stop();
  }

 protected:
  virtual void after_stop() {}

 private:
  void accept() {
    if (is_stopping_) return;
    acceptor_.async_accept(asio::any_io_executor(asio::make_strand(io_)), endpoint_,
                           [this](ErrorCondition error, typename Protocol::socket socket) {
                             on_accepted(error, std::move(socket));
                           });
  }

  void on_accepted(ErrorCondition error, typename Protocol::socket socket) {
    if (is_stopping_) return;
    if (error) {
      log().warn("a client cannot be accepted: {}", error.message());
      timer_.expires_after(kRetryPause);
      timer_.async_wait([this](ErrorCondition) { accept(); });
      return;
    }
    try {
      prepare(socket);
      on_client_(Socket(std::move(socket)), peer_of(endpoint_));
    } catch (const std::exception& problem) {
      log().error("a client cannot be served: {}", problem.what());  // the next one may be
    }
    accept();
  }

  asio::io_context& io_;
  asio::strand<asio::io_context::executor_type> strand_;
  typename Protocol::acceptor acceptor_;
  asio::steady_timer timer_;
  OnClient on_client_;
  Endpoint endpoint_;
  bool is_stopping_ = false;
};

class TcpListener : public ListenerOf<Tcp> {
 public:
  using ListenerOf::ListenerOf;
  std::string address() const override { return address_; }

  ErrorCondition open(const Tcp::endpoint& endpoint) {
    ErrorCondition error;
    acceptor().open(endpoint.protocol(), error);
    if (!error) acceptor().set_option(Tcp::acceptor::reuse_address(true), error);
    if (!error && endpoint.address().is_v6()) {
      acceptor().set_option(asio::ip::v6_only(true), error);
    }
    if (!error) acceptor().bind(endpoint, error);
    if (!error) acceptor().listen(kBacklog, error);
    if (!error) address_ = name_of(acceptor().local_endpoint(error));
    return error;
  }

 private:
  std::string address_;
};

class UnixListener : public ListenerOf<Local> {
 public:
  UnixListener(asio::io_context& io, std::string path) : ListenerOf(io), path_(std::move(path)) {}
  ~UnixListener() override { remove_own(); }
  std::string address() const override { return "unix:" + path_; }

  void open() {
    remove_stale();
    ErrorCondition error;
    acceptor().open(Local(), error);
    if (!error) acceptor().bind(Local::endpoint(path_), error);
    // Nobody can connect before it listens.
    if (!error && chmod(path_.c_str(), 0600) != 0) {
      error = {errno, boost::system::system_category()};
    }
    if (!error) acceptor().listen(kBacklog, error);
    if (error) fail(ErrorCode::io, "cannot listen on {}: {}", quoted_text(path_), error.message());
    struct stat status {};
    if (lstat(path_.c_str(), &status) == 0) inode_ = status.st_ino;
  }

 protected:
  void after_stop() override { remove_own(); }

 private:
  void remove_stale() {
    struct stat status {};
    if (lstat(path_.c_str(), &status) != 0) return;
    if (!S_ISSOCK(status.st_mode)) {
      fail(ErrorCode::io, "cannot listen on {}: it is there and no socket", quoted_text(path_));
    }
    asio::io_context io;
    Local::socket probe(io);
    ErrorCondition error;
    probe.connect(Local::endpoint(path_), error);
    if (error != asio::error::connection_refused) {
      fail(ErrorCode::io, "cannot listen on {}: another program does", quoted_text(path_));
    }
    unlink(path_.c_str());
  }

  // Another server may have put its own there.
  void remove_own() {
    struct stat status {};
    const bool is_own =
        inode_ != 0 && lstat(path_.c_str(), &status) == 0 && status.st_ino == inode_;
    if (is_own) unlink(path_.c_str());
    inode_ = 0;
  }

  const std::string path_;
  ino_t inode_ = 0;
};

}  // namespace

std::vector<std::unique_ptr<Listener>> listen_tcp(asio::io_context& io,
                                                  const std::string& address) {
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, std::min(colon, address.size()));
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  uint16_t number = 0;
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), number);
  const bool is_port = problem == std::errc() && end == port.data() + port.size();
  if (host.empty() || !is_port) {
    fail(ErrorCode::invalid_argument, "an address to listen on must be HOST:PORT, got {}",
         quoted_text(address));
  }
  Tcp::resolver resolver(io);
  ErrorCondition error;
  const auto found =
      resolver.resolve(host, port, Tcp::resolver::passive | Tcp::resolver::numeric_service, error);
  if (error) {
    fail(ErrorCode::io, "cannot listen on {}: {}", quoted_text(address), error.message());
  }
  std::vector<std::unique_ptr<Listener>> listeners;
  for (const auto& entry : found) {
    auto listener = std::make_unique<TcpListener>(io);
    error = listener->open(entry.endpoint());
    // A name may stand for an IPv6 address on a machine without IPv6.
    const bool is_absent = error == asio::error::address_family_not_supported ||
                           error == boost::system::errc::address_not_available;
    if (is_absent && (found.size() > 1)) continue;
    if (error) break;
    listeners.push_back(std::move(listener));
  }
  if (error && error == asio::error::address_in_use) {
    fail(ErrorCode::io, "cannot listen on {}: another program does", quoted_text(address));
  }
  if (listeners.empty()) {
    fail(ErrorCode::io, "cannot listen on {}: {}", quoted_text(address), error.message());
  }
  return listeners;
}

std::unique_ptr<Listener> listen_unix(asio::io_context& io, const std::string& path) {
  // sockaddr_un ends there.
  if (path.size() > 107) {
    fail(ErrorCode::invalid_argument, "the path of a socket has at most 107 bytes, got {}",
         quoted_text(path));
  }
  auto listener = std::make_unique<UnixListener>(io, path);
  listener->open();
  return listener;
}

}  // namespace sparrow::http
