// Who answers for a model: the server that is running, or an engine of this program's own.
#pragma once

#include <memory>
#include <string>

#include "apps/cli/answerer.h"
#include "sparrow/model_pool.h"

namespace sparrow::cli {

enum class ServerUse {
  if_there,
  always,  // else it is an error
  never,
};

struct AnswererOptions {
  ServerUse server = ServerUse::if_there;
  EngineOptions engine;    // of an own one
  std::string own_flag;    // one that was given and that only an own engine heeds: "--threads"
  std::string keep_alive;  // for a server; empty: it decides
};

// Opens `model`. A server is used where one answers, is a sparrow, takes this program's key and has
// the model; a file is never a server's. Where somebody may have expected it to be used, one line
// on stderr says why it is not. What is nowhere is pulled into `store`; an own engine is of `pool`;
// both outlive the result. Throws what find_model() and open_model() throw, and with
// ServerUse::always Error{network|not_found|invalid_argument} for what stands against it.
std::unique_ptr<Answerer> open_answerer(Store& store, ModelPool& pool, const std::string& model,
                                        const AnswererOptions& options);

}  // namespace sparrow::cli
