// sparrow logits: what a model thinks comes next, as numbers: the way to compare it with another
// implementation.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <numeric>

#include "api/model_source.h"
#include "apps/cli/command.h"
#include "apps/cli/engine_flags.h"
#include "apps/cli/npy.h"
#include "base/elapsed.h"
#include "base/error.h"
#include "base/json.h"
#include "gguf/gguf_file.h"
#include "model/model.h"

namespace sparrow::cli {
namespace {

using Clock = std::chrono::steady_clock;

// The reference's arithmetic.
constexpr const char* kKvType = "f32";
constexpr const char* kActivations = "f32";

struct LogitsOptions {
  std::string model;
  std::string ids;
  std::string output;
  int64_t chunk = 64;
  int64_t greedy_count = 0;
  EngineFlags engine;
  bool is_verbose = false;
};

// "1,2,3": every id inside the vocabulary.
std::vector<int32_t> parse_ids(const std::string& text, int64_t vocabulary_size) {
  std::vector<int32_t> ids;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    int64_t id = 0;
    const auto [stop, error] = std::from_chars(at, end, id);
    const bool is_number = error == std::errc() || error == std::errc::result_out_of_range;
    if (!is_number || (stop != end && *stop != ',')) {
      fail(ErrorCode::invalid_argument,
           "--ids must be token ids with commas between them, such as 1,2,3; got '{}'", text);
    }
    if (error != std::errc() || id < 0 || id >= vocabulary_size) {
      fail(ErrorCode::invalid_argument, "--ids must be 0 to {}, got {}", vocabulary_size - 1,
           std::string(at, stop));
    }
    ids.push_back(static_cast<int32_t>(id));
    if (stop == end) return ids;
    at = stop + 1;
  }
}

// One sequence in a cache that holds just it.
class Session {
 public:
  Session(const Model& model, KvType kv_type, int64_t chunk, int64_t position_count)
      : model_(model), chunk_(chunk) {
    constexpr int64_t kBlockTokens = 32;
    blocks_.resize(static_cast<size_t>((position_count + kBlockTokens - 1) / kBlockTokens));
    std::iota(blocks_.begin(), blocks_.end(), BlockId{0});
    kv_ = model.make_kv_memory(kv_type, static_cast<int64_t>(blocks_.size()), kBlockTokens);
    workspace_ = model.make_workspace(
        {.max_rows = chunk, .max_logit_rows = chunk, .max_positions = position_count});
  }

  // Calls take(logits of one step) until all ids are read.
  template <typename Take>
  void read(std::span<const int32_t> ids, const Take& take) {
    while (!ids.empty()) {
      const int64_t rows = std::min(chunk_, static_cast<int64_t>(ids.size()));
      take(step(ids.first(static_cast<size_t>(rows))));
      ids = ids.subspan(static_cast<size_t>(rows));
    }
  }

 private:
  Logits step(std::span<const int32_t> ids) {
    const int64_t rows = static_cast<int64_t>(ids.size());
    std::vector<int32_t> positions(ids.size());
    std::iota(positions.begin(), positions.end(), static_cast<int32_t>(length_));
    std::vector<int64_t> logit_rows(ids.size());
    std::iota(logit_rows.begin(), logit_rows.end(), int64_t{0});
    const BatchSequence sequence = {0, rows, length_, blocks_};
    length_ += rows;
    return model_.forward({ids, positions, {&sequence, 1}, logit_rows}, *kv_, *workspace_).logits;
  }

  const Model& model_;
  int64_t chunk_;
  int64_t length_ = 0;
  std::vector<BlockId> blocks_;
  std::unique_ptr<KvMemory> kv_;
  std::unique_ptr<Workspace> workspace_;
};

struct Choice {
  int32_t id = 0;
  float gap = 0;  // to the second largest logit
};

// Of equals the lowest id, as everywhere.
Choice choose(std::span<const float> logits) {
  size_t best = 0;
  for (size_t i = 1; i < logits.size(); ++i) {
    if (logits[i] > logits[best]) best = i;
  }
  float second = -INFINITY;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (i != best) second = std::max(second, logits[i]);
  }
  return {static_cast<int32_t>(best), logits[best] - second};
}

