// sparrow ps and sparrow stop: the models that a running server has loaded.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

#include "apps/cli/command.h"
#include "apps/cli/numbers.h"
#include "apps/cli/server_client.h"
#include "base/memory_info.h"

namespace sparrow::cli {
namespace {

// As `ollama ps` has it.
void print_loaded(const Json& models) {
  std::printf("%-32s %-14s %-10s %-10s %-10s %s\n", "NAME", "ID", "SIZE", "PROCESSOR", "CONTEXT",
              "UNTIL");
  for (const Json& model : models) {
    const std::string digest = model.value("digest", "");
    std::printf("%-32s %-14s %-10s %-10s %-10s %s\n", model.value("name", "").c_str(),
                digest.substr(0, 12).c_str(), format_bytes(model.value("size", int64_t{0})).c_str(),
                "100% CPU", grouped(model.value("context_length", int64_t{0})).c_str(),
                model.value("expires_at", "").c_str());
  }
}

}  // namespace

void set_up_ps(CLI::App& app) {
  app.callback([] { print_loaded(ask_server("GET", "/api/ps").at("models")); });
}

void set_up_stop(CLI::App& app) {
  const auto model = std::make_shared<std::string>();
  app.add_option("model", *model, "The model to be unloaded once its requests have ended")
      ->required();
  app.callback([model] {
    ask_server("POST", "/api/generate",
               Json{{"model", *model}, {"prompt", ""}, {"keep_alive", 0}, {"stream", false}});
  });
}

}  // namespace sparrow::cli
