// In place of serve.cpp where the server is not built.
#include "apps/cli/command.h"
#include "base/error.h"

namespace sparrow::cli {

void set_up_serve(CLI::App& app) {
  app.callback([] { fail(ErrorCode::unsupported, "this sparrow was built without its server"); });
}

}  // namespace sparrow::cli
