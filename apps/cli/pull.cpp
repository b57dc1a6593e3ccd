// sparrow pull NAME: gets a model of the catalog into the store.
#include "apps/cli/pull.h"

#include <signal.h>

#include <atomic>
#include <cstdio>
#include <memory>

#include "apps/cli/command.h"
#include "apps/cli/progress_bar.h"
#include "base/error.h"
#include "store/disk.h"

namespace sparrow::cli {
namespace {

// A signal handler can reach nothing else.
std::atomic<bool> is_interrupted = false;

void interrupt(int) { is_interrupted = true; }

// Ctrl-C ends the pull in order, so that what is there is kept. A second one ends the program. A
// file that would grow past its limit is an error like a full disk, and not the end of the program.
class CatchInterrupt {
 public:
  CatchInterrupt() {
    is_interrupted = false;  // an earlier pull of this program may have been stopped
    struct sigaction action {};
    action.sa_handler = interrupt;
    action.sa_flags = SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    ::sigaction(SIGINT, &action, &former_int_);
    ::sigaction(SIGTERM, &action, &former_term_);
    action.sa_handler = SIG_IGN;
    action.sa_flags = 0;
    ::sigaction(SIGXFSZ, &action, &former_size_);
  }
  ~CatchInterrupt() {
    ::sigaction(SIGINT, &former_int_, nullptr);
    ::sigaction(SIGTERM, &former_term_, nullptr);
    ::sigaction(SIGXFSZ, &former_size_, nullptr);
  }
  CatchInterrupt(const CatchInterrupt&) = delete;
  CatchInterrupt& operator=(const CatchInterrupt&) = delete;

 private:
  struct sigaction former_int_ {};
  struct sigaction former_term_ {};
  struct sigaction former_size_ {};
};

struct PullFlags {
  std::string name;
  bool probe = false;
  bool accept_new_digest = false;
};

const CatalogEntry& required_entry(const std::string& name) {
  const CatalogEntry* entry = find_in_catalog(name);
  if (entry == nullptr) fail(ErrorCode::not_found, "the catalog has no model '{}'", name);
  return *entry;
}

void probe(const std::string& name) {
  const CatalogEntry& entry = required_entry(name);
  if (any_source_answers(entry)) {
    std::printf("%s can be pulled\n", entry.name.c_str());
    return;
  }
  fail(ErrorCode::network, "no source of '{}' answers within 5 s", entry.name);
}

StoredModel pull_with_progress(Store& store, const std::string& name, bool accept_new_digest) {
  const CatchInterrupt guard;
  ProgressBar bar;
  PullOptions options;
  options.cancel = &is_interrupted;
  options.accept_new_digest = accept_new_digest;
  options.on_progress = [&](const PullProgress& progress) {
    bar.update(progress.status, progress.completed_bytes, progress.total_bytes);
  };
  try {
    return pull(store, name, options);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::cancelled) throw;
    bar.clear();
    fail(ErrorCode::cancelled,
         "stopped; what has come is kept, `sparrow pull {}` goes on from there", name);
  }
}

}  // namespace

StoredModel pull_with_progress(Store& store, const std::string& name) {
  return pull_with_progress(store, name, false);
}

StoredModel pull_new_digest_with_progress(Store& store, const std::string& name) {
  return pull_with_progress(store, name, true);
}

void set_up_pull(CLI::App& app) {
  const auto flags = std::make_shared<PullFlags>();
  app.add_option("name", flags->name, "A name of the catalog, such as qwen2.5-coder:1.5b")
      ->required();
  app.add_flag("--probe", flags->probe, "Only ask whether a source has it");
  app.add_flag("--accept-new-digest", flags->accept_new_digest,
               "Take a file that is another than the one first pulled under this name");
  app.callback([flags] {
    if (flags->probe) return probe(flags->name);
    Store store(Store::default_root());
    const StoredModel model = flags->accept_new_digest
                                  ? pull_new_digest_with_progress(store, flags->name)
                                  : pull_with_progress(store, flags->name);
    std::printf("%s: %s\n", model.name.short_text().c_str(), human_bytes(model.size_bytes).c_str());
  });
}

}  // namespace sparrow::cli
