// sparrow list: the models of the store, as `ollama list` shows them.
#include <cstdio>
#include <memory>
#include <string>

#include "apps/cli/command.h"
#include "apps/cli/model_table.h"
#include "store/store.h"

namespace sparrow::cli {

void set_up_list(CLI::App& app) {
  const auto prefix = std::make_shared<std::string>();
  app.add_option("prefix", *prefix, "Only names that start so");
  app.callback([prefix] {
    std::fputs(model_table(models_of(Store(Store::default_root())), *prefix).c_str(), stdout);
  });
}

}  // namespace sparrow::cli
