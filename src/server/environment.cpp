#include "server/environment.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "server/ollama/dialect.h"

namespace sparrow {
namespace {

int64_t parse_count(std::string_view text, int64_t least, int64_t most) {
  int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < least || count > most) {
    fail(ErrorCode::invalid_argument, "must be a number in [{}, {}], got '{}'", least, most, text);
  }
  return count;
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view kEdges = " \t\r\n\"'";
  const size_t first = text.find_first_not_of(kEdges);
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(kEdges) - first + 1));
}

void add_origins(http::AccessOptions& access, std::string_view list) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    const std::string origin = trimmed(list.substr(0, comma));
    if (!origin.empty()) access.origins.push_back(origin);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

struct Variable {
  std::string_view name;  // behind OLLAMA_ or SPARROW_
  void (*apply)(ServiceOptions& options, const std::string& value);
};

constexpr int64_t kMany = 1 << 24;

constexpr Variable kVariables[] = {
    {"HOST",
     [](auto& options, const auto& value) { options.http.addresses = {listen_address(value)}; }},
    {"KEEP_ALIVE",
     [](auto& options, const auto& value) {
       options.models.keep_alive = ollama::parse_duration(value);
     }},
    {"MAX_LOADED_MODELS",
     [](auto& options, const auto& value) {
       options.models.max_loaded = parse_count(value, 0, kMany);
     }},
    {"MAX_QUEUE",
     [](auto& options, const auto& value) { options.max_requests = parse_count(value, 1, kMany); }},
    {"CONTEXT_LENGTH",
     [](auto& options, const auto& value) {
       options.models.engine.context_length = parse_count(value, 0, kMany);
     }},
    {"KV_CACHE_TYPE",
     [](auto& options, const auto& value) { options.models.engine.kv_cache_type = value; }},
    {"NUM_PARALLEL",
     [](auto& options, const auto& value) {
       const int64_t count = parse_count(value, 0, 1024);
       if (count > 0) options.models.engine.max_sequences = count;
     }},
    {"ORIGINS", [](auto& options, const auto& value) { add_origins(options.http.access, value); }},
};

}  // namespace

std::string listen_address(std::string_view host) {
  std::string text = trimmed(host);
  std::string port = "11434";
  if (const size_t scheme = text.find("://"); scheme != std::string::npos) {
    if (text.starts_with("http:")) port = "80";
    if (text.starts_with("https:")) port = "443";
    text.erase(0, scheme + 3);
  }
  text = text.substr(0, text.find('/'));
  const bool is_bare_ipv6 = !text.starts_with('[') && std::count(text.begin(), text.end(), ':') > 1;
  const size_t colon = text.rfind(':');
  const bool has_port =
      !is_bare_ipv6 && colon != std::string::npos && text.find(']', colon) == std::string::npos;
  if (has_port) {
    const std::string_view given = std::string_view(text).substr(colon + 1);
    int64_t number = -1;
    const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), number);
    const bool is_port = error == std::errc() && end == given.data() + given.size() &&
                         number >= 0 && number <= 65535;
    if (is_port) port = std::string(given);
    text.resize(colon);
  }
  if (is_bare_ipv6) text = "[" + text + "]";
  if (text.empty()) text = "127.0.0.1";
  return text + ":" + port;
}

void apply_environment(ServiceOptions& options, const ReadVariable& read) {
  for (const Variable& variable : kVariables) {
    for (const char* prefix : {"SPARROW_", "OLLAMA_"}) {
      const std::string name = fmt::format("{}{}", prefix, variable.name);
      const std::optional<std::string> value = read(name.c_str());
      if (!value) continue;
      try {
        variable.apply(options, *value);
      } catch (const Error& error) {
        fail(error.code(), "{}: {}", name, error.what());
      }
      break;
    }
  }
}

}  // namespace sparrow
