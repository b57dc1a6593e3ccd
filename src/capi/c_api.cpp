// The C ABI over the C++ API: no exception leaves it.
#include "sparrow/c_api.h"

#include <cstdlib>
#include <cstring>
#include <exception>
#include <limits>
#include <mutex>
#include <new>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/json.h"
#include "sampling/params_json.h"
#include "sparrow/engine.h"
#include "sparrow/model_pool.h"

using sparrow::Engine;
using sparrow::ErrorCode;
using sparrow::Json;

namespace {

// What was submitted through one handle: others may use the same engine.
class OpenStreams {
 public:
  void add(sparrow::OutputStream* stream) {
    const std::scoped_lock lock(mutex_);
    streams_.insert(stream);
  }
  void remove(sparrow::OutputStream* stream) {
    const std::scoped_lock lock(mutex_);
    streams_.erase(stream);
  }
  void cancel() {
    const std::scoped_lock lock(mutex_);
    for (sparrow::OutputStream* stream : streams_) stream->cancel();
  }

 private:
  std::mutex mutex_;
  std::set<sparrow::OutputStream*> streams_;
};

}  // namespace

struct sparrow_pool {
  std::shared_ptr<sparrow::ModelPool> pool;
};

struct sparrow_engine {
  std::weak_ptr<sparrow::ModelPool> pool;  // null: the engine is nobody else's
  std::shared_ptr<Engine> engine;
  std::shared_ptr<OpenStreams> streams = std::make_shared<OpenStreams>();

  ~sparrow_engine() {
    streams->cancel();
    engine.reset();
    if (const auto living = pool.lock()) living->unload_expired();
  }
};

struct sparrow_stream {
  sparrow_stream(std::shared_ptr<sparrow::OutputStream> opened, std::shared_ptr<OpenStreams> all)
      : stream(std::move(opened)), streams(std::move(all)) {
    streams->add(stream.get());
  }
  ~sparrow_stream() { streams->remove(stream.get()); }

  std::shared_ptr<sparrow::OutputStream> stream;
  std::shared_ptr<OpenStreams> streams;
  // The delta at hand and what its C form points at.
  std::optional<sparrow::TextDelta> delta;
  std::vector<sparrow_token> tokens;
  std::vector<sparrow_token> prompt_tokens;
  std::vector<std::vector<sparrow_token_logprob>> tops;
  sparrow_delta c_delta{};
};

namespace {

sparrow_status status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return SPARROW_INVALID_ARGUMENT;
    case ErrorCode::invalid_file:
      return SPARROW_INVALID_FILE;
    case ErrorCode::unsupported:
      return SPARROW_UNSUPPORTED;
    case ErrorCode::not_found:
      return SPARROW_NOT_FOUND;
    case ErrorCode::io:
      return SPARROW_IO;
    case ErrorCode::network:
      return SPARROW_NETWORK;
    case ErrorCode::out_of_memory:
      return SPARROW_OUT_OF_MEMORY;
    case ErrorCode::context_full:
      return SPARROW_CONTEXT_FULL;
    case ErrorCode::cancelled:
      return SPARROW_CANCELLED;
    case ErrorCode::internal:
      return SPARROW_INTERNAL;
  }
  return SPARROW_INTERNAL;
}

// For sparrow_free; a zero behind it.
char* copy_text(std::string_view text) {
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

void copy_ids(const std::vector<int32_t>& ids, int32_t** out, size_t* count) {
  auto* copy = static_cast<int32_t*>(std::malloc(ids.size() * sizeof(int32_t) + 1));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, ids.data(), ids.size() * sizeof(int32_t));
  *out = copy;
  *count = ids.size();
}

sparrow_status report(sparrow_status status, const char* message, char** error) {
  if (error != nullptr) {
    const size_t size = std::strlen(message) + 1;
    *error = static_cast<char*>(std::malloc(size));
    if (*error != nullptr) std::memcpy(*error, message, size);
  }
  return status;
}

