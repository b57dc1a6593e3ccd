#include "tests/support/raw_client.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace sparrow {
namespace {

int connect_unix(const std::string& path) {
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    return descriptor;
  }
  ::close(descriptor);
  return -1;
}

int connect_tcp(const std::string& text) {
  const size_t colon = text.rfind(':');
  uint16_t port = 0;
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  const bool is_v6 = text.starts_with('[');
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  if (is_v6) {
    inet_pton(AF_INET6, text.substr(1, colon - 2).c_str(), &v6.sin6_addr);
  } else {
    inet_pton(AF_INET, text.substr(0, colon).c_str(), &v4.sin_addr);
  }
  const int descriptor = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto* address = is_v6 ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
  const socklen_t size = is_v6 ? sizeof(v6) : sizeof(v4);
  if (connect(descriptor, address, size) != 0) {
    ::close(descriptor);
    return -1;
  }
  const int one = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  return descriptor;
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

}  // namespace

std::string RawResponse::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

RawClient::RawClient(const std::string& address, std::chrono::milliseconds patience)
    : patience_(patience) {
  descriptor_ =
      address.starts_with("unix:") ? connect_unix(address.substr(5)) : connect_tcp(address);
}

RawClient::~RawClient() { close(); }

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void RawClient::shut_down_sending() { shutdown(descriptor_, SHUT_WR); }

void RawClient::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void RawClient::reset() {
  const linger now{1, 0};
  setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  close();
}

void RawClient::receive_slowly(int buffer_bytes) {
  setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof(buffer_bytes));
}

bool RawClient::read_some() {
  if (has_ended_ || descriptor_ < 0) return false;
  pollfd state{descriptor_, POLLIN, 0};
  if (poll(&state, 1, static_cast<int>(patience_.count())) <= 0) return false;
  char bytes[16384];
  const ssize_t count = recv(descriptor_, bytes, sizeof(bytes), 0);
  if (count <= 0) {
    has_ended_ = true;
    return false;
  }
  pending_.append(bytes, static_cast<size_t>(count));
  return true;
}

bool RawClient::is_closed_by_server() {
  while (read_some()) {
  }
  return has_ended_;
}

std::optional<std::string> RawClient::read_line() {
  for (;;) {
    const size_t end = pending_.find("\r\n");
    if (end != std::string::npos) {
      std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 2);
      return line;
    }
    if (!read_some()) return std::nullopt;
  }
}

bool RawClient::read_exactly(size_t count, std::string& to) {
  while (pending_.size() < count) {
    if (!read_some()) break;
  }
  const size_t taken = std::min(count, pending_.size());
  to.append(pending_, 0, taken);
  pending_.erase(0, taken);
  return taken == count;
}

bool RawClient::read_chunks(std::string& body) {
  for (;;) {
    const std::optional<std::string> line = read_line();
    if (!line) return false;
    size_t size = 0;
    const auto [end, error] = std::from_chars(line->data(), line->data() + line->size(), size, 16);
    if (error != std::errc() || end != line->data() + line->size()) return false;
    if (!read_exactly(size, body)) return false;
    const std::optional<std::string> empty = read_line();
    if (!empty || !empty->empty()) return false;
    if (size == 0) return true;
  }
}

std::optional<RawResponse> RawClient::read_response(bool is_head) {
  RawResponse response;
  for (;;) {
    const std::optional<std::string> status_line = read_line();
    if (!status_line || !status_line->starts_with("HTTP/1.1 ")) return std::nullopt;
    std::from_chars(status_line->data() + 9, status_line->data() + status_line->size(),
                    response.status);
    for (;;) {
      const std::optional<std::string> line = read_line();
      if (!line) return std::nullopt;
      if (line->empty()) break;
      const size_t colon = line->find(": ");
      if (colon == std::string::npos) return std::nullopt;
      response.headers[lower(line->substr(0, colon))] = line->substr(colon + 2);
    }
    if (response.status >= 200) break;
    ++interim_count_;
    response = RawResponse();
  }
  response.closes = response.header("connection") == "close";
  const std::string length = response.header("content-length");
  if (is_head || response.status == 204) {
    response.is_whole = true;
  } else if (response.header("transfer-encoding") == "chunked") {
    response.is_whole = read_chunks(response.body);
  } else if (!length.empty()) {
    size_t size = 0;
    std::from_chars(length.data(), length.data() + length.size(), size);
    response.is_whole = read_exactly(size, response.body);
  } else {
    response.is_whole = is_closed_by_server();
    response.body = std::exchange(pending_, {});
  }
  return response;
}

std::optional<RawResponse> RawClient::get(const std::string& address, const std::string& target,
                                          const std::string& headers) {
  RawClient client(address);
  client.send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
  return client.read_response();
}

}  // namespace sparrow
