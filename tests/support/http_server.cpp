#include "tests/support/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace sparrow {
namespace {

constexpr size_t kMaxHeadBytes = 65536;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

ServerRequest parse_head(const std::string& head) {
  ServerRequest request;
  const size_t first_end = head.find("\r\n");
  const std::string first = head.substr(0, first_end);
  request.method = first.substr(0, first.find(' '));
  const size_t target = request.method.size() + 1;
  request.target = first.substr(target, first.find(' ', target) - target);
  size_t at = first_end + 2;
  while (at < head.size()) {
    const size_t end = head.find("\r\n", at);
    const std::string line = head.substr(at, end - at);
    const size_t colon = line.find(':');
    if (colon != std::string::npos) {
      const size_t value = line.find_first_not_of(' ', colon + 1);
      request.headers[lower(line.substr(0, colon))] =
          value == std::string::npos ? "" : line.substr(value);
    }
    at = end + 2;
  }
  return request;
}

}  // namespace

std::string ServerRequest::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

uint64_t ServerRequest::range_start() const {
  const std::string range = header("range");  // "bytes=100-"
  uint64_t start = 0;
  if (range.starts_with("bytes=")) {
    std::from_chars(range.data() + 6, range.data() + range.size(), start);
  }
  return start;
}

bool ServerConnection::send(std::string_view text) {
  // A test may go on and replace the text as soon as the client has its last byte, before ::send()
  // is back.
  const std::string own(text);
  std::string_view bytes = own;
  while (!bytes.empty() && !is_stopping_) {
    pollfd waiting{descriptor_, POLLOUT, 0};
    if (::poll(&waiting, 1, 50) == 0) continue;
    const ssize_t sent =
        ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return bytes.empty();
}

bool ServerConnection::respond(int status, const std::vector<std::string>& headers,
                               std::string_view body) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " Said\r\nConnection: close\r\n";
  bool has_length = false;
  for (const std::string& header : headers) {
    head += header + "\r\n";
    has_length = has_length || lower(header).starts_with("content-length:");
  }
  if (!has_length) head += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return send(head + "\r\n") && send(body);
}

void ServerConnection::hang() {
  while (!is_stopping_) {
    pollfd waiting{descriptor_, POLLRDHUP, 0};
    if (::poll(&waiting, 1, 20) > 0) return;
  }
}

void ServerConnection::reset() {
  const linger now{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

HttpServer::HttpServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::listen(listener_, 64);
  socklen_t size = sizeof address;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_clients(); });
}

HttpServer::~HttpServer() {
  is_stopping_ = true;
  acceptor_.join();
  for (std::thread& client : clients_) client.join();
  ::close(listener_);
}

std::string HttpServer::url() const { return "http://127.0.0.1:" + std::to_string(port_); }

std::vector<ServerRequest> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpServer::accept_clients() {
  while (!is_stopping_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (::poll(&waiting, 1, 10) <= 0) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) clients_.emplace_back([this, client] { serve(client); });
  }
}

void HttpServer::serve(int descriptor) {
  std::string head;
  char byte = 0;
  while (!is_stopping_ && !head.ends_with("\r\n\r\n") && head.size() < kMaxHeadBytes) {
    pollfd waiting{descriptor, POLLIN, 0};
    if (::poll(&waiting, 1, 20) == 0) continue;
    if (::recv(descriptor, &byte, 1, 0) <= 0) break;
    head += byte;
  }
  if (head.ends_with("\r\n\r\n")) {
    ServerRequest request = parse_head(head);
    {
      const std::lock_guard lock(mutex_);
      request.index = requests_.size();
      requests_.push_back(request);
    }
    ServerConnection connection(descriptor, is_stopping_);
    handler_(request, connection);
  }
  ::close(descriptor);
}

}  // namespace sparrow
