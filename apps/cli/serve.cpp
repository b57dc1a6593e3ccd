// sparrow serve: answers Ollama's, OpenAI's and other APIs over HTTP.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>

#include <cstdio>
#include <memory>

#include "apps/cli/command.h"
#include "apps/cli/serve_flags.h"
#include "server/exposure.h"

namespace sparrow::cli {
namespace {

void say(const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }

// SIGINT and SIGTERM, which no thread that begins after this receives.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }
  void wait() const {
    int signal = 0;
    sigwait(&signals_, &signal);
  }
  // The next one ends the process.
  void give_back() const { pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr); }

 private:
  sigset_t signals_;
};

void serve(const ServeFlags& flags) {
  constexpr std::chrono::seconds kDrain{30};
  const StopSignals signals;
  const ServiceOptions options = service_options(flags);
  if (check_exposure(options.http, flags.allow_anonymous))
    say("Warning: everybody who reaches this server may use it: it asks for no key.");
  Service service(options);
  service.start();
  say(fmt::format("listening on {}", fmt::join(service.addresses(), ", ")));
  signals.wait();
  signals.give_back();
  say("finishing what runs, 30 s at most; once more ends at once");
  if (!service.drain(kDrain)) say("what still ran was cut off");
  service.stop();
}

}  // namespace

void set_up_serve(CLI::App& app) {
  const auto flags = std::make_shared<ServeFlags>();
  add_serve_flags(app, *flags);
  app.callback([flags] { serve(*flags); });
}

}  // namespace sparrow::cli
