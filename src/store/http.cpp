#include "store/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>

#include "base/error.h"
#include "sparrow/version.h"
#include "store/model_name.h"

namespace sparrow {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMaxRedirects = 5;
constexpr size_t kMaxHeaderCount = 200;
constexpr size_t kMaxHeaderBytes = size_t{64} << 10;
constexpr int64_t kMinBytesPerSecond = 1024;

// A peer that is gone must not end this process: writing to it raises SIGPIPE, which curl leaves to
// its caller. The signal is held back on this thread, and one that came meanwhile is dropped.
class HoldSigpipe {
 public:
  HoldSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &former_);
  }
  ~HoldSigpipe() {
    const timespec now{0, 0};
    if (!was_pending_) {
      while (sigtimedwait(&pipe_, nullptr, &now) == -1 && errno == EINTR) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &former_, nullptr);
  }
  HoldSigpipe(const HoldSigpipe&) = delete;
  HoldSigpipe& operator=(const HoldSigpipe&) = delete;

 private:
  sigset_t pipe_;
  sigset_t former_;
  bool was_pending_ = false;
};

struct CloseEasy {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct CloseMulti {
  void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct CloseUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Easy = std::unique_ptr<CURL, CloseEasy>;
using Multi = std::unique_ptr<CURLM, CloseMulti>;
using HeaderList = std::unique_ptr<curl_slist, FreeList>;
using Url = std::unique_ptr<CURLU, CloseUrl>;

std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string result = text;
  curl_free(text);
  return result;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r' ||
                           text.back() == '\n')) {
    text.remove_suffix(1);
  }
  return text;
}

// What the callbacks of one transfer share.
struct Transfer {
  const HttpRequest* request = nullptr;
  const HttpSink* sink = nullptr;
  CURL* handle = nullptr;
  HttpHead head;
  size_t header_count = 0;
  size_t header_bytes = 0;
  bool head_is_whole = false;
  bool was_stopped = false;
  bool has_seen_enough = false;  // the body of a redirect is not read
  bool head_is_too_long = false;
  int64_t body_bytes = 0;

  bool is_redirect() const {
    return head.status >= 300 && head.status < 400 && !head.header("location").empty() &&
           (request->final_header.empty() || head.header(request->final_header).empty());
  }
};

size_t take_header(char* data, size_t, size_t size_bytes, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size_bytes);
  if (line.starts_with("HTTP/")) {  // also after 100 Continue
    transfer.head = HttpHead();
    return size_bytes;
  }
  transfer.header_bytes += size_bytes;
  if (++transfer.header_count > kMaxHeaderCount || transfer.header_bytes > kMaxHeaderBytes) {
    transfer.head_is_too_long = true;
    return 0;
  }
  if (trim(line).empty()) {
    long status = 0;
    curl_easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &status);
    transfer.head.status = static_cast<int>(status);
    if (status < 200) return size_bytes;
    transfer.head_is_whole = true;
    if (!transfer.is_redirect() && transfer.sink->on_head &&
        !transfer.sink->on_head(transfer.head)) {
      transfer.was_stopped = true;
      return 0;
    }
    return size_bytes;
  }
  const size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    transfer.head.headers[to_lower_ascii(trim(line.substr(0, colon)))] =
        std::string(trim(line.substr(colon + 1)));
  }
  return size_bytes;
}

size_t take_body(char* data, size_t, size_t size_bytes, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  transfer.body_bytes += static_cast<int64_t>(size_bytes);
  if (transfer.is_redirect()) {
    transfer.has_seen_enough = true;
    return 0;
  }
  if (!transfer.sink->on_bytes) return size_bytes;
  if (transfer.sink->on_bytes(std::as_bytes(std::span(data, size_bytes)))) return size_bytes;
  transfer.was_stopped = true;
  return 0;
}

// This machine itself, which no proxy reaches by that name.
bool is_loopback(const std::string& url) {
  std::string host = to_lower_ascii(url_host(url));
  host.resize(std::min(host.size(), host.find(':', host.rfind(']') + 1)));
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  return host == "localhost" || host.ends_with(".localhost") || host == "[::1]";
}

void set_up(CURL* handle, const HttpRequest& request, const std::string& url, bool sends_token,
            int64_t left_ms, Transfer& transfer, HeaderList& headers) {
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  if (is_loopback(url)) curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
  // A peer that has lost its network, or its power, says nothing at all.
  curl_easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(handle, CURLOPT_TCP_KEEPIDLE, 30L);
  curl_easy_setopt(handle, CURLOPT_TCP_KEEPINTVL, 10L);
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
#if LIBCURL_VERSION_NUM >= 0x075700
  // A name server that is silent must not hold up what comes after the time limit.
  curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);
