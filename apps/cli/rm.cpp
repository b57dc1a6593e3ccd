// sparrow rm NAME…: takes models out of the store.
#include <cstdio>
#include <memory>

#include "apps/cli/command.h"
#include "base/error.h"
#include "store/catalog.h"
#include "store/partial_file.h"
#include "store/store.h"

namespace sparrow::cli {
namespace {

// By its own name first, then by an alias, then what a broken pull of it has left.
void remove_model(Store& store, const std::string& text) {
  const ModelName name = parse_model_name(text);
  const CatalogEntry* entry = find_in_catalog(text);
  try {
    store.remove(name);
    std::printf("deleted '%s'\n", name.short_text().c_str());
    return;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found || entry == nullptr) throw;
  }
  const ModelName known = parse_model_name(entry->name);
  try {
    store.remove(known);
    std::printf("deleted '%s'\n", known.short_text().c_str());
    return;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
  }
  if (entry->sha256.empty() || !delete_partial_file(store.blob_path(entry->sha256))) {
    fail(ErrorCode::not_found, "there is no model '{}' here; `sparrow list` shows what there is",
         text);
  }
  std::printf("deleted the unfinished download of '%s'\n", entry->name.c_str());
}

}  // namespace

void set_up_rm(CLI::App& app) {
  const auto names = std::make_shared<std::vector<std::string>>();
  app.add_option("name", *names, "Models, as `sparrow list` names them")->required();
  app.callback([names] {
    Store store(Store::default_root());
    for (const std::string& name : *names) remove_model(store, name);
  });
}

}  // namespace sparrow::cli
