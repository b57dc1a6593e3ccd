#include "apps/cli/model_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "apps/cli/relative_time.h"
#include "store/disk.h"
#include "store/model_name.h"

namespace sparrow::cli {

std::vector<ListedModel> models_of(const Store& store) {
  std::vector<ListedModel> models;
  for (const StoredModel& model : store.list()) {
    models.push_back(
        {model.name.short_text(), model.digest, model.size_bytes, model.modified_unix_s});
  }
  return models;
}

std::string model_table(std::vector<ListedModel> models, std::string_view prefix) {
  std::erase_if(models, [&](const ListedModel& model) {
    return !to_lower_ascii(model.name).starts_with(to_lower_ascii(prefix));
  });
  size_t name_columns = 4;
  for (const ListedModel& model : models) name_columns = std::max(name_columns, model.name.size());
  std::string table;
  const auto line = [&](std::string_view name, std::string_view id, std::string_view size,
                        std::string_view modified) {
    table +=
        fmt::format("{:<{}}    {:<12}    {:<7}    {}\n", name, name_columns, id, size, modified);
  };
  line("NAME", "ID", "SIZE", "MODIFIED");
  const int64_t now = std::time(nullptr);
  for (const ListedModel& model : models) {
    line(model.name, model.digest.substr(0, 12), human_bytes(model.size_bytes),
         relative_time(model.modified_unix_s, now));
  }
  return table;
}

}  // namespace sparrow::cli
