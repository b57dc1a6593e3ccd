#include "server/http/request_head.h"

#include <fmt/format.h>

#include <algorithm>

namespace sparrow::http {
namespace {

constexpr size_t kMaxMethodBytes = 32;
constexpr size_t kMaxLengthDigits = 18;  // below 2^63

// Two of these, and programs would differ on which one counts.
constexpr std::string_view kSingle[] = {
    "authorization", "content-encoding", "content-length", "content-type",      "expect",
    "host",          "origin",           "sec-fetch-site", "transfer-encoding", "x-api-key"};

bool is_token_character(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

void HeadParser::reset() { *this = HeadParser(*limits_); }

bool HeadParser::refuse(int status, std::string message) {
  if (!failure_) failure_ = Failure{.status = status, .message = std::move(message)};
  return false;
}

// The line that `c` at seen_ stands in is known to be neither over nor empty.
bool HeadParser::is_allowed(char c) {
  const unsigned char byte = static_cast<unsigned char>(c);
  const bool is_control = byte < 0x20 || byte == 0x7f;
  if (fields_start_ == 0) {
    if (is_control || byte > 0x7f) return refuse(400, "the request line holds a control character");
    if (seen_ - line_start_ >= limits_->request_line_bytes) {
      return refuse(
          414, fmt::format("the request line has more than {} bytes", limits_->request_line_bytes));
    }
    return true;
  }
  if (is_control && c != '\t' && c != '\r' && c != '\n') {
    return refuse(400, "a header holds a control character");
  }
  if (seen_ - fields_start_ >= limits_->header_bytes) {
    return refuse(431, fmt::format("the headers have more than {} bytes", limits_->header_bytes));
  }
  if (seen_ == line_start_ && head_.headers.size() >= limits_->header_count) {
    return refuse(431, fmt::format("there are more than {} headers", limits_->header_count));
  }
  return true;
}

bool HeadParser::parse(std::string_view bytes) {
  while (seen_ < bytes.size() && !failure_) {
    const char c = bytes[seen_];
    if (c == '\n') return refuse(400, "a line ends without a carriage return");
    const bool is_empty_line = c == '\r' && seen_ == line_start_;
    if (c == '\r') {
      if (seen_ + 1 == bytes.size()) return false;
      if (bytes[seen_ + 1] != '\n') return refuse(400, "a carriage return inside a line");
    }
    if (c != '\r' || (fields_start_ > 0 && !is_empty_line)) {
      if (!is_allowed(c)) return false;
    }
    if (c != '\r') {
      ++seen_;
      continue;
    }
    const std::string_view line = bytes.substr(line_start_, seen_ - line_start_);
    seen_ += 2;
    line_start_ = seen_;
    if (end_line(line)) return !failure_;
  }
  return false;
}

bool HeadParser::end_line(std::string_view line) {
  if (fields_start_ == 0) {
    // Old clients end a body with a line end that its length does not count.
    if (line.empty() && !has_skipped_line_) {
      has_skipped_line_ = true;
      return false;
    }
    parse_request_line(line);
    fields_start_ = seen_;
    return false;
  }
  if (!line.empty()) {
    // Its line end, which is_allowed() has seen the first half of, counts too.
    if (seen_ - fields_start_ > limits_->header_bytes) {
      return refuse(431, fmt::format("the headers have more than {} bytes", limits_->header_bytes));
    }
    parse_field(line);
    return false;
  }
  check_fields();
  return true;
}

void HeadParser::parse_request_line(std::string_view line) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || last == first) {
    refuse(400, "the request line is malformed");
    return;
  }
  head_.method = line.substr(0, first);
  head_.target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(head_.method) || head_.method.size() > kMaxMethodBytes) {
    refuse(400, "the method is malformed");
  } else if (head_.target.empty() || head_.target.find(' ') != std::string::npos) {
    refuse(400, "the request target is malformed");
  } else if (version == "HTTP/1.0") {
    head_.is_http10 = true;
  } else if (version != "HTTP/1.1") {
    const bool is_other = version.size() == 8 && version.starts_with("HTTP/") &&
                          is_digit(version[5]) && version[6] == '.' && is_digit(version[7]);
    // "PRI * HTTP/2.0" is no request but how HTTP/2 begins.
    if (is_other && head_.method != "PRI") {
      refuse(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    } else {
      refuse(400, "the HTTP version is malformed");
    }
  }
}

void HeadParser::parse_field(std::string_view line) {
  const size_t colon = line.find(':');
  if (line.front() == ' ' || line.front() == '\t') {
    refuse(400, "a header is folded over two lines");
  } else if (colon == std::string_view::npos) {
    refuse(400, "a header has no colon");
  } else if (!is_token(line.substr(0, colon))) {
    refuse(400, "a header's name is malformed");
  } else {
    head_.headers.add(std::string(line.substr(0, colon)),
                      std::string(trim(line.substr(colon + 1))));
  }
}

void HeadParser::check_fields() {
  const Headers& headers = head_.headers;
  for (const std::string_view name : kSingle) {
    if (headers.count(name) > 1) refuse(400, fmt::format("there is more than one {} header", name));
  }
  if (!head_.is_http10 && !headers.has("host")) refuse(400, "the Host header is missing");

  if (headers.has("content-length")) {
    const std::string_view digits = headers.value("content-length");
    if (headers.has("transfer-encoding")) {
      refuse(400, "Content-Length and Transfer-Encoding exclude each other");
    }
    if (digits.empty() || digits.size() > kMaxLengthDigits ||
        !std::all_of(digits.begin(), digits.end(), is_digit)) {
      refuse(400, fmt::format("Content-Length must be 1 to {} digits", kMaxLengthDigits));
      return;
    }
    for (const char c : digits) {
      head_.content_length = head_.content_length * 10 + static_cast<uint64_t>(c - '0');
    }
  }
  if (headers.has("transfer-encoding")) {
    const std::string_view coding = headers.value("transfer-encoding");
    if (head_.is_http10) refuse(400, "HTTP/1.0 has no Transfer-Encoding");
    if (coding.empty()) refuse(400, "Transfer-Encoding is empty");
    if (!equals_ignoring_case(coding, "chunked")) {
      refuse(501, "the only Transfer-Encoding known here is chunked");
    }
    head_.is_chunked = true;
  }
  if (headers.has("expect") && !head_.is_http10) {
    if (!equals_ignoring_case(headers.value("expect"), "100-continue")) {
      refuse(417, "the only expectation known here is 100-continue");
    }
    head_.expects_continue = head_.has_body();
  }
  head_.wants_to_stay = head_.is_http10 ? headers.lists("connection", "keep-alive") &&
                                              !headers.lists("connection", "close")
                                        : !headers.lists("connection", "close");
}

}  // namespace sparrow::http
