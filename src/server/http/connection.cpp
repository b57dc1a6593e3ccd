#include "server/http/connection.h"

#include <poll.h>

#include <boost/asio/post.hpp>

#include "base/log.h"

namespace sparrow::http {
namespace {

constexpr size_t kHeadReadBytes = size_t{4} << 10;
constexpr size_t kBodyReadBytes = size_t{64} << 10;
// Of requests that were sent before the present one is answered; the rest waits in the socket.
constexpr size_t kMaxAheadBytes = size_t{64} << 10;

bool has_hung_up(Socket& socket) {
  pollfd state{socket.native_handle(), 0, 0};
  return poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

void call_handler(const std::shared_ptr<Exchange>& exchange) {
  if (!exchange->is_open()) return;  // the client went while this waited for a thread
  Failure failure{.status = 500, .message = "internal error"};
  try {
    exchange->route().handler(exchange);
    return;
  } catch (const Error& error) {
    failure = failure_of(error);
  } catch (const std::exception& error) {
    log().error("{} {}: {}", exchange->request().method, exchange->route().pattern, error.what());
  }
  if (!exchange->fail(failure)) exchange->abort();
}

}  // namespace

Connection::Connection(Core& core, std::unique_ptr<Transport> transport, Peer peer)
    : core_(core),
      transport_(std::move(transport)),
      peer_(std::move(peer)),
      executor_(transport_->socket().get_executor()),
      timer_(executor_),
      parser_(core.limits) {}

template <typename Function>
void Connection::post(Function function) {
  boost::asio::post(executor_, [self = shared_from_this(), function] { function(*self); });
}

void Connection::start() {
  post([](Connection& self) {
    self.received_at_ = Clock::now();
    self.set_deadline(self.received_at_ + self.core_.limits.header_time);
    self.transport_->handshake([me = self.shared_from_this()](ErrorCondition error, size_t) {
      if (me->phase_ == Phase::closed) return;
      if (error) return me->close();
      me->phase_ = Phase::head;
      me->on_head_bytes();
    });
  });
}

void Connection::close_if_idle() {
  post([](Connection& self) {
    const bool is_idle = self.phase_ == Phase::handshake || self.phase_ == Phase::linger ||
                         (self.phase_ == Phase::head && self.in_.empty());
    if (is_idle) self.close();
  });
}

void Connection::cut() {
  post([](Connection& self) { self.close(); });
}

void Connection::turn_away() {
  if (!peer_.is_encrypted) {
    constexpr std::string_view kAnswer =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: text/plain; "
        "charset=utf-8\r\n"
        "Content-Length: 21\r\nConnection: close\r\n\r\ntoo many connections\n";
    ErrorCondition error;
    transport_->socket().non_blocking(true, error);
    transport_->socket().write_some(boost::asio::buffer(kAnswer.data(), kAnswer.size()), error);
    transport_->socket().shutdown(Socket::shutdown_send, error);
  }
  transport_->close();
}

// --- time

// The pending wait is left alone where it ends early enough: most deadlines move on before they
// come.
void Connection::set_deadline(Clock::time_point deadline) {
  deadline_ = deadline;
  if (deadline_ < timer_expiry_) wait_for_deadline();
}

void Connection::wait_for_deadline() {
  timer_expiry_ = deadline_;
  timer_.expires_at(deadline_);
  timer_.async_wait([weak = weak_from_this()](ErrorCondition error) {
    const std::shared_ptr<Connection> self = weak.lock();
    if (error || self == nullptr || self->phase_ == Phase::closed) return;
    self->timer_expiry_ = Clock::time_point::max();
    if (self->deadline_ <= Clock::now()) {
      self->on_deadline();
    } else if (self->deadline_ != Clock::time_point::max()) {
      self->wait_for_deadline();
    }
  });
}

void Connection::on_deadline() {
  deadline_ = Clock::time_point::max();
  if (phase_ == Phase::head && !in_.empty()) {
    return refuse_head({.status = 408, .message = "the request's head took too long"});
  }
  if (phase_ == Phase::body) {
    return refuse_body({.status = 408, .message = "the request's body comes too slowly"});
  }
  close();
}

// --- input

void Connection::read_more() {
  if (is_reading_ || has_input_ended_ || phase_ == Phase::closed) return;
  is_reading_ = true;
  read_buffer_.resize(phase_ == Phase::body ? kBodyReadBytes : kHeadReadBytes);
  transport_->read_some(read_buffer_.data(), read_buffer_.size(),
                        [self = shared_from_this()](ErrorCondition error, size_t size_bytes) {
                          self->on_read(error, size_bytes);
                        });
}

void Connection::on_read(ErrorCondition error, size_t size_bytes) {
  is_reading_ = false;
  if (phase_ == Phase::closed) return;
  if (error) {
    has_input_ended_ = true;
    return on_end_of_input(error);
  }
  if (phase_ == Phase::linger) return read_more();
  if (phase_ == Phase::head && in_.empty()) {
    received_at_ = Clock::now();
    if (!is_first_request_) set_deadline(received_at_ + core_.limits.header_time);
  }
  in_.append(read_buffer_.data(), size_bytes);
  if (phase_ == Phase::head) {
    on_head_bytes();
  } else if (phase_ == Phase::body) {
    on_body_bytes();
  } else if (in_.size() < kMaxAheadBytes) {
    read_more();
  } else {
    watch_for_reset();
  }
}

void Connection::on_end_of_input(ErrorCondition error) {
  const bool may_listen = error == boost::asio::error::eof && transport_->allows_half_close();
  const Failure failure{.status = 400, .message = "the request ends too early"};
  if (may_listen && phase_ == Phase::head && !in_.empty()) {
    refuse_head(failure);
  } else if (may_listen && phase_ == Phase::body) {
    refuse_body(failure);
  } else if (may_listen && phase_ == Phase::answer) {
    on_half_close();
  } else {
    close();
  }
}

void Connection::on_half_close() {
  if (has_hung_up(transport_->socket())) return close();
  watch_for_reset();
  const bool is_unix = peer_.host == "unix";  // hanging up is seen there without a probe
  if (exchange_ != nullptr && !is_unix) exchange_->probe();
}

void Connection::watch_for_reset() {
  if (is_watching_) return;
  is_watching_ = true;
  transport_->socket().async_wait(Socket::wait_error,
                                  [weak = weak_from_this()](ErrorCondition error) {
                                    const std::shared_ptr<Connection> self = weak.lock();
                                    if (self == nullptr || error) return;
                                    self->is_watching_ = false;
                                    self->close();
                                  });
}

// --- requests

void Connection::begin_head() {
  phase_ = Phase::head;
  is_first_request_ = false;
  if (read_buffer_.size() > kHeadReadBytes && !is_reading_) read_buffer_ = {};
  received_at_ = Clock::now();
  set_deadline(received_at_ + (in_.empty() ? core_.limits.idle_time : core_.limits.header_time));
  if (in_.empty() && in_.capacity() > kHeadReadBytes) in_ = {};
  on_head_bytes();
}

void Connection::on_head_bytes() {
  if (parser_.parse(in_)) {
    head_ = std::move(parser_.head());
    in_.erase(0, parser_.size_bytes());
    parser_.reset();
    begin_request();
  } else if (parser_.failure()) {
    refuse_head(*parser_.failure());
  } else if (has_input_ended_) {
    on_end_of_input(boost::asio::error::eof);
  } else {
    read_more();
  }
}

void Connection::begin_request() {
  body_bytes_ = 0;
  admission_ = admit(head_, peer_, core_.router, core_.access);
  // A body that nobody reads stands where the next request would be looked for.
  must_close_ = head_.has_body();
  if (admission_.failure || admission_.is_options) return answer_without_handler();
  const Route& route = *admission_.route;
  size_t most_bytes = route.body == BodySize::large ? core_.limits.large_body_bytes
                                                    : core_.limits.control_body_bytes;
  if (route.open_body) {
    most_bytes = core_.limits.streamed_body_bytes;
    try {
      admission_.request.body_sink = route.open_body(admission_.request);
    } catch (const Error& error) {
      return refuse_body(failure_of(error));
    }
  }
  body_.emplace(head_, core_.limits, most_bytes, admission_.request.body_sink);
  if (body_->failure()) return refuse_body(*body_->failure());
  phase_ = Phase::body;
  body_start_ = Clock::now();
  if (head_.expects_continue && in_.empty()) {
    out_ = "HTTP/1.1 100 Continue\r\n\r\n";
    writes_exchange_ = false;
    write_next();
  }
  on_body_bytes();
}

void Connection::on_body_bytes() {
  const size_t taken = body_->read(in_);
  in_.erase(0, taken);
  body_bytes_ = body_->received_bytes();
  if (body_->failure()) return refuse_body(*body_->failure());
  if (!body_->is_whole()) {
    if (has_input_ended_) return on_end_of_input(boost::asio::error::eof);
    const auto earned =
        std::chrono::milliseconds(body_bytes_ * 1000 / core_.limits.body_bytes_per_second);
    set_deadline(body_start_ + core_.limits.body_grace + earned);
    return read_more();
  }
  admission_.request.body = body_->take_content();
  must_close_ = false;
  open_exchange();
  run_handler();
}

void Connection::refuse_head(const Failure& failure) {
  head_ = RequestHead();
  body_bytes_ = 0;
  admission_ = refuse(failure, peer_);
  must_close_ = true;
  answer_without_handler();
}

void Connection::refuse_body(const Failure& failure) {
  admission_.failure = failure;
  must_close_ = true;
  answer_without_handler();
}

void Connection::answer_without_handler() {
  open_exchange();
  if (exchange_ == nullptr) return;  // gone meanwhile
  if (admission_.failure) {
    exchange_->fail(*admission_.failure);
  } else {
    exchange_->reply(204, {}, "");
  }
}

void Connection::open_exchange() {
  phase_ = Phase::answer;
  set_deadline(Clock::time_point::max());
  body_.reset();
  admission_.request.received_at = received_at_;
  Exchange::Framing framing;
  framing.is_head = admission_.request.method == "HEAD";
  framing.is_http10 = head_.is_http10;
  framing.keeps_alive = head_.wants_to_stay && !must_close_ && may_have_more();
  framing.headers = std::move(admission_.response_headers);
  framing.is_draining = &core_.is_draining;
  is_woken_ = std::make_shared<std::atomic<bool>>(false);
  Exchange::Outlet outlet;
  outlet.wake = [weak = weak_from_this(), executor = executor_, is_woken = is_woken_] {
    if (is_woken->exchange(true)) return;
    boost::asio::post(executor, [weak, is_woken] {
      is_woken->store(false);
      if (const std::shared_ptr<Connection> self = weak.lock()) self->pump();
    });
  };
  if (!is_writing_) {  // an interim response may be under way
    outlet.send = [transport = transport_.get()](std::string_view bytes) {
      return transport->send_now(bytes);
    };
  }
  exchange_.reset(new Exchange(std::move(admission_.request), admission_.route, std::move(framing),
                               std::move(outlet)));
  if (has_input_ended_) {
    on_half_close();
  } else {
    read_more();
  }
}

void Connection::run_handler() {
  if (exchange_ == nullptr) return;  // gone meanwhile
  const std::shared_ptr<Exchange> handle = Exchange::handle_of(exchange_);
  if (handle->route().runs_on == RunsOn::io) return call_handler(handle);
  if (core_.workers.submit([handle] { call_handler(handle); })) return;
  handle->fail(
      {.status = 503, .message = "the server is busy, try again later", .code = "overloaded"});
}

// --- output

void Connection::pump() {
  if (is_writing_ || phase_ != Phase::answer) return;
  out_ = exchange_->take_outgoing();
  writes_exchange_ = true;
  if (!out_.empty()) return write_next();
  if (exchange_->is_cut()) {
    // HTTP/1.0 has no other sign than a reset that a stream is not whole.
    ErrorCondition ignored;
    if (head_.is_http10) {
      transport_->socket().set_option(boost::asio::socket_base::linger(true, 0), ignored);
    }
    return close();
  }
  if (exchange_->is_all_sent()) end_exchange();
}

void Connection::write_next() {
  is_writing_ = true;
  if (phase_ == Phase::answer) set_deadline(Clock::now() + core_.limits.write_stall_time);
  transport_->write_some(std::string_view(out_).substr(out_at_),
                         [self = shared_from_this()](ErrorCondition error, size_t size_bytes) {
                           self->on_written(error, size_bytes);
                         });
}

void Connection::on_written(ErrorCondition error, size_t size_bytes) {
  if (phase_ == Phase::closed) return;
  if (error) return close();
  out_at_ += size_bytes;
  if (writes_exchange_) exchange_->sent(size_bytes);
  if (phase_ == Phase::closed) return;
  if (out_at_ < out_.size()) return write_next();
  is_writing_ = false;
  out_at_ = 0;
  out_ = {};
  if (phase_ != Phase::answer) return;
  set_deadline(Clock::time_point::max());
  pump();
}

void Connection::end_exchange() {
  record(true);
  exchange_->finish();
  const bool keeps_alive = exchange_->keeps_alive() && !core_.is_draining.load() && may_have_more();
  exchange_.reset();
  if (keeps_alive) return begin_head();
  const bool may_have_unread = must_close_ || !in_.empty() || !transport_->allows_half_close();
  return may_have_unread ? linger() : close();
}

// A client may send several requests, close its sending side and wait.
bool Connection::may_have_more() const { return !has_input_ended_ || !in_.empty(); }

void Connection::record(bool is_whole) {
  const Request& request = exchange_->request();
  AccessRecord record;
  record.id = request.id;
  record.peer = request.peer;
  record.method = request.method;
  record.path = request.path;
  record.route = exchange_->route().pattern;
  record.key_name = request.key_name;
  record.status = exchange_->status();
  record.is_whole = is_whole;
  record.received_bytes = body_bytes_;
  record.sent_bytes = exchange_->sent_bytes();
  record.duration =
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - request.received_at);
  core_.count(record, exchange_->route());
}

// Closing a socket with unread bytes resets it, and the peer may lose the answer that explains why:
// so what it still sends is read and dropped for a while.
void Connection::linger() {
  phase_ = Phase::linger;
  in_ = {};
  if (has_input_ended_) return close();
  set_deadline(Clock::now() + core_.limits.linger_time);
  transport_->shut_down_sending([self = shared_from_this()](ErrorCondition, size_t) {});
  read_more();
}

void Connection::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  timer_.cancel();
  if (exchange_ != nullptr) {
    record(false);
    const std::shared_ptr<Exchange> exchange = std::move(exchange_);
    exchange->close();  // nobody sends from here on
  }
  transport_->close();
  core_.remove(shared_from_this(), peer_);
}

}  // namespace sparrow::http
