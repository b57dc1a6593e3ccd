// One request and its answer: what a handler gets, and keeps for as long as it has more to say.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "server/http/failure.h"
#include "server/http/request.h"

namespace sparrow::http {

struct Route;

// Thread-safe; outlives the handler, the connection and the server. If the last handle goes before
// the answer has begun, the client is told 500; if it goes inside a stream, the connection is cut,
// which tells the client that the answer is not whole.
//
// Callbacks come from a thread that serves other connections too, one at a time and with no lock
// held: they must not block.
//
// A producer of text writes while it has some and unsent_bytes() < kEnoughUnsent, and goes on when
// on_drained calls it: a slow client then costs kEnoughUnsent bytes and nobody's time.
class Exchange {
 public:
  static constexpr size_t kEnoughUnsent = size_t{64} << 10;
  static constexpr size_t kFewUnsent = size_t{16} << 10;

  const Request& request() const { return request_; }
  const Route& route() const { return *route_; }

  // A whole answer, with its Content-Length. False, and nothing happens, if an answer has begun or
  // the client is gone; so it is for all four.
  bool reply(int status, Headers headers, std::string body);
  bool reply_json(int status, std::string json);
  // In the shape of the route's family. A 503 that does not say when to come back says 1 s.
  bool fail(const Failure& failure);
  // An answer in pieces: chunked, or up to the end of the connection for HTTP/1.0.
  bool begin_stream(int status, Headers headers);

  // More of a stream. Never blocks. False if there is no stream (any more).
  bool write(std::string_view bytes);
  void end();
  // The stream cannot be finished: cuts the connection.
  void abort();

  bool has_begun() const;
  // Neither ended nor given up: what is written may still arrive.
  bool is_open() const;
  // Bytes written that the system has not taken yet.
  size_t unsent_bytes() const;

  // Called once if the client goes (or the server stops) before the answer is sent; at once, from
  // here, if that has happened. A client that only closed its sending side is not gone as long as
  // it can be written to. At most one callback; it is dropped when the exchange is over.
  void on_close(std::function<void()> callback);
  // Called each time unsent_bytes() falls below kFewUnsent. At most one callback.
  void on_drained(std::function<void()> callback);

 private:
  friend class Connection;

  // What the connection knows of the response before there is one.
  struct Framing {
    bool is_head = false;                            // no body, whatever is written
    bool is_http10 = false;                          // no chunks
    bool keeps_alive = true;                         // as far as the client wants it
    Headers headers;                                 // for every response: request id, CORS
    const std::atomic<bool>* is_draining = nullptr;  // valid until close()
  };
  // The way out, used under the lock and from any thread, until the exchange is over.
  struct Outlet {
    std::function<void()> wake;  // there is something to do for the connection
    // Sends what the system takes at once, and says how many bytes that was; may be empty. Saves a
    // stream's every piece the way over the connection's thread.
    std::function<size_t(std::string_view)> send;
  };
  enum class Phase { waiting, streaming, ended, cut };
  struct Callbacks {
    Outlet outlet;
    std::function<void()> on_close;
    std::shared_ptr<const std::function<void()>> on_drained;
  };

  Exchange(Request request, std::shared_ptr<const Route> route, Framing framing, Outlet outlet);

  // What handlers hold: it tells when the last of them is gone.
  static std::shared_ptr<Exchange> handle_of(std::shared_ptr<Exchange> exchange);
  void abandon();
  bool begin(int status, Headers headers, const std::string* body);  // null: a stream
  void flush();                                                      // under the lock
  bool is_over() const { return outlet_.wake == nullptr; }
  Callbacks drop_callbacks(bool is_closed);

  // For the connection, on its own thread.
  std::string take_outgoing();   // they count as unsent until sent() says otherwise
  void sent(size_t size_bytes);  // may call on_drained
  bool is_all_sent() const;      // ended, and nothing unsent
  bool is_cut() const;           // and nothing unsent
  bool keeps_alive() const;      // after the answer
  // The client has closed its sending side. Something harmless is sent, which a client that is gone
  // altogether answers with a reset: an interim response, or a leading zero of a chunk's size.
  void probe();
  void finish();  // the answer is out; drops the callbacks
  void close();   // the client is gone; may call on_close
  int status() const;
  uint64_t sent_bytes() const;

  const Request request_;
  const std::shared_ptr<const Route> route_;
  mutable std::mutex mutex_;
  Framing framing_;
  Outlet outlet_;  // empty once the connection is done with this
  Phase phase_ = Phase::waiting;
  bool is_chunked_ = false;
  int status_ = 0;
  std::string outgoing_;
  size_t in_flight_bytes_ = 0;
  uint64_t sent_bytes_ = 0;
  bool is_closed_ = false;  // on_close is due or done
  std::function<void()> on_close_;
  std::shared_ptr<const std::function<void()>> on_drained_;
};

}  // namespace sparrow::http
