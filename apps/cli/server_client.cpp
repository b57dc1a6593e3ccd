#include "apps/cli/server_client.h"

#include <algorithm>
#include <exception>

#include "apps/cli/display_text.h"
#include "base/config_env.h"
#include "base/error.h"
#include "store/http.h"

namespace sparrow::cli {
namespace {

constexpr int64_t kPatience_ms = int64_t{24} * 3600 * 1000;  // a long prompt takes its time
constexpr int64_t kProbe_ms = 2000;
constexpr size_t kMostBytes = size_t{64} << 20;  // of a line, or of a whole response

std::string either(const char* ours, const char* ollamas) {
  if (const std::optional<std::string> value = config_env(ours)) return *value;
  return config_env(ollamas).value_or("");
}

// The server's machine word, else what its status says.
ErrorCode code_of(int status, const Json& answer) {
  if (answer.is_object() && answer.value("code", Json()) == "context_full")
    return ErrorCode::context_full;
  if (status == 404) return ErrorCode::not_found;
  return status < 500 ? ErrorCode::invalid_argument : ErrorCode::network;
}

[[noreturn]] void fail_as_server(int status, const std::string& text) {
  Json answer;
  std::string message;
  try {
    answer = parse_json(text, "the server's answer");
    const Json& error = answer.at("error");
    message = error.is_string() ? error.get<std::string>() : error.at("message").get<std::string>();
  } catch (const std::exception&) {
    // Some other program's words, as far as they are few.
    constexpr size_t kFew = 300;
    message = fmt::format("the server at {} answers {}{}{}", server_url(), status,
                          text.empty() ? "" : ": ", as_one_line(text.substr(0, kFew)));
  }
  fail(code_of(status, answer), "{}", message);
}

HttpRequest request_to(const std::string& method, const std::string& path, const Json& body) {
  HttpRequest request;
  request.url = server_url() + path;
  request.method = method;
  if (!body.is_null()) {
    request.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
    request.headers = {"Content-Type: application/json", "Expect:"};
  }
  request.bearer_token = either("SPARROW_API_KEY", "OLLAMA_API_KEY");
  request.answer_timeout_ms = kPatience_ms;
  request.stall_timeout_ms = kPatience_ms;
  return request;
}

struct Response {
  HttpResult result;
  std::string text;
};

Response send(const HttpRequest& request) {
  Response response;
  HttpSink sink;
  sink.on_bytes = [&](std::span<const std::byte> bytes) {
    response.text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return response.text.size() <= kMostBytes;
  };
  response.result = http_request(request, sink, nullptr);
  if (response.result.was_stopped)
    response.result.problem = fmt::format("its answer has more than {} bytes", kMostBytes);
  return response;
}

[[noreturn]] void fail_unreached(const std::string& problem) {
  fail(ErrorCode::network, "no server answers at {} ({}); `sparrow serve` starts one", server_url(),
       problem);
}

Json parse_answer(const std::string& text) {
  try {
    return parse_json(text, "the answer");
  } catch (const Error& error) {
    fail(ErrorCode::network, "the server at {} does not speak sparrow's language: {}", server_url(),
         error.what());
  }
}

}  // namespace

bool is_server_named() { return !either("SPARROW_HOST", "OLLAMA_HOST").empty(); }

std::string server_url() {
  std::string host = either("SPARROW_HOST", "OLLAMA_HOST");
  if (host.empty()) host = "127.0.0.1";
  const bool has_scheme = host.find("://") != std::string::npos;
  std::string url = has_scheme ? host : "http://" + host;
  while (url.ends_with('/')) url.pop_back();
  const std::string rest = url.substr(url.find("://") + 3);
  const std::string authority = rest.substr(0, rest.find('/'));
  const bool has_port = authority.find(':', authority.rfind(']') + 1) != std::string::npos;
  if (!has_port && !has_scheme) url.insert(url.find("://") + 3 + authority.size(), ":11434");
  // "All addresses" is where a server listens, not where it is reached.
  const size_t any = url.find("://0.0.0.0");
  if (any != std::string::npos) url.replace(any + 3, 7, "127.0.0.1");
  return url;
}

ServerProbe probe_server() {
  using Kind = ServerProbe::Kind;
  HttpRequest request = request_to("GET", "/api/version", Json());
  request.answer_timeout_ms = kProbe_ms;
  request.stall_timeout_ms = kProbe_ms;
  const Response response = send(request);
  const int status = response.result.head.status;
  if (status == 0) return {Kind::none, response.result.problem};
  if (status == 401 || status == 403)
    return {Kind::refused, "refuses this program's key (SPARROW_API_KEY)"};
  // Only sparrow has its own version beside Ollama's.
  const Json answer = Json::parse(response.text, nullptr, false);
  const bool has_version = answer.is_object() && answer.contains("version");
  if (status == 200 && has_version && answer.value("sparrow", Json()).is_string())
    return {Kind::sparrow, ""};
  return {Kind::other, has_version ? "is Ollama, not sparrow" : "is not sparrow"};
}

Json ask_server(const std::string& method, const std::string& path, const Json& body) {
  const Response response = send(request_to(method, path, body));
  const int status = response.result.head.status;
  if (status == 0) fail_unreached(response.result.problem);
  if (!response.result.problem.empty())
    fail(ErrorCode::network, "the server at {}: {}", server_url(), response.result.problem);
  if (status >= 300) fail_as_server(status, response.text);
  return response.text.empty() ? Json::object() : parse_answer(response.text);
}

std::string stream_from_server(const std::string& path, const Json& body,
                               const std::function<bool(const Json&)>& on_line,
                               const std::atomic<bool>* cancel) {
  std::string text;  // not yet a whole line; of a refusal all of it
  bool is_refusal = false;
  std::exception_ptr thrown;  // must not cross libcurl
  HttpSink sink;
  sink.on_head = [&](const HttpHead& head) {
    is_refusal = head.status >= 300;
    return true;
  };
  sink.on_bytes = [&](std::span<const std::byte> bytes) {
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.size() > kMostBytes) return false;
    if (is_refusal) return true;
    try {
      for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
        const Json line = parse_answer(text.substr(0, end));
        text.erase(0, end + 1);
        if (!on_line(line)) return false;
      }
    } catch (...) {
      thrown = std::current_exception();
      return false;
    }
    return true;
  };
  const HttpResult result = http_request(request_to("POST", path, body), sink, cancel);
  if (thrown) std::rethrow_exception(thrown);
  if (result.head.status == 0) fail_unreached(result.problem);
  if (is_refusal) fail_as_server(result.head.status, text);
  if (text.size() > kMostBytes) return fmt::format("a line has more than {} bytes", kMostBytes);
  return result.problem;
}

}  // namespace sparrow::cli