#endif
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(std::max<int64_t>(left_ms, 1)));
  curl_easy_setopt(handle, CURLOPT_USERAGENT, (std::string("sparrow/") + kVersion).c_str());
  if (request.head_only) curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  if (!request.body.empty()) {
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.c_str());
  }
  if (!request.method.empty())
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  std::vector<std::string> lines = request.headers;
  // A compressed body could not be resumed in the middle.
  lines.push_back("Accept-Encoding: identity");
  if (request.range_start > 0) {
    curl_easy_setopt(handle, CURLOPT_RANGE, fmt::format("{}-", request.range_start).c_str());
    if (!request.if_range.empty()) lines.push_back("If-Range: " + request.if_range);
  }
  if (sends_token && !request.bearer_token.empty()) {
    lines.push_back("Authorization: Bearer " + request.bearer_token);
  }
  for (const std::string& line : lines) {
    headers.reset(curl_slist_append(headers.release(), line.c_str()));
  }
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  transfer.handle = handle;
}

std::string describe(CURLcode code, const std::string& url) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return "the host name cannot be resolved";
    case CURLE_COULDNT_RESOLVE_PROXY:
      return "the proxy's host name cannot be resolved";
    case CURLE_COULDNT_CONNECT:
      return "no connection";
    case CURLE_OPERATION_TIMEDOUT:
      return "no answer in time";
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
      return "the connection broke";
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return "its certificate cannot be trusted";
    case CURLE_UNSUPPORTED_PROTOCOL:
      // Also what curl says of an answer that does not begin as one.
      if (url.starts_with("http")) return "its answer is not HTTP";
      [[fallthrough]];
    case CURLE_URL_MALFORMAT:
      return fmt::format("'{}' is no http or https address", url);
    default:
      return curl_easy_strerror(code);
  }
}

bool may_pass(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SSL_CONNECT_ERROR:
      return true;
    default:
      return false;
  }
}

int64_t ms_since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
}

// Runs one transfer to its end, or to the first limit it breaks.
HttpResult run(CURL* handle, const HttpRequest& request, Transfer& transfer,
               Clock::time_point start, const std::string& url, const std::atomic<bool>* cancel) {
  const Multi multi(curl_multi_init());
  SPARROW_CHECK(multi != nullptr);
  curl_multi_add_handle(multi.get(), handle);
  HttpResult result;
  bool has_ended = false;
  Clock::time_point window_start = Clock::now();
  int64_t window_bytes = 0;
  while (!has_ended) {
    int running = 0;
    curl_multi_perform(multi.get(), &running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      has_ended = true;
      if (message->data.result != CURLE_OK && !transfer.was_stopped && !transfer.has_seen_enough) {
        result.problem = describe(message->data.result, url);
        result.may_retry = may_pass(message->data.result);
      }
    }
    if (has_ended) break;
    if (cancel != nullptr && cancel->load()) {
      curl_multi_remove_handle(multi.get(), handle);
      fail(ErrorCode::cancelled, "stopped");
    }
    if (!transfer.head_is_whole && ms_since(start) > request.answer_timeout_ms) {
      result.problem = fmt::format("no answer within {:g} s",
                                   static_cast<double>(request.answer_timeout_ms) / 1000);
      result.may_retry = true;
      break;
    }
    if (transfer.head_is_whole && ms_since(window_start) > request.stall_timeout_ms) {
      const int64_t wanted = kMinBytesPerSecond * request.stall_timeout_ms / 1000;
      if (transfer.body_bytes - window_bytes < wanted) {
        result.problem = fmt::format("less than 1 KiB/s for {:g} s",
                                     static_cast<double>(request.stall_timeout_ms) / 1000);
        result.may_retry = true;
        break;
      }
      window_start = Clock::now();
      window_bytes = transfer.body_bytes;
    }
    curl_multi_poll(multi.get(), nullptr, 0, 50, nullptr);
  }
  curl_multi_remove_handle(multi.get(), handle);
  if (transfer.head_is_too_long) {
    result.problem = "its answer has more headers than any honest one";
    result.may_retry = false;
  }
  result.head = transfer.head;
  result.was_stopped = transfer.was_stopped;
  return result;
}

