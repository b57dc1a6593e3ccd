// A client for tests of the server: sends any bytes whatever, and reads responses strictly.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sparrow {

struct RawResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // without chunked framing
  bool is_whole = false;                       // its end came as its framing says
  bool closes = false;                         // the server says it will close

  std::string header(const std::string& name) const;  // empty if absent
};

// One connection. Reads wait at most `patience`.
class RawClient {
 public:
  // "127.0.0.1:8080", "[::1]:8080" or "unix:PATH", as Server::addresses() has them.
  explicit RawClient(const std::string& address,
                     std::chrono::milliseconds patience = std::chrono::seconds(10));
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool is_connected() const { return descriptor_ >= 0; }
  // False when the server has closed.
  bool send(std::string_view bytes);
  void shut_down_sending();
  void close();
  void reset();                           // with a TCP reset
  void receive_slowly(int buffer_bytes);  // a small window, set right after connecting

  // The next response; nothing if the connection ends or patience does before its head is whole.
  // Interim responses are counted and skipped.
  std::optional<RawResponse> read_response(bool is_head = false);
  int interim_count() const { return interim_count_; }
  // At least one byte more; false at the end of the connection or of patience.
  bool read_some();
  const std::string& pending() const { return pending_; }
  void drop_pending() { pending_.clear(); }
  // Reads on until the server closes: true; false if it does not within patience.
  bool is_closed_by_server();

  // A GET and its response over a connection of its own.
  static std::optional<RawResponse> get(const std::string& address, const std::string& target,
                                        const std::string& headers = "");

 private:
  bool read_chunks(std::string& body);
  std::optional<std::string> read_line();
  bool read_exactly(size_t count, std::string& to);

  int descriptor_ = -1;
  std::chrono::milliseconds patience_;
  std::string pending_;  // read and not yet used
  bool has_ended_ = false;
  int interim_count_ = 0;
};

}  // namespace sparrow
