#include "server/openai/models.h"

#include "server/wire.h"

namespace sparrow::openai {
namespace {

Json model_json(const std::string& name, const StoredModel& stored) {
  const bool is_library = stored.name.name_space.empty() || stored.name.name_space == "library";
  return {{"id", name},
          {"object", "model"},
          {"created", stored.modified_unix_s},
          {"owned_by", is_library ? "library" : stored.name.name_space}};
}

}  // namespace

void list_models(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  Json models = Json::array();
  for (const ServedModels::Listed& listed : state.models.list())
    models.push_back(model_json(listed.name, listed.stored));
  exchange->reply_json(200, to_wire(Json{{"object", "list"}, {"data", models}}));
}

void get_model(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const std::string name(exchange->request().path_parameter("model"));
  exchange->reply_json(200, to_wire(model_json(name, state.models.find(name))));
}

}  // namespace sparrow::openai
