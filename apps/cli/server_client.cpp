#include "apps/cli/server_client.h"

#include <algorithm>

#include "base/config_env.h"
#include "base/error.h"
#include "store/http.h"

namespace sparrow::cli {
namespace {

std::string either(const char* ours, const char* ollamas) {
  if (const std::optional<std::string> value = config_env(ours)) return *value;
  return config_env(ollamas).value_or("");
}

ErrorCode code_of(int status) {
  if (status == 404) return ErrorCode::not_found;
  return status < 500 ? ErrorCode::invalid_argument : ErrorCode::network;
}

}  // namespace

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

Json ask_server(const std::string& method, const std::string& path, const Json& body) {
  HttpRequest request;
  request.url = server_url() + path;
  request.method = method;
  if (!body.is_null()) {
    request.body = body.dump();
    request.headers.push_back("Content-Type: application/json");
  }
  request.bearer_token = either("SPARROW_API_KEY", "OLLAMA_API_KEY");
  std::string text;
  HttpSink sink;
  sink.on_bytes = [&](std::span<const std::byte> bytes) {
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return true;
  };
  const HttpResult result = http_request(request, sink, nullptr);
  if (!result.problem.empty() && result.head.status == 0) {
    fail(ErrorCode::network, "no server answers at {} ({}); `sparrow serve` starts one",
         server_url(), result.problem);
  }
  if (result.head.status >= 300) {
    std::string message = text;
    try {
      const Json answer = parse_json(text, "the server's answer");
      const Json& error = answer.at("error");
      message =
          error.is_string() ? error.get<std::string>() : error.at("message").get<std::string>();
    } catch (const std::exception&) {
      // Some other program's words are shown as they are.
    }
    fail(code_of(result.head.status), "{}", message);
  }
  return text.empty() ? Json::object() : parse_json(text, "the server's answer");
}

}  // namespace sparrow::cli