// Whatever act() throws becomes a status and a message.
template <typename Act>
sparrow_status guarded(char** error, const Act& act) noexcept {
  try {
    act();
    return SPARROW_OK;
  } catch (const sparrow::Error& e) {
    return report(status_of(e.code()), e.what(), error);
  } catch (const std::bad_alloc&) {
    return report(SPARROW_OUT_OF_MEMORY, "out of memory", error);
  } catch (const std::exception& e) {
    return report(SPARROW_INTERNAL, e.what(), error);
  } catch (...) {
    return report(SPARROW_INTERNAL, "an error of an unknown kind", error);
  }
}

void require(const void* pointer, const char* name) {
  if (pointer == nullptr) sparrow::fail(ErrorCode::invalid_argument, "{} must not be NULL", name);
}

std::string_view text_of(const char* text, size_t size, const char* name) {
  if (size > 0) require(text, name);
  return {text, size};
}

// As much of the caller's struct as it knows; the rest keeps its default.
template <typename Options>
Options complete(const Options* given, void (*init)(Options*, size_t), const char* name) {
  Options options;
  init(&options, sizeof options);
  if (given == nullptr) return options;
  constexpr size_t kMostBytes = 4096;  // of what any later version may have
  if (given->struct_size < sizeof(size_t) || given->struct_size > kMostBytes) {
    sparrow::fail(ErrorCode::invalid_argument,
                  "struct_size must be sizeof({}), got {}; {}_init sets it", name,
                  given->struct_size, name);
  }
  std::memcpy(&options, given, std::min(given->struct_size, sizeof options));
  return options;
}

// The caller's struct may be smaller or larger than this version's.
template <typename Options>
void give_defaults(Options* options, size_t struct_size, const Options& defaults) {
  std::memset(static_cast<void*>(options), 0, struct_size);
  std::memcpy(static_cast<void*>(options), &defaults, std::min(struct_size, sizeof defaults));
}

sparrow::SamplingParams sampling_of(const char* params, size_t size) {
  sparrow::SamplingParams sampling;
  const std::string_view text = text_of(params, size, "params");
  if (text.empty()) return sampling;
  const Json json = sparrow::parse_json(text, "the sampling parameters");
  sparrow::set_sampling_fields(sampling, json, "the sampling parameters");
  return sampling;
}

std::span<const int32_t> ids_of(const int32_t* ids, size_t count, const char* name) {
  if (count > 0) require(ids, name);
  return {ids, count};
}

std::optional<sparrow::RopeScaling> rope_scaling_of(const char* text) {
  if (text == nullptr) return std::nullopt;
  return sparrow::parse_rope_scaling(text);
}

sparrow::Request request_of(const int32_t* prompt, size_t count, const char* params,
                            size_t params_size, const sparrow_submit_options* options) {
  const std::span<const int32_t> ids = ids_of(prompt, count, "prompt");
  const sparrow_submit_options given =
      complete(options, sparrow_submit_options_init, "sparrow_submit_options");
  require(given.context_policy, "context_policy");
  if (given.pooling < SPARROW_NO_POOLING || given.pooling > SPARROW_CLS) {
    sparrow::fail(ErrorCode::invalid_argument, "pooling must be in [0, 3], got {}",
                  static_cast<int>(given.pooling));
  }
  if (given.receipt < SPARROW_NO_RECEIPT || given.receipt > SPARROW_FULL_RECEIPT) {
    sparrow::fail(ErrorCode::invalid_argument, "receipt must be in [0, 2], got {}",
                  static_cast<int>(given.receipt));
  }
  return {.prompt = {ids.begin(), ids.end()},
          .params = sampling_of(params, params_size),
          .priority = given.is_batch ? sparrow::Priority::batch : sparrow::Priority::interactive,
          .context_length = given.context_length,
          .context_policy = sparrow::parse_context_policy(given.context_policy),
          .rope_scaling = rope_scaling_of(given.rope_scaling),
          .adapter = given.adapter != nullptr ? given.adapter : "",
          .adapter_scale = given.adapter_scale,
          .pooling = static_cast<sparrow::Pooling>(given.pooling),
          .normalize = given.normalize,
          .score_from = given.score_from,
          .receipt = static_cast<sparrow::ReceiptKind>(given.receipt)};
}

