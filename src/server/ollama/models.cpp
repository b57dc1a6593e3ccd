#include "server/ollama/models.h"

#include "base/error.h"
#include "server/ollama/dialect.h"
#include "server/wire.h"
#include "sparrow/version.h"

namespace sparrow::ollama {

void version(ServerState&, const std::shared_ptr<http::Exchange>& exchange) {
  exchange->reply_json(200, to_wire(Json{{"version", kOllamaVersion}, {"sparrow", kVersion}}));
}

void tags(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  Json models = Json::array();
  for (const ServedModels::Listed& listed : state.models.list()) {
    models.push_back({{"name", listed.name},
                      {"model", listed.name},
                      {"modified_at", rfc3339(listed.stored.modified_unix_s)},
                      {"size", listed.stored.size_bytes},
                      {"digest", listed.stored.digest},
                      {"details", details_of(listed.stored)}});
  }
  exchange->reply_json(200, to_wire(Json{{"models", models}}));
}

void ps(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  Json models = Json::array();
  for (const ServedModels::Loaded& loaded : state.models.loaded()) {
    const StoredModel stored = state.models.find(loaded.name);
    // "For good" is told as a time far away, as Ollama does.
    constexpr int64_t kForGood_s = int64_t{100} * 365 * 86400;
    const int64_t left_s =
        loaded.model.time_left ? loaded.model.time_left->count() / 1000 : kForGood_s;
    models.push_back({{"name", loaded.name},
                      {"model", loaded.name},
                      {"size", loaded.model.bytes},
                      {"digest", stored.digest},
                      {"details", details_of(stored)},
                      {"expires_at", rfc3339(unix_seconds() + left_s)},
                      {"size_vram", 0},
                      {"context_length", loaded.model.info.context_length}});
  }
  exchange->reply_json(200, to_wire(Json{{"models", models}}));
}

void show(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  const std::string name = fields.text("model").value_or(fields.text("name").value_or(""));
  if (name.empty()) fail(ErrorCode::invalid_argument, "model is required");
  const OpenedModel model = open_model(state.models.find(name));
  Json answer = {{"license", model.stored.license},
                 {"template", model.chat_template->source()},
                 {"details", details_of(model.stored)},
                 {"capabilities", capabilities_of(model)},
                 {"modified_at", rfc3339(model.stored.modified_unix_s)}};
  exchange->reply_json(200, to_wire(answer));
}

}  // namespace sparrow::ollama
