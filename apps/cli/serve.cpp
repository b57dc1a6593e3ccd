// sparrow serve: answers Ollama's and OpenAI's APIs over HTTP.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/command.h"
#include "base/error.h"
#include "server/service.h"

namespace sparrow::cli {
namespace {

struct ServeFlags {
  std::vector<std::string> hosts = {"127.0.0.1:11434"};
  std::vector<std::string> models;
  int threads = 0;
};

// Waits for SIGINT or SIGTERM, which no other thread receives.
void wait_for_signal(const sigset_t& signals) {
  int signal = 0;
  sigwait(&signals, &signal);
}

void serve(const ServeFlags& flags) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  ServiceOptions options;
  options.http.addresses = flags.hosts;
  options.models.models = flags.models;
  options.models.engine.thread_count = flags.threads;
  Service service(options);
  service.start();
  std::fprintf(stderr, "listening on %s\n",
               fmt::format("{}", fmt::join(service.addresses(), ", ")).c_str());
  wait_for_signal(signals);
  std::fprintf(stderr, "finishing what runs; once more to stop at once\n");
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  service.drain(std::chrono::seconds(30));
  service.stop();
}

}  // namespace

void set_up_serve(CLI::App& app) {
  const auto flags = std::make_shared<ServeFlags>();
  app.add_option("--host", flags->hosts, "Where to listen (127.0.0.1:11434)")
      ->type_name("HOST:PORT");
  app.add_option("--model", flags->models,
                 "A .gguf file or a model of the store to be served; the first is the default")
      ->type_name("MODEL");
  app.add_option("--threads", flags->threads, "Threads to compute with (one a core)")
      ->type_name("COUNT")
      ->check(CLI::Range(1, 1024));
  app.callback([flags] { serve(*flags); });
}

}  // namespace sparrow::cli
