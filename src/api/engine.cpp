#include "sparrow/engine.h"

#include <utility>

#include "api/identity.h"
#include "api/model_defaults.h"
#include "api/model_source.h"
#include "api/opened_model.h"
#include "api/replay.h"
#include "base/error.h"
#include "base/json.h"
#include "engine/engine.h"

namespace sparrow {
namespace {

engine::EngineOptions engine_options(const EngineOptions& options, const OpenedModel& model,
                                     const MemoryLimits& limits) {
  engine::EngineOptions inner;
  inner.context_length =
      options.context_length > 0 ? options.context_length : saved_context(model.stored).value_or(0);
  inner.kv_type = parse_kv_type(options.kv_cache_type);
  inner.kv_cache_bytes = options.kv_cache_bytes;
  inner.max_sequences = options.max_sequences;
  inner.thread_count = options.thread_count;
  inner.activations = parse_activation_mode(options.activations);
  inner.prefill_chunk = options.prefill_chunk;
  inner.rope_scaling = options.rope_scaling;
  inner.identity = identity_of(model);
  if (limits.available_bytes) inner.available_bytes = limits.available_bytes;
  inner.may_reduce_context = limits.may_reduce_context;
  if (options.on_progress) {
    const uint64_t total = model.stored.size_bytes;
    inner.on_progress = [total, report = options.on_progress](double share) {
      const auto completed = static_cast<uint64_t>(share * static_cast<double>(total));
      if (!report({"loading", completed, total})) fail(ErrorCode::cancelled, "loading was stopped");
    };
  }
  return inner;
}

// By a template's source; empty: the model's own.
std::vector<int32_t> encode_by(const OpenedModel& model, const std::string& source,
                               const TemplateInput& input) {
  const Tokenizer& tokenizer = *model.tokenizer;
  if (source.empty()) return model.chat_template->encode(input, tokenizer);
  return ChatTemplate::from_source(source, &tokenizer)->encode(input, tokenizer);
}

std::vector<int32_t> control_tokens(const Tokenizer& tokenizer) {
  std::vector<int32_t> found;
  const auto size = static_cast<TokenId>(tokenizer.vocabulary_size());
  for (TokenId id = 0; id < size; ++id)
    if (tokenizer.type(id) == TokenType::control) found.push_back(id);
  return found;
}

}  // namespace

struct Engine::Impl {
  OpenedModel model;
  EngineInfo info;
  std::unique_ptr<engine::Engine> engine;  // last: it goes first
};

std::shared_ptr<Engine> Engine::load(const std::string& model, const EngineOptions& options) {
  return load_engine(open_model(find_or_pull(model, options)), options);
}

std::shared_ptr<Engine> load_engine(OpenedModel model, const EngineOptions& options,
                                    const MemoryLimits& limits) {
  auto impl = std::make_unique<Engine::Impl>();
  impl->model = std::move(model);
  const OpenedModel& opened = impl->model;
  impl->engine =
      engine::Engine::load(opened.file, opened.tokenizer, engine_options(options, opened, limits));
  const engine::EnginePlan& plan = impl->engine->plan();
  impl->info = {.name = opened.name(),
                .path = opened.stored.model_path,
                .architecture = impl->engine->model().config().architecture,
                .vocabulary_size = impl->engine->model().config().vocabulary_size,
                .context_length = plan.context_length,
                .model_context_length = plan.model_context_length,
                .is_context_reduced = plan.is_reduced,
                .weight_bytes = plan.weight_bytes,
                .workspace_bytes = plan.workspace_bytes,
                .available_bytes = plan.available_bytes,
                .kv_cache_bytes = plan.kv_bytes,
                .kv_cache_tokens = plan.kv_tokens,
                .kv_cache_type = options.kv_cache_type,
                .bos_token = opened.tokenizer->bos().value_or(-1),
                .eos_token = opened.tokenizer->eos().value_or(-1),
                .control_tokens = control_tokens(*opened.tokenizer),
                .chat_template = opened.chat_template->source()};
  impl->engine->start();
  return std::shared_ptr<Engine>(new Engine(std::move(impl)));
}

const OpenedModel& opened_model(const Engine& engine) { return engine.impl_->model; }

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

void Engine::load_adapter(const std::string& name, const std::string& path) {
  impl_->engine->load_adapter(name, *GgufFile::open(path));
}

void Engine::unload_adapter(const std::string& name) { impl_->engine->unload_adapter(name); }

std::shared_ptr<OutputStream> Engine::submit(Request request) {
  return impl_->engine->submit(std::move(request));
}

std::vector<int32_t> Engine::encode(std::string_view text, bool is_plain) const {
  if (is_plain) return impl_->model.tokenizer->encode(text);
  return encode_raw(impl_->model, std::string(text));
}

std::vector<int32_t> Engine::encode_chat(const ChatRequest& request) const {
  TemplateInput input;
  input.messages = to_json(request.messages);
  if (!request.tools.empty()) input.tools = to_json(request.tools);
  input.add_generation_prompt = request.add_generation_prompt;
  input.continue_final_message = request.continue_final_message;
  input.variables = parse_json(request.variables, "the template's variables");
  if (!input.variables.is_object()) {
    fail(ErrorCode::invalid_argument, "the template's variables must be a JSON object, got {}",
         request.variables);
  }
  return encode_by(impl_->model, request.chat_template, input);
}

std::vector<int32_t> Engine::encode_chat_json(std::string_view request) const {
  const Json json = parse_json(request, "the chat request");
  if (!json.is_object() || !json.contains("messages")) {
    fail(ErrorCode::invalid_argument, "a chat request must be a JSON object with messages, got {}",
         json.type_name());
  }
  TemplateInput input;
  std::string chat_template;
  for (const auto& [name, value] : json.items()) {
    const auto required = [&](bool is_right, std::string_view wanted) {
      if (is_right) return;
      fail(ErrorCode::invalid_argument, "{} of a chat request must be {}, got {}", name, wanted,
           value.type_name());
    };
    if (name == "messages") {
      input.messages = value;
    } else if (name == "tools") {
      required(value.is_array() || value.is_null(), "a list");
      input.tools = value.empty() ? Json() : value;
    } else if (name == "add_generation_prompt" || name == "continue_final_message") {
      required(value.is_boolean(), "true or false");
      (name == "add_generation_prompt" ? input.add_generation_prompt
                                       : input.continue_final_message) = value.get<bool>();
    } else if (name == "chat_template") {
      required(value.is_string() || value.is_null(), "a string");
      if (value.is_string()) chat_template = value.get<std::string>();
    } else if (name == "chat_template_kwargs") {
      required(value.is_object() || value.is_null(), "an object");
      if (value.is_object()) input.variables = value;
    } else {
      fail(ErrorCode::invalid_argument,
           "a chat request has messages, tools, add_generation_prompt, continue_final_message, "
           "chat_template and chat_template_kwargs, not '{}'",
           name);
    }
  }
  return encode_by(impl_->model, chat_template, input);
}

Replay Engine::replay(std::string_view receipt, std::vector<int32_t> prompt) {
  return replay_receipt(receipt, std::move(prompt), impl_->engine->origin(),
                        [&](Request request) { return submit(std::move(request)); });
}

std::string Engine::decode(std::span<const int32_t> ids, bool with_control) const {
  return impl_->model.tokenizer->decode(ids, with_control);
}

bool Engine::reset_prefix_cache() { return impl_->engine->reset_prefix_cache(); }

SamplingParams Engine::default_sampling() const {
  return model_params(impl_->model.stored, impl_->model.file->metadata());
}

std::vector<int32_t> Engine::end_of_generation() const {
  const auto ids = impl_->model.tokenizer->end_of_generation();
  return {ids.begin(), ids.end()};
}

const EngineInfo& Engine::info() const { return impl_->info; }
EngineStats Engine::stats() const { return impl_->engine->stats(); }

}  // namespace sparrow