void fill_tokens(const std::vector<sparrow::OutputToken>& from, std::vector<sparrow_token>& to,
                 std::vector<std::vector<sparrow_token_logprob>>& tops) {
  to.clear();
  for (const sparrow::OutputToken& token : from) {
    std::vector<sparrow_token_logprob>& top = tops.emplace_back();
    for (const sparrow::TokenLogprob& entry : token.top) top.push_back({entry.id, entry.logprob});
    to.push_back({token.id, token.logprob, token.rank, top.data(), top.size()});
  }
}

const sparrow_delta* fill_delta(sparrow_stream& s) {
  if (!s.delta) return nullptr;
  const sparrow::TextDelta& delta = *s.delta;
  s.tops.clear();
  fill_tokens(delta.tokens, s.tokens, s.tops);
  fill_tokens(delta.prompt_tokens, s.prompt_tokens, s.tops);
  s.c_delta = {.text = delta.text.c_str(),
               .text_size = delta.text.size(),
               .tokens = s.tokens.data(),
               .token_count = s.tokens.size(),
               .prompt_tokens = s.prompt_tokens.data(),
               .prompt_token_count = s.prompt_tokens.size(),
               .finish_reason = static_cast<sparrow_finish_reason>(delta.finish_reason),
               .error_status = delta.finish_reason == sparrow::FinishReason::error
                                   ? status_of(delta.error_code)
                                   : SPARROW_OK,
               .error = delta.error.c_str(),
               .stop_string = delta.stop_string.c_str(),
               .stop_token = delta.stop_token,
               .embedding = delta.embedding.data(),
               .embedding_size = delta.embedding.size(),
               .receipt = delta.receipt.c_str()};
  return &s.c_delta;
}

static_assert(static_cast<int>(sparrow::Pooling::none) == SPARROW_NO_POOLING);
static_assert(static_cast<int>(sparrow::Pooling::mean) == SPARROW_MEAN);
static_assert(static_cast<int>(sparrow::Pooling::last) == SPARROW_LAST);
static_assert(static_cast<int>(sparrow::Pooling::cls) == SPARROW_CLS);
static_assert(static_cast<int>(sparrow::ReceiptKind::none) == SPARROW_NO_RECEIPT);
static_assert(static_cast<int>(sparrow::ReceiptKind::digests) == SPARROW_DIGESTS);
static_assert(static_cast<int>(sparrow::ReceiptKind::full) == SPARROW_FULL_RECEIPT);
static_assert(static_cast<int>(sparrow::FinishReason::none) == SPARROW_NOT_FINISHED);
static_assert(static_cast<int>(sparrow::FinishReason::stop) == SPARROW_STOP);
static_assert(static_cast<int>(sparrow::FinishReason::length) == SPARROW_LENGTH);
static_assert(static_cast<int>(sparrow::FinishReason::cancelled) == SPARROW_ABORTED);
static_assert(static_cast<int>(sparrow::FinishReason::error) == SPARROW_FAILED);

std::unique_ptr<sparrow_stream> submit(sparrow_engine& engine, sparrow::Request request) {
  return std::make_unique<sparrow_stream>(engine.engine->submit(std::move(request)),
                                          engine.streams);
}

// Its on_progress refers to `given`.
sparrow::EngineOptions engine_options_of(const sparrow_engine_options& given) {
  require(given.kv_cache_type, "kv_cache_type");
  require(given.activations, "activations");
  sparrow::EngineOptions options;
  options.context_length = given.context_length;
  options.kv_cache_type = given.kv_cache_type;
  options.kv_cache_bytes = given.kv_cache_bytes;
  options.max_sequences = given.max_sequences;
  options.thread_count = given.thread_count;
  options.may_pull = given.may_pull;
  options.activations = given.activations;
  options.prefill_chunk = given.prefill_chunk;
  options.rope_scaling = rope_scaling_of(given.rope_scaling);
  if (given.on_progress != nullptr) {
    options.on_progress = [&given](const sparrow::LoadProgress& progress) {
      return given.on_progress(progress.status.c_str(), progress.completed_bytes,
                               progress.total_bytes, given.user);
    };
  }
  return options;
}

