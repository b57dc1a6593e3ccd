#include "engine/engine.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/memory_info.h"
#include "engine/admission.h"
#include "engine/inbox.h"
#include "engine/plan.h"
#include "engine/scheduler.h"
#include "gguf/gguf_file.h"
#include "model/lora.h"
#include "model/rope_scaling.h"

namespace sparrow::engine {
namespace {

// How many rows of prompts a step may read, so that it ends soon enough: for whoever wants to
// cancel, and beside those that decode within a few of their steps. Changes no result: a position's
// logits are the same in any chunk.
class PromptPace {
 public:
  explicit PromptPace(int64_t most) : least_(std::min(kLeast, most)), most_(most) {}

  int64_t rows(bool is_beside_decoding) const {
    if (row_s_ == 0) return least_;
    const double wanted_s = is_beside_decoding && decode_s_ > 0
                                ? std::min(kWantedStep_s, (kDecodeSteps - 1) * decode_s_)
                                : kWantedStep_s;
    return std::clamp(static_cast<int64_t>(std::min(wanted_s / row_s_, 1e9)), least_, most_);
  }

  void measured(int64_t prompt_rows, int64_t decode_rows, double step_s) {
    if (prompt_rows == 0) {
      approach(decode_s_, step_s);
    } else if (prompt_rows >= least_) {
      const double beside_s = decode_rows > 0 ? std::min(decode_s_, step_s / 2) : 0;
      approach(row_s_, (step_s - beside_s) / static_cast<double>(prompt_rows));
    }
  }

 private:
  static constexpr double kWantedStep_s = 0.25;
  static constexpr double kDecodeSteps = 2.3;  // what a step with prompts may take
  static constexpr int64_t kLeast = 2;         // a prompt always goes on

  static void approach(double& average, double value) {
    average = average == 0 ? value : average + (value - average) / 4;
  }

  int64_t least_;
  int64_t most_;
  double decode_s_ = 0;  // of a step without prompts
  double row_s_ = 0;     // of a row of a prompt
};

int64_t tensor_bytes(const GgufFile& file) {
  int64_t bytes = 0;
  for (const TensorInfo& tensor : file.tensors()) bytes += static_cast<int64_t>(tensor.size_bytes);
  return bytes;
}

}  // namespace

struct Engine::Impl {
  std::shared_ptr<const GgufFile> file;
  std::shared_ptr<const Tokenizer> tokenizer;
  EnginePlan plan;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Model> model;
  std::unique_ptr<KvMemory> kv;
  std::unique_ptr<Workspace> workspace;
  Sampler sampler;
  Admission admission;
  BlockPool pool;
  Scheduler scheduler;
  PromptPace pace;
  Inbox inbox;
  std::thread thread;
  struct Adapter {
    std::shared_ptr<const LoraAdapter> adapter;
    int64_t id = 0;  // no two loads have the same
    std::string digest;
  };
  std::function<int64_t(int64_t)> available_bytes;
  std::function<Json()> identity;
  Json own_origin;  // the engine's part of receipts
  int64_t step_count = 0;
  int64_t computed_rows = 0;
  double step_s = 0;
  double forward_s = 0;

  std::mutex loading_mutex;  // one adapter at a time: the backend loads no two at once
  mutable std::mutex adapters_mutex;
  std::map<std::string, Adapter> adapters;
  int64_t adapter_count = 0;

  mutable std::mutex stats_mutex;
  EngineStats stats;

  Impl(std::shared_ptr<const GgufFile> the_file, std::shared_ptr<const Tokenizer> the_tokenizer,
       const EnginePlan& the_plan, const EngineOptions& options);

