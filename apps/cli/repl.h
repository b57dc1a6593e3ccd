// The chat in a terminal.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "apps/cli/chat_session.h"

namespace sparrow::cli {

// What answers with another model. Throws Error{not_found} and whatever opening it throws.
using OpenAnswerer = std::function<std::unique_ptr<Answerer>(const std::string& model)>;

// Loads the session's model, then reads and answers until /bye or Ctrl-D. What goes wrong in
// between is told and does not end it. `history` is the file of what was typed. Standard input and
// output are a terminal. Throws what loading throws.
void run_repl(const std::string& history, std::unique_ptr<ChatSession> session,
              const OpenAnswerer& open);

}  // namespace sparrow::cli
