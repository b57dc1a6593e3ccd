#include "apps/cli/progress_bar.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "apps/cli/display_text.h"
#include "base/config_env.h"
#include "store/disk.h"

namespace sparrow::cli {
namespace {

constexpr const char* kClearLine = "\r\x1b[K";
constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::chrono::seconds kRateWindow{5};

// The only thing that may reach a signal handler.
std::atomic<bool> is_on_screen = false;

void print(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

void draw(const std::string& text) {
  is_on_screen = true;
  print(kClearLine + text);
}

void erase() {
  print(kClearLine);
  is_on_screen = false;
}

// The statuses are plain ASCII; a column is a byte there.
std::string cut(std::string_view text, int columns) {
  return std::string(text.substr(0, static_cast<size_t>(std::max(columns, 0))));
}

}  // namespace

bool stderr_is_terminal() {
  return ::isatty(STDERR_FILENO) == 1 && config_env("TERM").value_or("") != "dumb";
}

bool stderr_takes_colour() { return stderr_is_terminal() && !config_env("NO_COLOR"); }

bool progress_is_drawn() { return is_on_screen; }

int terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::min(std::round(seconds), 359999.0));
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
}

std::string bar_text(std::string_view status, uint64_t completed, uint64_t total,
                     double bytes_per_second, int columns) {
  if (total != 0) completed = std::min(completed, total);
  std::string size = human_bytes(completed);
  if (total != 0) size += fmt::format("/{}", human_bytes(total));
  if (completed == 0 && total == 0) size.clear();
  std::string rate;
  if (bytes_per_second >= 1) {
    rate = fmt::format("  {}/s", human_bytes(static_cast<uint64_t>(bytes_per_second)));
    if (total != 0 && completed < total) {
      rate += fmt::format("  {}",
                          duration_text(static_cast<double>(total - completed) / bytes_per_second));
    }
  }
  if (total == 0) return cut(fmt::format("{}  {}{}", status, size, rate), columns - 1);
  const double share = static_cast<double>(completed) / static_cast<double>(total);
  const std::string left = fmt::format("{} {:3}% ", status, static_cast<int>(share * 100));
  // Two marks around the bar, a space on its right, and the last column stays free: a full line
  // would wrap.
  const int room = columns - static_cast<int>(left.size() + size.size() + rate.size()) - 4;
  if (room < 5) {  // the parts that matter most, as far as they fit
    const bool fits = static_cast<int>(left.size() + size.size() + rate.size()) < columns;
    return cut(left + size + (fits ? rate : ""), columns - 1);
  }
  const int filled = static_cast<int>(room * share);
  std::string bar;
  for (int i = 0; i < room; ++i) bar += i < filled ? "█" : " ";
  return fmt::format("{}▕{}▏ {}{}", left, bar, size, rate);
}

std::string spinner_text(size_t frame, std::string_view text, int columns) {
  constexpr std::array<const char*, 10> kFrames = {"⠋", "⠙", "⠹", "⠸", "⠼",
                                                   "⠴", "⠦", "⠧", "⠇", "⠏"};
  std::string line = fmt::format("{} ", kFrames[frame % kFrames.size()]);
  int used = 2;
  while (!text.empty()) {
    const TextCluster cluster = first_cluster(text);
    used += cluster.columns;
    if (used >= columns) break;
    line += cluster.bytes;
    text.remove_prefix(cluster.bytes.size());
  }
  return line;
}

ProgressBar::ProgressBar() : is_terminal_(stderr_is_terminal()) {}

ProgressBar::~ProgressBar() { clear(); }

double ProgressBar::bytes_per_second() const {
  if (samples_.size() < 2) return 0;
  const double seconds =
      std::chrono::duration<double>(samples_.back().time - samples_.front().time).count();
  // A restart goes back in the file: then there is no rate for a while.
  if (seconds < 0.5 || samples_.back().completed <= samples_.front().completed) return 0;
  return static_cast<double>(samples_.back().completed - samples_.front().completed) / seconds;
}

void ProgressBar::update(std::string_view status, uint64_t completed, uint64_t total) {
  const bool is_new_status = status != status_;
  if (is_new_status) {
    status_ = status;
    samples_.clear();
    if (!is_terminal_) {
      print(status_ + "\n");
      return;
    }
  }
  if (!is_terminal_) return;
  const Clock::time_point now = Clock::now();
  if (!is_new_status && is_drawn_ && now - last_drawn_ < kRedraw) return;
  samples_.push_back({now, completed});
  while (now - samples_.front().time > kRateWindow) samples_.pop_front();
  const std::string text =
      bar_text(status_, completed, total, bytes_per_second(), terminal_columns());
  draw(text);
  is_drawn_ = true;
  last_drawn_ = now;
}

void ProgressBar::clear() {
  if (is_drawn_) erase();
  is_drawn_ = false;
}

Spinner::Spinner(std::string text) : text_(std::move(text)) {
  if (stderr_is_terminal()) thread_ = std::thread([this] { turn(); });
}

void Spinner::turn() {
  bool is_drawn = false;
  std::unique_lock lock(mutex_);
  for (size_t frame = 0;; ++frame) {
    if (stopping_.wait_for(lock, kRedraw, [this] { return is_stopped_; })) break;
    draw(spinner_text(frame, text_, terminal_columns()));
    is_drawn = true;
  }
  if (is_drawn) erase();
}

void Spinner::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
  }
  stopping_.notify_all();
  if (thread_.joinable()) thread_.join();
}

}  // namespace sparrow::cli