  void choose_adapter(const Request& request, SequenceSetup& setup, Json& origin);
  bool run_step();
  void run_calls();
  void hand_out();
  void note_stats();
  int64_t adapter_bytes() const;
  int64_t untouched_cache_bytes() const;
};

Engine::Impl::Impl(std::shared_ptr<const GgufFile> the_file,
                   std::shared_ptr<const Tokenizer> the_tokenizer, const EnginePlan& the_plan,
                   const EngineOptions& options)
    : file(std::move(the_file)),
      tokenizer(std::move(the_tokenizer)),
      plan(the_plan),
      backend(make_cpu_backend(
          {.thread_count = options.thread_count, .activations = options.activations})),
      model(load_model(file, *backend, {options.rope_scaling, options.on_progress})),
      kv(model->make_kv_memory(options.kv_type, plan.kv_tokens / kBlockTokens, kBlockTokens)),
      workspace(model->make_workspace(workspace_limits(plan, options))),
      sampler(model->config().vocabulary_size),
      admission(*tokenizer, model->config().vocabulary_size, plan.context_length),
      pool(kv->block_count(), kv->block_tokens()),
      scheduler(pool, {.max_sequences = options.max_sequences,
                       .max_rows = workspace_limits(plan, options).max_rows,
                       .max_scores = kMaxScores}),
      pace(std::min(options.prefill_chunk, plan.context_length)) {
  plan.weight_bytes = model->weight_bytes();
  const Arithmetic arithmetic = backend->arithmetic();
  own_origin = {{"version", kVersion},
                {"instruction_set", arithmetic.instruction_set},
                {"activations", arithmetic.are_activations_quantized ? "quantized" : "f32"},
                {"kv_cache_type", to_string(options.kv_type)}};
  if (options.rope_scaling)
    own_origin["rope_scaling"] = parse_json(to_string(*options.rope_scaling), "the RoPE scaling");
  identity = options.identity;
  available_bytes = options.available_bytes;
  note_stats();
  const int64_t rows = model->config().vocabulary_size;
  if (tokenizer->vocabulary_size() > rows) {
    fail(ErrorCode::invalid_file,
         "tokenizer.ggml.tokens has {} tokens, but token_embd.weight has rows for {} only",
         tokenizer->vocabulary_size(), rows);
  }
}

std::unique_ptr<Engine> Engine::load(std::shared_ptr<const GgufFile> file,
                                     std::shared_ptr<const Tokenizer> tokenizer,
                                     const EngineOptions& options) {
  ModelConfig config = read_model_config(*file);
  if (options.rope_scaling) config = with_rope_scaling(std::move(config), *options.rope_scaling);
  const PlanInput input = {.config = config,
                           .weight_bytes = tensor_bytes(*file),
                           .available_bytes = options.available_bytes(0)};
  const EnginePlan plan = plan_engine(input, options);
  return std::unique_ptr<Engine>(
      new Engine(std::make_unique<Impl>(std::move(file), std::move(tokenizer), plan, options)));
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Engine::~Engine() {
  stop();
  impl_->scheduler.admit(impl_->inbox.take());
  impl_->scheduler.cancel_all();
  impl_->hand_out();
}

void Engine::load_adapter(const std::string& name, const GgufFile& file) {
  if (name.empty()) fail(ErrorCode::invalid_argument, "an adapter needs a name");
  const std::scoped_lock loading(impl_->loading_mutex);
  std::shared_ptr<const LoraAdapter> adapter = load_lora(
      file, *impl_->model, *impl_->backend, impl_->available_bytes(impl_->untouched_cache_bytes()));
  const std::scoped_lock lock(impl_->adapters_mutex);
  impl_->adapters[name] = {std::move(adapter), ++impl_->adapter_count, file.sha256()};
}

Json Engine::origin() const {
  Json origin = impl_->identity
                    ? impl_->identity()
                    : Json{{"model", {{"sha256", impl_->file->sha256()}}}, {"template", nullptr}};
  origin["engine"] = impl_->own_origin;
  return origin;
}

void Engine::unload_adapter(const std::string& name) {
  const std::scoped_lock lock(impl_->adapters_mutex);
  if (impl_->adapters.erase(name) == 0)
    fail(ErrorCode::not_found, "there is no adapter '{}' to be unloaded", name);
}

// Keys and values of another adapter, or another scale, are other numbers.
void Engine::Impl::choose_adapter(const Request& request, SequenceSetup& setup, Json& origin) {
  if (request.adapter.empty()) return;
  if (!std::isfinite(request.adapter_scale)) {
    fail(ErrorCode::invalid_argument, "adapter_scale must be a finite number, got {}",
         request.adapter_scale);
  }
  const std::scoped_lock lock(adapters_mutex);
  const auto found = adapters.find(request.adapter);
  if (found == adapters.end()) {
    std::vector<std::string> names;
    for (const auto& [name, adapter] : adapters) names.push_back(name);
    fail(ErrorCode::not_found, "there is no adapter '{}'; loaded are: {}", request.adapter,
         names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")));
  }
  setup.adapter = found->second.adapter;
  setup.adapter_scale = request.adapter_scale;
  if (request.receipt != ReceiptKind::none) {
    origin["adapter"] = {{"name", request.adapter},
                         {"sha256", found->second.digest},
                         {"scale", request.adapter_scale}};
  }
  setup.fingerprint += fmt::format("adapter {} {:a} ", found->second.id, request.adapter_scale);
}

std::shared_ptr<OutputStream> Engine::submit(Request request) {
  SequenceSetup setup;
  if (request.rope_scaling) {
    setup.rope = impl_->model->make_rope(*request.rope_scaling);
    setup.fingerprint += fmt::format("rope {} ", to_string(*request.rope_scaling));
  }
  Json origin;
  if (request.receipt != ReceiptKind::none) {
    origin = this->origin();
    if (request.rope_scaling)
      origin["rope_scaling"] = parse_json(to_string(*request.rope_scaling), "the RoPE scaling");
  }
  impl_->choose_adapter(request, setup, origin);
  setup.receipt = ReceiptHead(request.receipt, std::move(origin));
  std::unique_ptr<Sequence> sequence = impl_->admission.admit(std::move(request), std::move(setup));
  std::shared_ptr<OutputStream> stream = sequence->stream();
  impl_->inbox.put(std::move(sequence));
  return stream;
}

// What could still be thrown is the system's, such as memory for text: the requests at hand end
// with it, the engine lives on.
bool Engine::step() {
  bool did_something = true;
  const auto start = std::chrono::steady_clock::now();
  try {
    did_something = impl_->run_step();
  } catch (const Error& error) {
    impl_->scheduler.finish_all_with(error);
    impl_->hand_out();
  } catch (const std::exception& error) {
    impl_->scheduler.finish_all_with(Error(ErrorCode::internal, error.what()));
    impl_->hand_out();
  }
  if (did_something) {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    impl_->step_s += elapsed.count();
    ++impl_->step_count;
  }
  impl_->note_stats();
  return did_something;
}

// Whoever reads the end of an answer finds it gone from the stats.
void Engine::Impl::hand_out() {
  scheduler.release_finished();
  note_stats();
  scheduler.deliver();
}

void Engine::Impl::note_stats() {
  const std::scoped_lock lock(stats_mutex);
  stats = {.waiting_count = scheduler.waiting_count(),
           .running_count = scheduler.running_count(),
           .block_count = pool.block_count(),
           .free_block_count = pool.free_count(),
           .cached_block_count = pool.idle_count(),
           .preemption_count = scheduler.preemption_count(),
           .step_count = step_count,
           .computed_rows = computed_rows,
           .step_s = step_s,
           .forward_s = forward_s};
}

int64_t Engine::Impl::adapter_bytes() const {
  const std::scoped_lock lock(adapters_mutex);
  int64_t bytes = 0;
  for (const auto& [name, adapter] : adapters) bytes += adapter.adapter->size_bytes();
  return bytes;
}

// The system gives the cache's memory as it is written.
int64_t Engine::Impl::untouched_cache_bytes() const {
  const std::scoped_lock lock(stats_mutex);
  return plan.kv_bytes / stats.block_count * stats.free_block_count;
}

void Engine::Impl::run_calls() {
  for (const std::function<void()>& call : inbox.take_calls()) call();
}

bool Engine::reset_prefix_cache() {
  const auto reset = [this] {
    const bool is_empty = impl_->scheduler.reset_cache();
    impl_->note_stats();
    return is_empty;
  };
  if (!impl_->thread.joinable()) return reset();
  std::promise<bool> is_empty;
  impl_->inbox.put_call([&] { is_empty.set_value(reset()); });
  return is_empty.get_future().get();
}

bool Engine::Impl::run_step() {
  run_calls();
  scheduler.admit(inbox.take());
  scheduler.cancel_marked();
  hand_out();
  const Batch& batch = scheduler.next_batch(pace.rows(scheduler.is_decoding()));
  if (batch.empty()) return false;
  for (const BlockCopy& copy : scheduler.copies()) kv->copy_block(copy.from, copy.to);

  const auto start = std::chrono::steady_clock::now();
  const StepOutput output = model->forward(batch, *kv, *workspace);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  forward_s += elapsed.count();
  computed_rows += static_cast<int64_t>(batch.ids.size());
  pace.measured(scheduler.prompt_row_count(), scheduler.decode_row_count(), elapsed.count());

  scheduler.commit();
  int64_t row = 0;
  for (const auto& [sequence, position] : scheduler.logit_rows()) {
    const std::span<float> row_logits = output.logits.row(row++);
    if (position + 1 < sequence->size()) {
      const TokenId next = sequence->tokens()[static_cast<size_t>(position + 1)];
      const int64_t count = sequence->sampling().params.prompt_logprobs;
      sequence->append_score(position, sampler.score(row_logits, next, count));
    } else {
      sequence->append(sampler.sample(row_logits, sequence->tokens(), sequence->sampling()));
    }
  }
  row = 0;
  for (const auto& [sequence, position] : scheduler.hidden_rows())
    sequence->append_hidden(position, output.hidden.row(row++));
  hand_out();
  return true;
}

void Engine::start() {
  SPARROW_CHECK(!impl_->thread.joinable());
  impl_->inbox.reopen();
  impl_->thread = std::thread([this] {
    while (!impl_->inbox.is_closed()) {
      if (!step()) impl_->inbox.wait();
    }
  });
}

void Engine::stop() {
  if (!impl_->thread.joinable()) return;
  impl_->inbox.close();
  impl_->thread.join();
  impl_->run_calls();
}

EngineStats Engine::stats() const {
  const std::scoped_lock lock(impl_->stats_mutex);
  EngineStats stats = impl_->stats;
  stats.waiting_count += impl_->inbox.size();
  stats.adapter_bytes = impl_->adapter_bytes();
  return stats;
}

void Engine::check() const { impl_->scheduler.check(); }

const EnginePlan& Engine::plan() const { return impl_->plan; }
const Model& Engine::model() const { return *impl_->model; }
const Tokenizer& Engine::tokenizer() const { return *impl_->tokenizer; }

}  // namespace sparrow::engine
