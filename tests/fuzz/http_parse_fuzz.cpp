// Any bytes as what a client sends: the requests read from them do not depend on how the bytes are
// split, and Boost.Beast, a parser by others, reads what is taken in the same way. The first byte
// seeds the splits.
#include <algorithm>
#include <boost/beast/http.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

#include "server/http/body_reader.h"
#include "server/http/gate.h"

namespace sparrow::http {
namespace {

namespace beast = boost::beast::http;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

Limits small_limits() {
  Limits limits;
  limits.request_line_bytes = 128;
  limits.header_bytes = 512;
  limits.header_count = 8;
  limits.chunk_extension_bytes = 16;
  return limits;
}

constexpr size_t kMaxBodyBytes = 1024;

struct Read {
  RequestHead head;
  std::string body;
  size_t size_bytes = 0;  // of the whole request
};

// What a connection does with its bytes, without the connection.
class Reader {
 public:
  explicit Reader(const Limits& limits) : limits_(limits), parser_(limits_) {}

  void feed(std::string_view bytes) {
    in_ += bytes;
    while (status_ == 0 && step()) {
    }
  }
  const std::vector<Read>& requests() const { return requests_; }
  int status() const { return status_; }

 private:
  bool step() {
    if (!body_) {
      if (!parser_.parse(in_)) {
        if (parser_.failure()) status_ = parser_.failure()->status;
        return false;
      }
      head_ = std::move(parser_.head());
      size_bytes_ = parser_.size_bytes();
      in_.erase(0, size_bytes_);
      parser_.reset();
      body_.emplace(head_, limits_, kMaxBodyBytes);
    }
    const size_t taken = body_->read(in_);
    in_.erase(0, taken);
    size_bytes_ += taken;
    if (body_->failure()) status_ = body_->failure()->status;
    if (!body_->is_whole()) return false;
    requests_.push_back({std::move(head_), body_->take_content(), size_bytes_});
    body_.reset();
    return true;
  }

  const Limits limits_;
  HeadParser parser_;
  std::string in_;
  RequestHead head_;
  std::optional<BodyReader> body_;
  size_t size_bytes_ = 0;
  std::vector<Read> requests_;
  int status_ = 0;
};

bool are_equal(const Headers& a, const Headers& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Header& x, const Header& y) {
    return x.name == y.name && x.value == y.value;
  });
}

// Beast keeps those of one name together.
Headers by_name(const Headers& headers) {
  std::vector<Header> sorted(headers.begin(), headers.end());
  const auto lower = [](std::string text) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Header& a, const Header& b) { return lower(a.name) < lower(b.name); });
  Headers result;
  for (Header& header : sorted) result.add(std::move(header.name), std::move(header.value));
  return result;
}

void check_split(std::string_view bytes, const Reader& whole, uint8_t seed) {
  std::minstd_rand random(seed);
  Reader parts(small_limits());
  while (!bytes.empty()) {
    const size_t size = std::min<size_t>(bytes.size(), 1 + random() % (seed % 32 + 1));
    parts.feed(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  require(parts.status() == whole.status(), "the split changes the status");
  require(parts.requests().size() == whole.requests().size(), "the split changes the requests");
  for (size_t i = 0; i < parts.requests().size(); ++i) {
    const Read& a = parts.requests()[i];
    const Read& b = whole.requests()[i];
    require(a.head.method == b.head.method && a.head.target == b.head.target &&
                are_equal(a.head.headers, b.head.headers) && a.body == b.body &&
                a.size_bytes == b.size_bytes,
            "the split changes a request");
  }
}

// Beast is stricter about the grammar of chunk extensions and of some values.
bool is_known_difference(const boost::system::error_code& error) {
  return error == beast::error::bad_chunk_extension || error == beast::error::bad_value;
}

void check_against_beast(std::string_view bytes, const Read& read) {
  beast::request_parser<beast::string_body> parser;
  parser.eager(true);
  parser.body_limit(kMaxBodyBytes);
  boost::system::error_code error;
  size_t used = 0;
  while (!parser.is_done() && used < bytes.size()) {
    const size_t count =
        parser.put(boost::asio::buffer(bytes.data() + used, bytes.size() - used), error);
    used += count;
    if (error || count == 0) break;
  }
  if (is_known_difference(error)) return;
  require(!error && parser.is_done(), "Beast refuses what is taken here");
  require(used == bytes.size(), "Beast sees another end of the request");
  const auto& message = parser.get();
  require(message.method_string() == read.head.method, "Beast reads another method");
  require(message.target() == read.head.target, "Beast reads another target");
  Headers headers;
  for (const auto& field : message) {
    headers.add(std::string(field.name_string()), std::string(field.value()));
  }
  require(are_equal(by_name(headers), by_name(read.head.headers)), "Beast reads other headers");
  if (!read.head.headers.has("content-encoding")) {
    require(message.body() == read.body, "Beast reads another body");
  }
}

void check_admission(RequestHead head) {
  static const auto router = [] {
    std::vector<Route> routes;
    for (const char* pattern : {"/", "/v1/models", "/v1/models/{model}", "/api/{name...}"}) {
      routes.push_back({"GET", pattern, [](const auto&) {}});
    }
    return std::make_shared<const Router>(std::move(routes));
  }();
  static AccessControl access{AccessOptions{}};
  const Admission admission =
      admit(head, {"127.0.0.1", "127.0.0.1:1", true, false}, router, access);
  require(admission.route != nullptr, "an admission has no row");
  for (const auto& [name, value] : admission.request.path_parameters) {
    require(!value.empty() && value.find('\0') == std::string::npos, "a path parameter is no name");
    require(("/" + value + "/").find("/../") == std::string::npos, "a path parameter climbs");
  }
}

void check(std::string_view bytes, uint8_t seed) {
  Reader whole(small_limits());
  whole.feed(bytes);
  check_split(bytes, whole, seed);
  size_t at = 0;
  for (const Read& read : whole.requests()) {
    std::string_view text = bytes.substr(at, read.size_bytes);
    at += read.size_bytes;
    if (text.starts_with("\r\n")) text.remove_prefix(2);  // Beast has no such kindness
    check_against_beast(text, read);
    check_admission(read.head);
  }
}

}  // namespace
}  // namespace sparrow::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  sparrow::http::check({reinterpret_cast<const char*>(data) + 1, size - 1}, data[0]);
  return 0;
}
