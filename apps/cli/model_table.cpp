#include "apps/cli/model_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "apps/cli/relative_time.h"
#include "store/disk.h"
#include "store/model_name.h"

namespace sparrow::cli {

std::string model_table(const Store& store, std::string_view prefix) {
  std::vector<StoredModel> models = store.list();
  std::erase_if(models, [&](const StoredModel& model) {
    return !to_lower_ascii(model.name.short_text()).starts_with(to_lower_ascii(prefix));
  });
  size_t name_columns = 4;
  for (const StoredModel& model : models) {
    name_columns = std::max(name_columns, model.name.short_text().size());
  }
  std::string table;
  const auto line = [&](std::string_view name, std::string_view id, std::string_view size,
                        std::string_view modified) {
    table +=
        fmt::format("{:<{}}    {:<12}    {:<7}    {}\n", name, name_columns, id, size, modified);
  };
  line("NAME", "ID", "SIZE", "MODIFIED");
  const int64_t now = std::time(nullptr);
  for (const StoredModel& model : models) {
    line(model.name.short_text(), model.digest.substr(0, 12), human_bytes(model.size_bytes),
         relative_time(model.modified_unix_s, now));
  }
  return table;
}

}  // namespace sparrow::cli
