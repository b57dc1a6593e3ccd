// The chat in a terminal.
#pragma once

#include "apps/cli/chat_session.h"
#include "store/store.h"

namespace sparrow::cli {

// Loads the session's model, then reads and answers until /bye or Ctrl-D. What goes wrong in
// between is told and does not end it. Standard input and output are a terminal. Throws what
// loading throws.
void run_repl(Store& store, std::unique_ptr<ChatSession> session);

}  // namespace sparrow::cli
