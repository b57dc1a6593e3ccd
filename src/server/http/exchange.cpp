#include "server/http/exchange.h"

#include <fmt/format.h>

#include "server/http/response_head.h"
#include "server/http/route.h"

namespace sparrow::http {
namespace {

bool has_no_body(int status) { return status < 200 || status == 204 || status == 304; }

}  // namespace

Exchange::Exchange(Request request, std::shared_ptr<const Route> route, Framing framing,
                   Outlet outlet)
    : request_(std::move(request)),
      route_(std::move(route)),
      framing_(std::move(framing)),
      outlet_(std::move(outlet)) {}

std::shared_ptr<Exchange> Exchange::handle_of(std::shared_ptr<Exchange> exchange) {
  Exchange* const pointer = exchange.get();
  return {pointer, [exchange = std::move(exchange)](Exchange*) { exchange->abandon(); }};
}

bool Exchange::begin(int status, Headers headers, const std::string* body) {
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::waiting || is_closed_) return false;
  status_ = status;
  if (framing_.is_draining->load() || headers.lists("connection", "close")) {
    framing_.keeps_alive = false;
  }
  is_chunked_ = body == nullptr && !framing_.is_http10;
  // Without chunks, the end of the connection is the end of the stream.
  if (body == nullptr && framing_.is_http10) framing_.keeps_alive = false;
  outgoing_ += response_head(status, headers, framing_.headers);
  if (body != nullptr && !has_no_body(status)) {
    outgoing_ += fmt::format("Content-Length: {}\r\n", body->size());
  }
  if (is_chunked_) outgoing_ += "Transfer-Encoding: chunked\r\n";
  if (!framing_.keeps_alive) {
    outgoing_ += "Connection: close\r\n";
  } else if (framing_.is_http10) {
    outgoing_ += "Connection: keep-alive\r\n";
  }
  outgoing_ += "\r\n";
  if (body != nullptr && !has_no_body(status) && !framing_.is_head) outgoing_ += *body;
  phase_ = body == nullptr ? Phase::streaming : Phase::ended;
  flush();
  return true;
}

// What the connection is writing goes first.
void Exchange::flush() {
  if (phase_ == Phase::streaming && in_flight_bytes_ == 0 && outlet_.send != nullptr) {
    const size_t size_bytes = outlet_.send(outgoing_);
    outgoing_.erase(0, size_bytes);
    sent_bytes_ += size_bytes;
    if (outgoing_.empty()) return;
  }
  outlet_.wake();
}

bool Exchange::reply(int status, Headers headers, std::string body) {
  return begin(status, std::move(headers), &body);
}

bool Exchange::reply_json(int status, std::string json) {
  return reply(status, {{"Content-Type", "application/json; charset=utf-8"}}, std::move(json));
}

bool Exchange::fail(const Failure& failure) {
  Failure known = failure;
  known.request_id = request_.id;
  ErrorBody error;
  try {
    error = route_->error_shape(known);
  } catch (const std::exception&) {
    error = plain_text_error(known);  // say, a message that is not UTF-8 and a shape in JSON
  }
  Headers headers = failure.headers;
  for (const Header& header : error.headers) headers.add(header.name, header.value);
  headers.add("Content-Type", std::move(error.content_type));
  // Clients that retry wait as they are told.
  if (failure.status == 503 && !headers.has("Retry-After")) headers.add("Retry-After", "1");
  return reply(failure.status, std::move(headers), std::move(error.body));
}

bool Exchange::begin_stream(int status, Headers headers) {
  return begin(status, std::move(headers), nullptr);
}

bool Exchange::write(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::streaming || is_closed_) return false;
  if (bytes.empty() || framing_.is_head) return true;
  if (is_chunked_) fmt::format_to(std::back_inserter(outgoing_), "{:x}\r\n", bytes.size());
  outgoing_ += bytes;
  if (is_chunked_) outgoing_ += "\r\n";
  flush();
  return true;
}

