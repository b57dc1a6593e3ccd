// The answer of a route that works for a while: a line of JSON a step, or one object at the end.
#pragma once

#include <memory>
#include <string>

#include "base/json.h"
#include "server/http/exchange.h"

namespace sparrow::ollama {

// Used by one thread. What is thrown before the first line becomes an answer with its true status;
// run() turns what comes later into a line {"error": …}.
class StatusLines {
 public:
  StatusLines(std::shared_ptr<http::Exchange> exchange, bool is_streaming)
      : exchange_(std::move(exchange)), is_streaming_(is_streaming) {}

  void status(const std::string& text);
  void line(const Json& line);

  // Runs `work`, then says "success".
  template <typename Work>
  void run(const Work& work) {
    try {
      work();
    } catch (const std::exception& error) {
      if (!exchange_->has_begun()) throw;
      line({{"error", error.what()}});
      exchange_->end();
      return;
    }
    succeed();
  }

 private:
  void succeed();

  const std::shared_ptr<http::Exchange> exchange_;
  const bool is_streaming_;
};

}  // namespace sparrow::ollama
