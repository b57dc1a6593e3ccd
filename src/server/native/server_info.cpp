#include "server/native/server_info.h"

#include <filesystem>

#include "api/model_defaults.h"
#include "base/error.h"
#include "server/native/completion.h"
#include "server/native/dialect.h"
#include "server/wire.h"
#include "sparrow/version.h"

namespace sparrow::native {
namespace {

using ExchangePtr = std::shared_ptr<http::Exchange>;

}  // namespace

void props(ServerState& state, const ExchangePtr& exchange) {
  const std::string asked(exchange->request().query_value("model"));
  const std::string name = model_name(state, asked);
  const std::shared_ptr<Engine> engine = state.models.acquire(name);
  const OpenedModel& model = opened_model(*engine);
  const EngineInfo& info = engine->info();
  const auto spelling = [&](std::optional<TokenId> id) {
    return id ? std::string(model.tokenizer->piece(*id)) : "";
  };
  const SamplingParams params = model_params(model.stored, model.file->metadata());
  const Json answer = {{"default_generation_settings",
                        {{"id", 0},
                         {"n_ctx", info.context_length},
                         {"speculative", false},
                         {"is_processing", false},
                         {"params", settings_json(params)}}},
                       {"total_slots", state.models.max_sequences()},
                       {"model_alias", name},
                       {"model_path", std::filesystem::path(info.path).filename().string()},
                       {"modalities", {{"vision", false}, {"audio", false}}},
                       {"chat_template", model.chat_template->source()},
                       {"bos_token", spelling(model.tokenizer->bos())},
                       {"eos_token", spelling(model.tokenizer->eos())},
                       {"build_info", fmt::format("sparrow {}", kVersion)},
                       {"is_sleeping", false}};
  exchange->reply_json(200, to_wire(answer));
}

void slots(ServerState& state, const ExchangePtr& exchange) {
  const http::Request& request = exchange->request();
  Json list = Json::array();
  for (const RunningRequest& running : state.requests.list()) {
    if (!request.key_name.empty() && running.key_name != request.key_name) continue;
    list.push_back({{"id", list.size()},
                    {"id_task", running.id},
                    {"is_processing", true},
                    {"speculative", false},
                    {"model", running.model},
                    {"n_prompt_tokens", running.prompt_tokens}});
  }
  int64_t busy = 0;
  for (const ServedModels::Loaded& loaded : state.models.loaded())
    busy = std::max(busy, loaded.model.stats.running_count + loaded.model.stats.waiting_count);
  if (busy < state.models.max_sequences()) {
    list.push_back({{"id", list.size()}, {"is_processing", false}, {"speculative", false}});
  } else if (request.query_value("fail_on_no_slot") == "1") {
    exchange->fail({.status = 503, .message = "no slot available"});
    return;
  }
  exchange->reply_json(200, to_wire(list));
}

void version(ServerState&, const ExchangePtr& exchange) {
  exchange->reply_json(200, to_wire(Json{{"version", kVersion}}));
}

void ping(ServerState&, const ExchangePtr& exchange) { exchange->reply(200, {}, ""); }

void load(ServerState& state, const ExchangePtr& exchange) {
  exchange->reply_json(200, to_wire(Json{{"server_load", state.requests.count()}}));
}

void infill(ServerState&, const ExchangePtr& exchange) {
  exchange->fail({.status = 501,
                  .message = "infill is not supported: this server does not write the prompts of "
                             "models that fill in the middle. /completion takes such a prompt"});
}

}  // namespace sparrow::native
