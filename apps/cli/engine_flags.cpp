#include "apps/cli/engine_flags.h"

#include <fmt/format.h>

namespace sparrow::cli {

void add_threads_flag(CLI::App& app, std::optional<int>& threads) {
  app.add_option("-t,--threads", threads, "Threads to compute with (0: one a core)")
      ->type_name("COUNT")
      ->check(CLI::Range(0, 1024));
}

void add_engine_flags(CLI::App& app, EngineFlags& flags, const std::string& kv_type,
                      const std::string& activations) {
  add_threads_flag(app, flags.threads);
  app.add_option("--kv-type", flags.kv_type,
                 fmt::format("Numbers of the KV cache: f32, f16, bf16, q8_0 or q4_0 ({})", kv_type))
      ->type_name("TYPE");
  app.add_option(
         "--activations", flags.activations,
         fmt::format("Input of matrix products: auto, f32 (the reference) or quantized ({})",
                     activations))
      ->type_name("FORM");
}

}  // namespace sparrow::cli