bool is_local_host(std::string host) {
  host = to_lower_ascii(host);
  if (host == "localhost" || host.ends_with(".localhost") || host.ends_with(".local") ||
      host.ends_with(".internal")) {
    return true;
  }
  in_addr v4{};
  if (inet_aton(host.c_str(), &v4) != 0) {
    const uint32_t address = ntohl(v4.s_addr);
    const uint32_t first = address >> 24;
    const uint32_t second = (address >> 16) & 0xff;
    return first == 0 || first == 10 || first == 127 || (first == 169 && second == 254) ||
           (first == 172 && second >= 16 && second < 32) || (first == 192 && second == 168) ||
           (first == 100 && second >= 64 && second < 128);
  }
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) return false;
  if (IN6_IS_ADDR_LOOPBACK(&v6) || IN6_IS_ADDR_LINKLOCAL(&v6) || IN6_IS_ADDR_UNSPECIFIED(&v6)) {
    return true;
  }
  return (v6.s6_addr[0] & 0xfe) == 0xfc || IN6_IS_ADDR_V4MAPPED(&v6);
}

}  // namespace

std::string HttpHead::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::string join_url(const std::string& base_url, const std::string& location) {
  const Url url(curl_url());
  if (curl_url_set(url.get(), CURLUPART_URL, base_url.c_str(), 0) != CURLUE_OK) return {};
  if (!location.empty() &&
      curl_url_set(url.get(), CURLUPART_URL, location.c_str(), 0) != CURLUE_OK) {
    return {};
  }
  return url_part(url.get(), CURLUPART_URL);
}

std::string url_host(const std::string& text) {
  const Url url(curl_url());
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return {};
  const std::string port = url_part(url.get(), CURLUPART_PORT);
  return url_part(url.get(), CURLUPART_HOST) + (port.empty() ? "" : ":" + port);
}

std::string url_encode_path(std::string_view path) {
  std::string encoded;
  for (const char c : path) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~' ||
                          c == '/';
    encoded += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

std::string redirect_problem(const std::string& from_url, const std::string& to_url) {
  const Url from(curl_url());
  const Url to(curl_url());
  if (curl_url_set(from.get(), CURLUPART_URL, from_url.c_str(), 0) != CURLUE_OK ||
      curl_url_set(to.get(), CURLUPART_URL, to_url.c_str(), 0) != CURLUE_OK) {
    return "it redirects to what is no address";
  }
  const std::string from_scheme = url_part(from.get(), CURLUPART_SCHEME);
  const std::string to_scheme = url_part(to.get(), CURLUPART_SCHEME);
  if (to_scheme != "http" && to_scheme != "https") {
    return fmt::format("it redirects to {}, which is neither http nor https", to_scheme);
  }
  if (from_scheme == "https" && to_scheme == "http") {
    return "it redirects from https to plain http";
  }
  const std::string to_host = url_part(to.get(), CURLUPART_HOST);
  if (is_local_host(to_host) && !is_local_host(url_part(from.get(), CURLUPART_HOST))) {
    return fmt::format("it redirects into the local network, to {}", to_host);
  }
  return {};
}

HttpResult http_request(const HttpRequest& request, const HttpSink& sink,
                        const std::atomic<bool>* cancel) {
  static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
  SPARROW_CHECK(global == CURLE_OK);
  const HoldSigpipe hold_sigpipe;
  const Clock::time_point start = Clock::now();
  const std::string first_host = url_host(request.url);
  std::string url = request.url;
  for (int redirects = 0;; ++redirects) {
    const int64_t left_ms = request.answer_timeout_ms - ms_since(start);
    const Easy handle(curl_easy_init());
    SPARROW_CHECK(handle != nullptr);
    Transfer transfer;
    transfer.request = &request;
    transfer.sink = &sink;
    HeaderList headers;
    set_up(handle.get(), request, url, url_host(url) == first_host, left_ms, transfer, headers);
    HttpResult result = run(handle.get(), request, transfer, start, url, cancel);
    if (!result.problem.empty() || result.was_stopped || !transfer.is_redirect()) return result;
    const std::string next = join_url(url, transfer.head.header("location"));
    result.problem =
        next.empty() ? "it redirects to what is no address" : redirect_problem(url, next);
    if (result.problem.empty() && redirects == kMaxRedirects) {
      result.problem = fmt::format("it redirects more than {} times", kMaxRedirects);
    }
    if (!result.problem.empty()) return result;
    url = next;
  }
}

}  // namespace sparrow
