#include "store/download.h"

#include <poll.h>

#include <algorithm>

#include "base/error.h"
#include "store/http.h"

namespace sparrow {
namespace {

constexpr int64_t kMaxWaitMs = 60000;
constexpr uint64_t kMinProgressBytes = uint64_t{64} << 10;

// One number at the start of `text`, which is taken off. Nothing if there is none or it is huge.
std::optional<uint64_t> take_number(std::string_view& text) {
  uint64_t number = 0;
  size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    if (digits == 18) return std::nullopt;
    number = number * 10 + static_cast<uint64_t>(text[digits] - '0');
    ++digits;
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, std::string_view start) {
  if (!text.starts_with(start)) return false;
  text.remove_prefix(start.size());
  return true;
}

// What one attempt decided about the response it got.
struct Attempt {
  const HubFile& file;
  PartialFile& partial;
  const std::function<void()>& on_bytes;
  std::string problem;       // the attempt fails
  bool is_final = false;     // and no other attempt will do better
  bool starts_over = false;  // and what is there must go

  bool refuse(std::string why, bool final_problem) {
    problem = std::move(why);
    is_final = final_problem;
    return false;
  }

  bool take_head(const HttpHead& head) {
    const int status = head.status;
    if (status != 200 && status != 206) return refuse(fmt::format("HTTP status {}", status), false);
    const std::string encoding = head.header("content-encoding");
    if (!encoding.empty() && encoding != "identity") {
      return refuse(fmt::format("it sends the file compressed ({}), which was not asked for",
                                encoding.substr(0, 20)),
                    true);
    }
    const std::string etag = head.header("etag");
    if (status == 206) return take_part(head, etag);
    if (const std::string length = head.header("content-length"); !length.empty()) {
      std::string_view rest = length;
      const std::optional<uint64_t> count = take_number(rest);
      if (!count || !rest.empty() || *count != partial.wanted_bytes()) {
        return refuse(fmt::format("it sends {} bytes where {} are wanted", length.substr(0, 30),
                                  partial.wanted_bytes()),
                      true);
      }
    }
    // The whole file, asked for or not.
    if (partial.size_bytes() > 0) partial.restart();
    partial.set_etag(file.url, etag);
    partial.begin_piece();
    return true;
  }

  bool take_part(const HttpHead& head, const std::string& etag) {
    const std::optional<ContentRange> range = parse_content_range(head.header("content-range"));
    if (!range || range->first != partial.size_bytes() ||
        (range->total != 0 && range->total != partial.wanted_bytes())) {
      starts_over = true;
      return refuse(fmt::format("it answers with the range '{}' where {}-/{} was asked for",
                                head.header("content-range").substr(0, 60), partial.size_bytes(),
                                partial.wanted_bytes()),
                    false);
    }
    const std::string known = partial.etag_of(file.url);
    if (!known.empty() && !etag.empty() && etag != known) {
      starts_over = true;
      return refuse("its file has changed since the download began", false);
    }
    partial.set_etag(file.url, etag);
    partial.begin_piece();
    return true;
  }

  bool take_bytes(std::span<const std::byte> bytes) {
    if (bytes.size() > partial.wanted_bytes() - partial.size_bytes()) {
      starts_over = true;
      return refuse(
          fmt::format("it sends more than the {} bytes that the file has", partial.wanted_bytes()),
          true);
    }
    partial.append(bytes);
    on_bytes();
    return true;
  }
};

}  // namespace

std::optional<ContentRange> parse_content_range(const std::string& header) {
  std::string_view text = header;
  if (!take(text, "bytes ")) return std::nullopt;
  ContentRange range;
  const std::optional<uint64_t> first = take_number(text);
  if (!first || !take(text, "-")) return std::nullopt;
  const std::optional<uint64_t> last = take_number(text);
  if (!last || *last < *first || !take(text, "/")) return std::nullopt;
  range.first = *first;
  range.last = *last;
  if (text == "*") return range;
  const std::optional<uint64_t> total = take_number(text);
  if (!total || *total <= *last || !text.empty()) return std::nullopt;
  range.total = *total;
  return range;
}

int64_t retry_after_s(const std::string& header) {
  std::string_view text = header;
  const std::optional<uint64_t> seconds = take_number(text);
  return seconds && text.empty() ? static_cast<int64_t>(*seconds) : -1;
}

void wait_or_cancel(int64_t milliseconds, const std::atomic<bool>* cancel) {
  while (true) {
    if (cancel != nullptr && cancel->load()) fail(ErrorCode::cancelled, "stopped");
    if (milliseconds <= 0) return;
    const int64_t step = std::min<int64_t>(milliseconds, 50);
    ::poll(nullptr, 0, static_cast<int>(step));
    milliseconds -= step;
  }
}

std::string download(const HubFile& file, PartialFile& partial, const PullOptions& options,
                     const std::function<void()>& on_bytes) {
  uint64_t best_bytes = partial.size_bytes();
  int idle_attempts = 0;
  while (partial.size_bytes() < partial.wanted_bytes()) {
    HttpRequest request;
    request.url = file.url;
    request.bearer_token = file.bearer_token;
    request.range_start = partial.size_bytes();
    // A weak ETag does not promise equal bytes, so it cannot guard a range.
    const std::string etag = partial.etag_of(file.url);
    if (!etag.starts_with("W/")) request.if_range = etag;
    request.answer_timeout_ms = options.connect_timeout_ms;
    request.stall_timeout_ms = options.stall_timeout_ms;
    Attempt attempt{file, partial, on_bytes};
    HttpSink sink;
    sink.on_head = [&](const HttpHead& head) { return attempt.take_head(head); };
    sink.on_bytes = [&](std::span<const std::byte> bytes) { return attempt.take_bytes(bytes); };
    const HttpResult result = http_request(request, sink, options.cancel);
    if (attempt.starts_over) partial.restart();
    if (partial.size_bytes() == partial.wanted_bytes()) break;

    const int status = result.head.status;
    std::string problem = attempt.problem.empty() ? result.problem : attempt.problem;
    if (problem.empty()) problem = "the connection ended too early";
    const bool is_refusal = status >= 400 && status < 500 && status != 408 && status != 416 &&
                            status != 425 && status != 429;
    const bool line_is_final =
        attempt.problem.empty() && !result.problem.empty() && !result.may_retry;
    if (attempt.is_final || is_refusal || line_is_final) return problem;
    // 416: what is there does not fit what it has.
    if (status == 416) partial.restart();

    const bool has_progress = partial.size_bytes() >= best_bytes + kMinProgressBytes;
    best_bytes = std::max(best_bytes, partial.size_bytes());
    idle_attempts = has_progress ? 0 : idle_attempts + 1;
    if (idle_attempts > options.max_retries) {
      return fmt::format("{} ({} tries)", problem, idle_attempts);
    }
    int64_t wait_ms = options.retry_delay_ms << std::max(0, idle_attempts - 1);
    if (const int64_t asked_s = retry_after_s(result.head.header("retry-after"));
        asked_s >= 0 && (status == 429 || status == 503)) {
      if (asked_s * 1000 > kMaxWaitMs) {
        return fmt::format("{}, and it asks to wait for {} s", problem, asked_s);
      }
      wait_ms = std::max(wait_ms, asked_s * 1000);
    }
    wait_or_cancel(std::min(wait_ms, kMaxWaitMs), options.cancel);
  }
  return {};
}

}  // namespace sparrow
