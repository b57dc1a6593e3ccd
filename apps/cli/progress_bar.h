// Progress on standard error, and only where a person sees it: a bar with rate and remaining time,
// or a spinner. Without a terminal, one plain line for each new status.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace sparrow::cli {

bool stderr_is_terminal();   // false as well for TERM=dumb
bool stderr_takes_colour();  // a terminal, and NO_COLOR is not set
int terminal_columns();      // of standard error; 80 if it is none
bool progress_is_drawn();    // a bar or spinner stands on the line; for signal handlers too

// Text of a bar that fits `columns`: `pulling from x  45% ▕███    ▏ 1.1 GB/2.5 GB  35 MB/s  41s`.
// `total` 0: unknown. `bytes_per_second` 0: unknown.
std::string bar_text(std::string_view status, uint64_t completed, uint64_t total,
                     double bytes_per_second, int columns);

// Text of a spinner that leaves a line of `columns` its last one: a full line would wrap, and each
// frame would then stand below the one before.
std::string spinner_text(size_t frame, std::string_view text, int columns);

std::string duration_text(double seconds);  // "41s", "2m05s", "1h02m"

// Used by one thread.
class ProgressBar {
 public:
  ProgressBar();
  ~ProgressBar();  // leaves the cursor at the start of a line
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // Cheap to call often: it draws about ten times a second.
  void update(std::string_view status, uint64_t completed, uint64_t total);
  // Takes the bar away.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  struct Sample {
    Clock::time_point time;
    uint64_t completed;
  };

  double bytes_per_second() const;

  bool is_terminal_;
  bool is_drawn_ = false;
  std::string status_;
  Clock::time_point last_drawn_;
  std::deque<Sample> samples_;  // of the last seconds, for the rate
};

// Turns in a thread of its own until it is stopped or destroyed. Draws nothing for the first tenth
// of a second, and never without a terminal.
class Spinner {
 public:
  explicit Spinner(std::string text);
  ~Spinner() { stop(); }
  Spinner(const Spinner&) = delete;
  Spinner& operator=(const Spinner&) = delete;

  void stop();  // takes it away

 private:
  void turn();

  std::string text_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool is_stopped_ = false;
  std::thread thread_;
};

}  // namespace sparrow::cli