sparrow::KeepAlive keep_alive_of(int64_t ms) {
  constexpr int64_t kForGood = std::numeric_limits<int64_t>::max() / 1'000'000;  // in nanoseconds
  if (ms < 0 || ms >= kForGood) return std::nullopt;
  return std::chrono::milliseconds(ms);
}

void require_count(int64_t value, const char* name, const char* meaning_of_0) {
  if (value >= 0) return;
  sparrow::fail(ErrorCode::invalid_argument, "{} must be at least 0 (0: {}), got {}", name,
                meaning_of_0, value);
}

}  // namespace

const char* sparrow_version(void) { return sparrow::kVersion; }
void sparrow_free(void* memory) { std::free(memory); }

void sparrow_engine_options_init(sparrow_engine_options* options, size_t struct_size) {
  const sparrow::EngineOptions defaults;
  give_defaults<sparrow_engine_options>(options, struct_size,
                                        {.struct_size = struct_size,
                                         .context_length = defaults.context_length,
                                         .kv_cache_type = "f16",
                                         .kv_cache_bytes = defaults.kv_cache_bytes,
                                         .max_sequences = defaults.max_sequences,
                                         .thread_count = defaults.thread_count,
                                         .may_pull = defaults.may_pull,
                                         .activations = "auto",
                                         .prefill_chunk = defaults.prefill_chunk,
                                         .on_progress = nullptr,
                                         .user = nullptr,
                                         .rope_scaling = nullptr});
}

void sparrow_submit_options_init(sparrow_submit_options* options, size_t struct_size) {
  const sparrow::Request defaults;
  give_defaults<sparrow_submit_options>(options, struct_size,
                                        {.struct_size = struct_size,
                                         .is_batch = false,
                                         .adapter = nullptr,
                                         .adapter_scale = defaults.adapter_scale,
                                         .pooling = SPARROW_NO_POOLING,
                                         .normalize = defaults.normalize,
                                         .context_length = defaults.context_length,
                                         .context_policy = "error",
                                         .rope_scaling = nullptr,
                                         .score_from = 0,
                                         .receipt = SPARROW_NO_RECEIPT});
}

sparrow_status sparrow_engine_load(const char* model, size_t model_size,
                                   const sparrow_engine_options* options, sparrow_engine** engine,
                                   char** error) {
  return guarded(error, [&] {
    require(engine, "engine");
    const sparrow_engine_options given =
        complete(options, sparrow_engine_options_init, "sparrow_engine_options");
    auto made = std::make_unique<sparrow_engine>();
    made->engine =
        Engine::load(std::string(text_of(model, model_size, "model")), engine_options_of(given));
    *engine = made.release();
  });
}

void sparrow_engine_free(sparrow_engine* engine) { delete engine; }

void sparrow_pool_options_init(sparrow_pool_options* options, size_t struct_size) {
  const sparrow::ModelPoolOptions defaults;
  give_defaults<sparrow_pool_options>(options, struct_size,
                                      {.struct_size = struct_size,
                                       .memory_bytes = defaults.memory_bytes,
                                       .max_models = defaults.max_models,
                                       .keep_alive_ms = defaults.keep_alive->count()});
}

sparrow_status sparrow_pool_create(const sparrow_pool_options* options, sparrow_pool** pool,
                                   char** error) {
  return guarded(error, [&] {
    require(pool, "pool");
    const sparrow_pool_options given =
        complete(options, sparrow_pool_options_init, "sparrow_pool_options");
    require_count(given.memory_bytes, "memory_bytes", "what the machine has");
    require_count(given.max_models, "max_models", "as many as memory holds");
    auto made = std::make_unique<sparrow_pool>();
    made->pool = std::make_shared<sparrow::ModelPool>(
        sparrow::ModelPoolOptions{.memory_bytes = given.memory_bytes,
                                  .max_models = given.max_models,
                                  .keep_alive = keep_alive_of(given.keep_alive_ms)});
    *pool = made.release();
  });
}

void sparrow_pool_free(sparrow_pool* pool) { delete pool; }