// Writes the prompt's logits; what follows greedily goes to stdout as one line of JSON.
void run_session(Session& session, std::span<const int32_t> ids, const LogitsOptions& options,
                 const ModelConfig& config) {
  NpyWriter npy(options.output, {static_cast<int64_t>(ids.size()), config.vocabulary_size});
  const Clock::time_point start = Clock::now();
  Choice choice;
  const auto note_choice = [&](const Logits& logits) {
    choice = choose(logits.values.last(static_cast<size_t>(config.vocabulary_size)));
  };
  session.read(ids, [&](const Logits& logits) {
    npy.write(logits.values);
    note_choice(logits);
  });
  npy.finish();
  const double prefill_s = seconds_since(start);
  Json answer = {{"ids", Json::array()}, {"gaps", Json::array()}};
  const Clock::time_point decode_start = Clock::now();
  for (int64_t i = 0; i < options.greedy_count; ++i) {
    answer["ids"].push_back(choice.id);
    answer["gaps"].push_back(choice.gap);
    if (i + 1 < options.greedy_count) session.read({&choice.id, 1}, note_choice);
  }
  if (options.greedy_count > 0) std::printf("%s\n", answer.dump().c_str());
  if (!options.is_verbose) return;
  std::fprintf(stderr, "prompt: %zu tokens in %.3f s (%.1f tokens/s)\n", ids.size(), prefill_s,
               static_cast<double>(ids.size()) / prefill_s);
  if (options.greedy_count > 1) {
    const double decode_s = seconds_since(decode_start);
    std::fprintf(stderr, "answer: %lld tokens in %.3f s (%.1f tokens/s)\n",
                 static_cast<long long>(options.greedy_count - 1), decode_s,
                 static_cast<double>(options.greedy_count - 1) / decode_s);
  }
}

void write_logits(const LogitsOptions& options) {
  const KvType kv_type = parse_kv_type(options.engine.kv_type.value_or(kKvType));
  const StoredModel stored = find_model(options.model);
  const Clock::time_point start = Clock::now();
  const std::shared_ptr<const GgufFile> file = GgufFile::open(stored.model_path);
  const ModelConfig config = read_model_config(*file);
  const std::vector<int32_t> ids = parse_ids(options.ids, config.vocabulary_size);
  const int64_t position_count = static_cast<int64_t>(ids.size()) + options.greedy_count;
  if (position_count > config.context_length) {
    fail(ErrorCode::context_full, "{} ids and {} tokens to follow, but the context holds {}",
         ids.size(), options.greedy_count, config.context_length);
  }
  const std::unique_ptr<Backend> backend = make_cpu_backend(
      {.thread_count = options.engine.threads.value_or(0),
       .activations = parse_activation_mode(options.engine.activations.value_or(kActivations))});
  const std::unique_ptr<Model> model = load_model(file, *backend);
  if (options.is_verbose) std::fprintf(stderr, "load: %.3f s\n", seconds_since(start));
  const int64_t chunk = std::min(options.chunk, static_cast<int64_t>(ids.size()));
  Session session(*model, kv_type, chunk, position_count);
  run_session(session, ids, options, config);
}

}  // namespace

void set_up_logits(CLI::App& app) {
  const auto options = std::make_shared<LogitsOptions>();
  app.add_option("model", options->model, "A .gguf file, or a model by name")->required();
  app.add_option("--ids", options->ids, "The prompt's token ids, such as 1,2,3")->required();
  app.add_option("-o,--output", options->output, "The .npy file to write: f32, [ids, vocabulary]")
      ->required();
  app.add_option("--chunk", options->chunk, "Tokens computed in one step; changes no number")
      ->check(CLI::Range(int64_t{1}, int64_t{4096}))
      ->capture_default_str();
  app.add_option("--greedy", options->greedy_count,
                 "Continue by this many most likely tokens and print them as JSON")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 24));
  add_engine_flags(app, options->engine, kKvType, kActivations);
  app.add_flag("--verbose", options->is_verbose, "Print times on stderr");
  app.callback([options] { write_logits(*options); });
}

}  // namespace sparrow::cli
