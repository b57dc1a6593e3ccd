// What `sparrow serve` takes from the environment: Ollama's variables, each also with SPARROW_ in
// place of OLLAMA_, which wins.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/config_env.h"
#include "server/service.h"

namespace sparrow {

// Nothing when it is unset or empty.
using ReadVariable = std::function<std::optional<std::string>(const char* name)>;

// Sets the options that variables are there for. Throws Error{invalid_argument} naming the variable
// whose value is wrong.
//   HOST               where to listen: host, host:port, scheme://host:port/path
//   KEEP_ALIVE         5m, 300, -1 for good, 0
//   MAX_LOADED_MODELS  at once; 0: as many as memory holds
//   MAX_QUEUE          requests being answered; more are refused with 503
//   CONTEXT_LENGTH     of one request, in tokens; 0: the model's
//   KV_CACHE_TYPE      f32, f16, bf16, q8_0, q4_0
//   NUM_PARALLEL       requests of a model that run at once; others wait
//   ORIGINS            of web pages that may ask, beside the usual ones, with commas between
// OLLAMA_LOAD_TIMEOUT and those of GPUs have nothing to do here. OLLAMA_MODELS is not read: that
// store's templates are Go's, which are not understood; SPARROW_HOME names the store.
void apply_environment(ServiceOptions& options, const ReadVariable& read = config_env);

// "127.0.0.1:11434" of what OLLAMA_HOST may be. A port that is none is the default one.
std::string listen_address(std::string_view host);

}  // namespace sparrow
