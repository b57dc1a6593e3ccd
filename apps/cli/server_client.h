// Asks a running server, for the commands that need one.
#pragma once

#include <string>

#include "base/json.h"

namespace sparrow::cli {

// Where it listens: SPARROW_HOST, else OLLAMA_HOST ("host", "host:port",
// "scheme://host:port/path"), else 127.0.0.1:11434. With SPARROW_API_KEY or OLLAMA_API_KEY if there
// is one.
std::string server_url();

// The JSON of the response. Throws Error{network} where no server answers, and the server's own
// words for what it refuses.
Json ask_server(const std::string& method, const std::string& path, const Json& body = Json());

}  // namespace sparrow::cli
