#include "server/http/server.h"

#include <openssl/err.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "base/quoted.h"
#include "server/http/connection.h"
#include "server/http/core.h"
#include "server/http/listener.h"

namespace sparrow::http {
namespace {

namespace asio = boost::asio;

void load_tls(asio::ssl::context& context, const ServerOptions& options) {
  boost::system::error_code error;
  context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                      asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                      asio::ssl::context::no_tlsv1_1);
  context.use_certificate_chain_file(options.certificate_file, error);
  if (error) {
    fail(ErrorCode::invalid_file, "the certificate {} cannot be used: {}",
         quoted_text(options.certificate_file), error.message());
  }
  context.use_private_key_file(options.private_key_file, asio::ssl::context::pem, error);
  if (error || SSL_CTX_check_private_key(context.native_handle()) != 1) {
    ERR_clear_error();
    fail(ErrorCode::invalid_file, "the private key {} cannot be used, or is not the certificate's",
         quoted_text(options.private_key_file));
  }
}

}  // namespace

struct Server::Impl {
  Impl(ServerOptions options, std::vector<Route> routes, Metrics* metrics)
      : core(std::move(options), std::move(routes), metrics), work(core.io.get_executor()) {}

  void run_io() {
    for (;;) {
      try {
        core.io.run();
        return;
      } catch (const std::exception& error) {
        // Memory may be short; whoever was served by this call is cut by its deadline.
        log().error("the server goes on after: {}", error.what());
      }
    }
  }

  void on_client(Socket socket, Peer peer) {
    const bool is_tls = core.tls.has_value() && peer.host != "unix";
    peer.is_encrypted = is_tls;
    auto connection = std::make_shared<Connection>(
        core,
        is_tls ? tls_transport(std::move(socket), *core.tls) : plain_transport(std::move(socket)),
        peer);
    if (!core.add(connection, peer)) return connection->turn_away();
    connection->start();
  }

  // Under the mutex.
  void stop_listening() {
    for (const auto& listener : listeners) listener->stop();
  }

  Core core;
  asio::executor_work_guard<asio::io_context::executor_type> work;
  std::mutex mutex;
  bool is_stopped = false;
  std::vector<std::unique_ptr<Listener>> listeners;
  std::vector<std::string> addresses;
  std::vector<std::thread> threads;
};

Server::Server(ServerOptions options, std::vector<Route> routes, Metrics* metrics)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(routes), metrics)) {}

Server::~Server() { stop(); }

void Server::start() {
  Core& core = impl_->core;
  const std::lock_guard lock(impl_->mutex);
  if (core.options.certificate_file.empty() != core.options.private_key_file.empty()) {
    fail(ErrorCode::invalid_argument, "TLS needs both a certificate and its private key");
  }
  if (!core.options.certificate_file.empty()) {
    core.tls.emplace(asio::ssl::context::tls_server);
    load_tls(*core.tls, core.options);
  }
  std::vector<std::unique_ptr<Listener>> listeners;
  for (const std::string& address : core.options.addresses) {
    for (auto& listener : listen_tcp(core.io, address)) listeners.push_back(std::move(listener));
  }
  if (!core.options.unix_socket.empty()) {
    listeners.push_back(listen_unix(core.io, core.options.unix_socket));
  }
  for (int i = 0; i < core.options.io_threads; ++i) {
    impl_->threads.emplace_back([impl = impl_.get()] { impl->run_io(); });
  }
  for (const auto& listener : listeners) {
    impl_->addresses.push_back(listener->address());
    listener->start([impl = impl_.get()](Socket socket, Peer peer) {
      impl->on_client(std::move(socket), std::move(peer));
    });
  }
  impl_->listeners = std::move(listeners);
}

std::vector<std::string> Server::addresses() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->addresses;
}

std::string Server::url() const {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->addresses.empty() || impl_->addresses.front().starts_with("unix:")) return "";
  return (impl_->core.tls ? "https://" : "http://") + impl_->addresses.front();
}

bool Server::drain(std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->core.is_draining = true;
    impl_->stop_listening();
  }
  for (const auto& connection : impl_->core.connections()) connection->close_if_idle();
  return impl_->core.wait_for_none(end);
}

void Server::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    if (std::exchange(impl_->is_stopped, true)) return;
    impl_->core.is_draining = true;
    if (impl_->threads.empty()) return impl_->core.workers.stop();
    impl_->stop_listening();
  }
  for (const auto& connection : impl_->core.connections()) connection->cut();
  impl_->core.wait_for_none(std::chrono::steady_clock::time_point::max());
  impl_->core.workers.stop();
  impl_->work.reset();
  for (std::thread& thread : impl_->threads) thread.join();
}

}  // namespace sparrow::http
