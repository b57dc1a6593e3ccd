// One client: reads its requests one after the other, has them answered, watches for it to go.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/http/body_reader.h"
#include "server/http/core.h"
#include "server/http/exchange.h"
#include "server/http/transport.h"

namespace sparrow::http {

// Lives on its socket's strand; start(), close_if_idle() and cut() may be called from any thread.
//
// While an answer is worked on, a read stays pending. A reset ends the exchange at once. An end of
// file may be a client that closed everything, or one that closed its sending side and reads on;
// only sending tells them apart, so a harmless probe goes out (Exchange::probe) and the first is
// found by the reset that comes back. HTTP/1.0 has nothing to probe with before the answer, and
// such a client counts as there until a write fails. For TLS, an end is the end.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Core& core, std::unique_ptr<Transport> transport, Peer peer);

  void start();
  void close_if_idle();
  void cut();
  // Too many connections: says so, as far as that goes without waiting, and closes.
  void turn_away();

 private:
  using Clock = std::chrono::steady_clock;
  enum class Phase { handshake, head, body, answer, linger, closed };

  template <typename Function>
  void post(Function function);
  void set_deadline(Clock::time_point deadline);
  void wait_for_deadline();
  void on_deadline();

  void read_more();
  void on_read(ErrorCondition error, size_t size_bytes);
  void on_end_of_input(ErrorCondition error);
  void on_half_close();
  void watch_for_reset();

  void begin_head();
  void on_head_bytes();
  void begin_request();
  void on_body_bytes();
  void refuse_head(const Failure& failure);
  void refuse_body(const Failure& failure);
  void answer_without_handler();
  void open_exchange();
  void run_handler();

  void pump();
  void write_next();
  void on_written(ErrorCondition error, size_t size_bytes);

  void end_exchange();
  bool may_have_more() const;
  void record(bool is_whole);
  void linger();
  void close();

  Core& core_;
  const std::unique_ptr<Transport> transport_;
  const Peer peer_;
  boost::asio::any_io_executor executor_;
  boost::asio::steady_timer timer_;
  Clock::time_point deadline_ = Clock::time_point::max();
  Clock::time_point timer_expiry_ = Clock::time_point::max();  // of the wait that is pending

  Phase phase_ = Phase::handshake;
  bool is_first_request_ = true;
  bool is_reading_ = false;
  bool is_watching_ = false;  // for a reset
  bool has_input_ended_ = false;
  std::vector<char> read_buffer_;
  std::string in_;  // read and not yet used

  HeadParser parser_;
  RequestHead head_;
  Clock::time_point received_at_;
  Admission admission_;
  std::optional<BodyReader> body_;
  Clock::time_point body_start_;
  uint64_t body_bytes_ = 0;
  bool must_close_ = false;  // where the next request begins is not known

  std::shared_ptr<Exchange> exchange_;
  std::shared_ptr<std::atomic<bool>> is_woken_;  // a pump() is on its way
  std::string out_;                              // being written
  size_t out_at_ = 0;
  bool is_writing_ = false;
  bool writes_exchange_ = false;  // out_ is the exchange's
};

}  // namespace sparrow::http
