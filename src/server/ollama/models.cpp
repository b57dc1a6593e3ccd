#include "server/ollama/models.h"

#include <algorithm>

#include "base/error.h"
#include "server/wire.h"
#include "sparrow/version.h"
#include "store/catalog.h"

namespace sparrow::ollama {
namespace {

// Clients expect a tag behind every name.
std::string tagged(const std::string& name) {
  const size_t slash = name.rfind('/');
  const size_t colon = name.find(':', slash == std::string::npos ? 0 : slash);
  return colon == std::string::npos ? name + ":latest" : name;
}

}  // namespace

void version(ServerState&, const std::shared_ptr<http::Exchange>& exchange) {
  exchange->reply_json(200, to_wire(Json{{"version", kOllamaVersion}, {"sparrow", kVersion}}));
}

// The newest first, as Ollama has them.
void tags(ServerState& state, ModelCards& cards, const std::shared_ptr<http::Exchange>& exchange) {
  std::vector<ServedModels::Listed> listed = state.models.list();
  std::ranges::stable_sort(listed, std::greater(), [](const ServedModels::Listed& model) {
    return model.stored.modified_unix_s;
  });
  Json models = Json::array();
  for (const ServedModels::Listed& model : listed) {
    const ModelCard card = cards.of(model.stored);
    const std::string name = tagged(model.name);
    models.push_back({{"name", name},
                      {"model", name},
                      {"modified_at", rfc3339(model.stored.modified_unix_s)},
                      {"size", model.stored.size_bytes},
                      {"digest", model.stored.digest},
                      {"details", card.details},
                      {"capabilities", card.capabilities}});
  }
  exchange->reply_json(200, to_wire(Json{{"models", models}}));
}

// Those that stay longest first.
void ps(ServerState& state, ModelCards& cards, const std::shared_ptr<http::Exchange>& exchange) {
  // "For good" is told as a time far away, as Ollama does.
  constexpr int64_t kForGood_s = int64_t{100} * 365 * 86400;
  const auto left_s = [](const ServedModels::Loaded& loaded) {
    return loaded.model.time_left ? loaded.model.time_left->count() / 1000 : kForGood_s;
  };
  std::vector<ServedModels::Loaded> loaded = state.models.loaded();
  std::ranges::stable_sort(loaded, std::greater(), left_s);
  const int64_t now = unix_seconds();
  Json models = Json::array();
  for (const ServedModels::Loaded& entry : loaded) {
    StoredModel stored;  // stays empty for one that was deleted while it runs
    try {
      stored = state.models.find(entry.name);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::not_found) throw;
    }
    const std::string name = tagged(entry.name);
    models.push_back({{"name", name},
                      {"model", name},
                      {"size", entry.model.bytes},
                      {"digest", stored.digest},
                      {"details", cards.of(stored).details},
                      {"expires_at", rfc3339(now + left_s(entry))},
                      {"size_vram", 0},
                      {"context_length", entry.model.info.context_length}});
  }
  exchange->reply_json(200, to_wire(Json{{"models", models}}));
}

}  // namespace sparrow::ollama