void Exchange::end() {
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::streaming || is_closed_) return;
  if (is_chunked_ && !framing_.is_head) outgoing_ += "0\r\n\r\n";
  phase_ = Phase::ended;
  outlet_.wake();
}

void Exchange::abort() {
  const std::lock_guard lock(mutex_);
  if (phase_ == Phase::ended || is_closed_) return;
  phase_ = Phase::cut;
  outlet_.wake();
}

void Exchange::abandon() {
  if (fail({.status = 500, .message = "the request was dropped without an answer"})) return;
  abort();
}

bool Exchange::has_begun() const {
  const std::lock_guard lock(mutex_);
  return phase_ != Phase::waiting;
}

bool Exchange::is_open() const {
  const std::lock_guard lock(mutex_);
  return !is_closed_ && (phase_ == Phase::waiting || phase_ == Phase::streaming);
}

size_t Exchange::unsent_bytes() const {
  const std::lock_guard lock(mutex_);
  return outgoing_.size() + in_flight_bytes_;
}

void Exchange::on_close(std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_closed_) {
      // Once the answer is out, nobody can go before it.
      if (!is_over()) on_close_.swap(callback);
      return;
    }
  }
  callback();
}

void Exchange::on_drained(std::function<void()> callback) {
  auto shared = std::make_shared<const std::function<void()>>(std::move(callback));
  const std::lock_guard lock(mutex_);
  if (!is_over()) on_drained_.swap(shared);
}

std::string Exchange::take_outgoing() {
  const std::lock_guard lock(mutex_);
  in_flight_bytes_ += outgoing_.size();
  return std::exchange(outgoing_, {});
}

void Exchange::sent(size_t size_bytes) {
  std::shared_ptr<const std::function<void()>> callback;
  {
    const std::lock_guard lock(mutex_);
    const size_t before = outgoing_.size() + in_flight_bytes_;
    in_flight_bytes_ -= size_bytes;
    sent_bytes_ += size_bytes;
    const bool has_drained = before >= kFewUnsent && before - size_bytes < kFewUnsent;
    if (has_drained && phase_ == Phase::streaming) callback = on_drained_;
  }
  if (callback != nullptr && *callback != nullptr) (*callback)();
}

bool Exchange::is_all_sent() const {
  const std::lock_guard lock(mutex_);
  return phase_ == Phase::ended && outgoing_.empty() && in_flight_bytes_ == 0;
}

bool Exchange::is_cut() const {
  const std::lock_guard lock(mutex_);
  return phase_ == Phase::cut && outgoing_.empty() && in_flight_bytes_ == 0;
}

bool Exchange::keeps_alive() const {
  const std::lock_guard lock(mutex_);
  return framing_.keeps_alive;
}

void Exchange::probe() {
  const std::lock_guard lock(mutex_);
  if (is_closed_ || is_over() || framing_.is_http10) return;
  if (phase_ == Phase::waiting) {
    outgoing_ += "HTTP/1.1 100 Continue\r\n\r\n";
  } else if (phase_ == Phase::streaming && is_chunked_ && !framing_.is_head && outgoing_.empty()) {
    outgoing_ += "0";  // the next chunk's size may begin with it
  }
  if (!outgoing_.empty()) outlet_.wake();
}

void Exchange::finish() { const Callbacks dropped = drop_callbacks(false); }

void Exchange::close() {
  const Callbacks dropped = drop_callbacks(true);
  if (dropped.on_close != nullptr) dropped.on_close();
}

// They are destroyed outside the lock: they may hold the last handle.
Exchange::Callbacks Exchange::drop_callbacks(bool is_closed) {
  Callbacks dropped;
  const std::lock_guard lock(mutex_);
  is_closed_ = is_closed;
  dropped.outlet = std::exchange(outlet_, {});
  dropped.on_close.swap(on_close_);
  dropped.on_drained.swap(on_drained_);
  if (is_closed) outgoing_ = {};
  return dropped;
}

int Exchange::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

uint64_t Exchange::sent_bytes() const {
  const std::lock_guard lock(mutex_);
  return sent_bytes_;
}

}  // namespace sparrow::http
