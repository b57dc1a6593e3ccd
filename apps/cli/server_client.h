// Asks a running server, for the commands that need one or can use one.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "base/json.h"

namespace sparrow::cli {

// Where it listens: SPARROW_HOST, else OLLAMA_HOST ("host", "host:port",
// "scheme://host:port/path"), else 127.0.0.1:11434. It is sent SPARROW_API_KEY or OLLAMA_API_KEY,
// if there is one.
std::string server_url();
bool is_server_named();  // by one of the variables

// What answers there.
struct ServerProbe {
  enum class Kind {
    sparrow,
    other,    // another program, such as Ollama
    refused,  // something that wants another key, or none of this program
    none,
  };
  Kind kind = Kind::none;
  std::string problem;  // "is Ollama, not sparrow"; of none: "no connection"
};
// Within two seconds.
ServerProbe probe_server();

// The JSON of the response. Throws Error{network} where no server answers, and the server's own
// words for what it refuses.
Json ask_server(const std::string& method, const std::string& path, const Json& body = Json());

// Posts `body` and gives each line of the response, JSON all of them, to `on_line` as it comes;
// false stops. However long the server thinks. Empty: the response came whole, or was stopped; else
// why it broke off. Throws what ask_server throws, Error{cancelled} soon after `cancel`, if there
// is one, is true, and what `on_line` throws.
std::string stream_from_server(const std::string& path, const Json& body,
                               const std::function<bool(const Json&)>& on_line,
                               const std::atomic<bool>* cancel);

}  // namespace sparrow::cli