sparrow_status sparrow_pool_acquire(sparrow_pool* pool, const char* model, size_t model_size,
                                    const sparrow_engine_options* options,
                                    const int64_t* keep_alive_ms, sparrow_engine** engine,
                                    char** error) {
  return guarded(error, [&] {
    require(pool, "pool");
    require(engine, "engine");
    const sparrow_engine_options given =
        complete(options, sparrow_engine_options_init, "sparrow_engine_options");
    sparrow::AcquireOptions acquire = {.engine = engine_options_of(given)};
    if (keep_alive_ms != nullptr) acquire.keep_alive = keep_alive_of(*keep_alive_ms);
    auto made = std::make_unique<sparrow_engine>();
    made->engine = pool->pool->acquire(std::string(text_of(model, model_size, "model")), acquire);
    made->pool = pool->pool;
    *engine = made.release();
  });
}

sparrow_status sparrow_pool_unload(sparrow_pool* pool, const char* model, size_t model_size,
                                   bool* was_loaded, char** error) {
  return guarded(error, [&] {
    require(pool, "pool");
    const bool found = pool->pool->unload(std::string(text_of(model, model_size, "model")));
    if (was_loaded != nullptr) *was_loaded = found;
  });
}

sparrow_status sparrow_pool_list(const sparrow_pool* pool, char** json, char** error) {
  return guarded(error, [&] {
    require(pool, "pool");
    require(json, "json");
    Json models = Json::array();
    for (const sparrow::LoadedModel& model : pool->pool->list()) {
      const Json time_left = model.time_left ? Json(model.time_left->count()) : Json();
      models.push_back({{"name", model.name},
                        {"path", model.info.path},
                        {"context_length", model.info.context_length},
                        {"kv_cache_type", model.info.kv_cache_type},
                        {"bytes", model.bytes},
                        {"is_used", model.is_used},
                        {"time_left_ms", time_left}});
    }
    // A path may hold bytes that are no UTF-8.
    *json = copy_text(models.dump(-1, ' ', false, Json::error_handler_t::replace));
  });
}

sparrow_status sparrow_engine_info(const sparrow_engine* engine, char** json, char** error) {
  return guarded(error, [&] {
    require(engine, "engine");
    require(json, "json");
    const sparrow::EngineInfo& info = engine->engine->info();
    *json = copy_text(Json{{"name", info.name},
                           {"path", info.path},
                           {"architecture", info.architecture},
                           {"vocabulary_size", info.vocabulary_size},
                           {"context_length", info.context_length},
                           {"model_context_length", info.model_context_length},
                           {"is_context_reduced", info.is_context_reduced},
                           {"weight_bytes", info.weight_bytes},
                           {"workspace_bytes", info.workspace_bytes},
                           {"available_bytes", info.available_bytes},
                           {"kv_cache_bytes", info.kv_cache_bytes},
                           {"kv_cache_tokens", info.kv_cache_tokens},
                           {"kv_cache_type", info.kv_cache_type},
                           {"bos_token", info.bos_token},
                           {"eos_token", info.eos_token},
                           {"end_of_generation", engine->engine->end_of_generation()},
                           {"control_tokens", info.control_tokens},
                           {"chat_template", info.chat_template}}
                          // A file's template may hold bytes that are no UTF-8.
                          .dump(-1, ' ', false, Json::error_handler_t::replace));
  });
}

sparrow_status sparrow_engine_stats(const sparrow_engine* engine, char** json, char** error) {
  return guarded(error, [&] {
    require(engine, "engine");
    require(json, "json");
    const sparrow::EngineStats stats = engine->engine->stats();
    *json = copy_text(Json{
        {"waiting_count", stats.waiting_count},
        {"running_count", stats.running_count},
        {"block_count", stats.block_count},
        {"free_block_count", stats.free_block_count},
        {"cached_block_count", stats.cached_block_count},
        {"preemption_count", stats.preemption_count},
        {"adapter_bytes", stats.adapter_bytes},
        {"step_count", stats.step_count},
        {"computed_rows", stats.computed_rows},
        {"step_seconds", stats.step_s},
        {"forward_seconds",
         stats.forward_s}}.dump());
  });
}

