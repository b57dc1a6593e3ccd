#include "server/answering.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/error.h"
#include "server/stream_group.h"

namespace sparrow {
namespace {

// Kept alive by the callbacks that it has given to the streams, until all answers have ended.
class Pump : public std::enable_shared_from_this<Pump> {
  using Clock = std::chrono::steady_clock;

 public:
  Pump(ServerState& state, Answering answering) : state_(state), answering_(std::move(answering)) {}

  void start() {
    const http::Request& request = answering_.exchange->request();
    RunningRequest entry = running_request(request, answering_.model);
    for (const Request& wanted : answering_.requests)
      entry.prompt_tokens += static_cast<int64_t>(wanted.prompt.size());
    const std::weak_ptr<Pump> weak = weak_from_this();
    entry.queue_position = [weak]() -> int64_t {
      const std::shared_ptr<Pump> pump = weak.lock();
      return pump != nullptr ? pump->streams_.queue_position() : 0;
    };
    const auto cancel = [weak] {
      if (const std::shared_ptr<Pump> pump = weak.lock()) pump->streams_.cancel();
    };
    const auto tick = [weak] {
      if (const std::shared_ptr<Pump> pump = weak.lock()) pump->look_at_queue();
    };
    ticket_ = state_.requests.admit(std::move(entry), cancel, tick);
    if (ticket_ == nullptr) {
      answering_.writer->fail(too_many_requests());
      return;
    }
    AnswerMetrics::Model& series = state_.answer_metrics.of(answering_.engine->info());
    try {
      for (Request& wanted : answering_.requests) {
        const int64_t max_tokens = wanted.params.max_tokens;
        streams_.add(answering_.engine->submit(std::move(wanted)));
        clocks_.emplace_back(series, request.received_at, max_tokens);
      }
    } catch (...) {
      streams_.cancel();
      throw;
    }
    left_ = streams_.all().size();
    answering_.exchange->on_close(cancel);
    answering_.exchange->on_drained([weak] {
      if (const std::shared_ptr<Pump> pump = weak.lock()) pump->schedule();
    });
    begun_at_ = Clock::now();
    is_begun_ = true;
    for (const auto& stream : streams_.all())
      stream->on_readable([self = shared_from_this()] { self->schedule(); });
  }

 private:
  // At most one run is waiting at any time.
  void schedule() {
    if (is_scheduled_.exchange(true)) return;
    state_.answering.submit([self = shared_from_this()] {
      self->is_scheduled_ = false;
      self->run();
    });
  }

  // A second after it came at the earliest: the wait is not worth a word before.
  void look_at_queue() {
    constexpr std::chrono::seconds kSilence{1};
    if (!is_begun_ || Clock::now() - begun_at_ < kSilence) return;
    state_.answering.submit([self = shared_from_this()] { self->tell_place(); });
  }

  // As long as none of its answers runs.
  void tell_place() {
    if (left_ == 0 || has_failed_ || !wants_more()) return;
    const int64_t position = streams_.queue_position();
    if (position > 0 && !has_parts_) answering_.writer->wait(queue_.look(position, Clock::now()));
  }

  void run() {
    if (left_ == 0) return;
    try {
      for (size_t i = 0; i < streams_.all().size(); ++i) {
        while (wants_more()) {
          const std::optional<TextDelta> delta = streams_.all()[i]->next_within(0);
          if (!delta) break;
          take(i, *delta);
        }
      }
      if (left_ == 0 && !has_failed_) answering_.writer->finish();
    } catch (const std::exception& error) {
      give_up({.message = error.what()});
    }
    if (left_ == 0) end();
  }

  // A client that is gone takes everything.
  bool wants_more() const {
    const http::Exchange& exchange = *answering_.exchange;
    return !exchange.is_open() || exchange.unsent_bytes() < http::Exchange::kEnoughUnsent;
  }

  void take(size_t i, const TextDelta& delta) {
    const bool is_last = delta.finish_reason != FinishReason::none;
    if (is_last) --left_;
    const RequestStats stats = streams_.all()[i]->stats();
    clocks_[i].take(delta, stats, Clock::now());
    if (has_failed_) return;
    if (delta.finish_reason == FinishReason::error)
      return give_up(http::failure_of(Error(delta.error_code, delta.error)));
    if (delta.finish_reason == FinishReason::cancelled && !answering_.exchange->is_open()) return;
    ChatDelta chat;
    OutputParser* parser = i < answering_.parsers.size() ? answering_.parsers[i].get() : nullptr;
    if (parser == nullptr) {
      chat.content = delta.text;
    } else {
      chat = parser->push(delta.text);
      if (is_last) append(chat, parser->finish());
    }
    has_parts_ = true;
    answering_.writer->write({static_cast<int64_t>(i), delta, chat, stats});
  }

  void give_up(const http::Failure& failure) {
    has_failed_ = true;
    streams_.cancel();
    answering_.writer->fail(failure);
  }

  // Lets go of what this holds: a callback that is just returning may own this last, on the
  // engine's own thread, which must not be the one to end the engine.
  void end() {
    ticket_.reset();
    answering_.writer.reset();
    answering_.engine.reset();
    answering_.exchange.reset();
  }

  ServerState& state_;
  Answering answering_;
  StreamGroup streams_;              // once all are begun, nothing changes it
  std::vector<AnswerClock> clocks_;  // one a stream
  std::unique_ptr<Requests::Ticket> ticket_;
  Clock::time_point begun_at_;  // valid where is_begun_ is set
  std::atomic<bool> is_begun_ = false;
  QueueClock queue_;
  size_t left_ = 0;
  bool has_parts_ = false;
  bool has_failed_ = false;
  std::atomic<bool> is_scheduled_ = false;
};

}  // namespace

void answer(ServerState& state, Answering answering) {
  std::make_shared<Pump>(state, std::move(answering))->start();
}

}  // namespace sparrow
