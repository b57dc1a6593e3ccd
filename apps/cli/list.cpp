// sparrow list: the models of the store, as `ollama list` shows them.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <memory>

#include "apps/cli/command.h"
#include "apps/cli/relative_time.h"
#include "store/disk.h"
#include "store/model_name.h"
#include "store/store.h"

namespace sparrow::cli {
namespace {

void print_table(const std::vector<StoredModel>& models) {
  size_t name_columns = 4;
  for (const StoredModel& model : models) {
    name_columns = std::max(name_columns, model.name.short_text().size());
  }
  const auto line = [&](std::string_view name, std::string_view id, std::string_view size,
                        std::string_view modified) {
    const std::string text =
        fmt::format("{:<{}}    {:<12}    {:<7}    {}", name, name_columns, id, size, modified);
    std::printf("%s\n", text.c_str());
  };
  line("NAME", "ID", "SIZE", "MODIFIED");
  const int64_t now = std::time(nullptr);
  for (const StoredModel& model : models) {
    line(model.name.short_text(), model.digest.substr(0, 12), human_bytes(model.size_bytes),
         relative_time(model.modified_unix_s, now));
  }
}

}  // namespace

void set_up_list(CLI::App& app) {
  const auto prefix = std::make_shared<std::string>();
  app.add_option("prefix", *prefix, "Only names that start so");
  app.callback([prefix] {
    std::vector<StoredModel> models = Store(Store::default_root()).list();
    std::erase_if(models, [&](const StoredModel& model) {
      return !to_lower_ascii(model.name.short_text()).starts_with(to_lower_ascii(*prefix));
    });
    print_table(models);
  });
}

}  // namespace sparrow::cli