sparrow_status sparrow_reset_prefix_cache(sparrow_engine* engine, bool* is_empty, char** error) {
  return guarded(error, [&] {
    require(engine, "engine");
    const bool found = engine->engine->reset_prefix_cache();
    if (is_empty != nullptr) *is_empty = found;
  });
}

sparrow_status sparrow_load_adapter(sparrow_engine* engine, const char* name, const char* path,
                                    char** error) {
  return guarded(error, [&] {
    require(engine, "engine");
    require(name, "name");
    require(path, "path");
    engine->engine->load_adapter(name, path);
  });
}

sparrow_status sparrow_unload_adapter(sparrow_engine* engine, const char* name, char** error) {
  return guarded(error, [&] {
    require(engine, "engine");
    require(name, "name");
    engine->engine->unload_adapter(name);
  });
}

sparrow_status sparrow_encode(const sparrow_engine* engine, const char* text, size_t text_size,
                              bool is_plain, int32_t** ids, size_t* count, char** error) {
  return guarded(error, [&] {
    require(engine, "engine");
    require(ids, "ids");
    require(count, "count");
    copy_ids(engine->engine->encode(text_of(text, text_size, "text"), is_plain), ids, count);
  });
}

sparrow_status sparrow_encode_chat(const sparrow_engine* engine, const char* request,
                                   size_t request_size, int32_t** ids, size_t* count,
                                   char** error) {
  return guarded(error, [&] {
    require(engine, "engine");
    require(ids, "ids");
    require(count, "count");
    copy_ids(engine->engine->encode_chat_json(text_of(request, request_size, "request")), ids,
             count);
  });
}

sparrow_status sparrow_decode(const sparrow_engine* engine, const int32_t* ids, size_t count,
                              bool with_control, char** text, size_t* size, char** error) {
  return guarded(error, [&] {
    require(engine, "engine");
    require(text, "text");
    if (count > 0) require(ids, "ids");
    const std::string decoded = engine->engine->decode({ids, count}, with_control);
    *text = copy_text(decoded);
    if (size != nullptr) *size = decoded.size();
  });
}

sparrow_status sparrow_default_sampling(const sparrow_engine* engine, char** json, char** error) {
  return guarded(error, [&] {
    require(engine, "engine");
    require(json, "json");
    *json = copy_text(sparrow::sampling_json(engine->engine->default_sampling()).dump());
  });
}

sparrow_status sparrow_sampling_fields(char** json, char** error) {
  return guarded(error, [&] {
    require(json, "json");
    const Json defaults = sparrow::sampling_json({});
    Json fields = Json::array();
    for (const sparrow::SamplingField& field : sparrow::sampling_fields()) {
      fields.push_back({{"name", field.name},
                        {"default", defaults.at(std::string(field.name))},
                        {"range", field.range},
                        {"doc", field.doc}});
    }
    *json = copy_text(fields.dump());
  });
}

sparrow_status sparrow_submit(sparrow_engine* engine, const int32_t* prompt, size_t prompt_count,
                              const char* params, size_t params_size,
                              const sparrow_submit_options* options, sparrow_stream** stream,
                              char** error) {
  return guarded(error, [&] {
    require(engine, "engine");
    require(stream, "stream");
    sparrow::Request request = request_of(prompt, prompt_count, params, params_size, options);
    *stream = submit(*engine, std::move(request)).release();
  });
}

const sparrow_delta* sparrow_stream_next(sparrow_stream* stream, int64_t timeout_ms) {
  const sparrow_delta* delta = nullptr;
  const sparrow_status status = guarded(nullptr, [&] {
    require(stream, "stream");
    stream->delta =
        timeout_ms < 0 ? stream->stream->next() : stream->stream->next_within(timeout_ms);
    delta = fill_delta(*stream);
  });
  return status == SPARROW_OK ? delta : nullptr;
}

void sparrow_stream_cancel(sparrow_stream* stream) {
  if (stream != nullptr) stream->stream->cancel();
}

void sparrow_stream_stats(const sparrow_stream* stream, sparrow_request_stats* stats) {
  const sparrow::RequestStats found = stream->stream->stats();
  const sparrow_request_stats all = {.struct_size = stats->struct_size,
                                     .prompt_tokens = found.prompt_tokens,
                                     .cached_tokens = found.cached_tokens,
                                     .output_tokens = found.output_tokens,
                                     .preemption_count = found.preemption_count,
                                     .seed = found.seed,
                                     .queue_seconds = found.queue_s,
                                     .prefill_seconds = found.prefill_s,
                                     .decode_seconds = found.decode_s,
                                     .dropped_begin = found.dropped_begin,
                                     .dropped_tokens = found.dropped_tokens,
                                     .queue_position = found.queue_position};
  std::memcpy(stats, &all, std::min(stats->struct_size, sizeof all));
}

void sparrow_stream_free(sparrow_stream* stream) {
  if (stream == nullptr) return;
  stream->stream->cancel();
  delete stream;
}

sparrow_status sparrow_generate(sparrow_engine* engine, const int32_t* prompt, size_t prompt_count,
                                const char* params, size_t params_size,
                                bool (*on_delta)(const sparrow_delta* delta, void* user),
                                void* user, char** error) {
  return guarded(error, [&] {
    require(engine, "engine");
    const auto stream =
        submit(*engine, request_of(prompt, prompt_count, params, params_size, nullptr));
    while (const sparrow_delta* delta = sparrow_stream_next(stream.get(), -1)) {
      if (on_delta != nullptr && !on_delta(delta, user)) sparrow_stream_cancel(stream.get());
      if (delta->finish_reason == SPARROW_FAILED)
        sparrow::fail(stream->delta->error_code, "{}", stream->delta->error);
    }
  });
}

sparrow_status sparrow_log_likelihood(sparrow_engine* engine, const int32_t* context,
                                      size_t context_count, const int32_t* continuation,
                                      size_t continuation_count, char** json, char** error) {
  return guarded(error, [&] {
    require(engine, "engine");
    require(json, "json");
    const sparrow::Likelihood found =
        engine->engine->log_likelihood(ids_of(context, context_count, "context"),
                                       ids_of(continuation, continuation_count, "continuation"));
    Json logprobs = Json::array();
    for (const sparrow::OutputToken& token : found.tokens) logprobs.push_back(token.logprob);
    *json = copy_text(Json{{"logprob", found.logprob},
                           {"is_greedy", found.is_greedy},
                           {"token_logprobs", std::move(logprobs)}}
                          .dump());
  });
}

sparrow_status sparrow_classify(sparrow_engine* engine, const int32_t* prompt, size_t prompt_count,
                                const int32_t* const* labels, const size_t* label_sizes,
                                size_t label_count, double* shares, char** error) {
  return guarded(error, [&] {
    require(engine, "engine");
    require(labels, "labels");
    require(label_sizes, "label_sizes");
    require(shares, "shares");
    std::vector<std::vector<int32_t>> all;
    for (size_t i = 0; i < label_count; ++i) {
      const std::span<const int32_t> ids = ids_of(labels[i], label_sizes[i], "a label");
      all.emplace_back(ids.begin(), ids.end());
    }
    const std::vector<double> found =
        engine->engine->classify(ids_of(prompt, prompt_count, "prompt"), all);
    std::copy(found.begin(), found.end(), shares);
  });
}

sparrow_status sparrow_replay(sparrow_engine* engine, const char* receipt, size_t receipt_size,
                              const int32_t* prompt, size_t prompt_count, char** json,
                              char** error) {
  return guarded(error, [&] {
    require(engine, "engine");
    require(json, "json");
    const std::span<const int32_t> ids = ids_of(prompt, prompt_count, "prompt");
    const sparrow::Replay found =
        engine->engine->replay(text_of(receipt, receipt_size, "receipt"), {ids.begin(), ids.end()});
    *json = copy_text(Json{
        {"is_same", found.is_same},
        {"first_difference", found.first_difference},
        {"differences", found.differences},
        {"text", found.text},
        {"receipt",
         found.receipt}}.dump());
  });
}
