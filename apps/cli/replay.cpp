// sparrow replay FILE: makes answers again from their receipts and says whether they are the same.
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "apps/cli/command.h"
#include "apps/cli/display_text.h"
#include "apps/cli/engine_flags.h"
#include "apps/cli/numbers.h"
#include "base/error.h"
#include "base/json.h"
#include "engine/receipt.h"
#include "sparrow/engine.h"

namespace sparrow::cli {
namespace {

struct ReplayFlags {
  std::string file;
  std::string model;  // empty: the one that each receipt names
  std::optional<int> threads;
};

// As the engine of the receipt was loaded.
EngineOptions options_of(const Receipt& receipt, const ReplayFlags& flags) {
  EngineOptions options;
  options.thread_count = flags.threads.value_or(0);
  options.max_sequences = 1;
  const Json& engine = receipt.origin.at("engine");
  options.kv_cache_type = engine.value("kv_cache_type", options.kv_cache_type);
  options.activations = engine.value("activations", options.activations);
  if (engine.contains("rope_scaling"))
    options.rope_scaling = parse_rope_scaling(engine.at("rope_scaling").dump());
  return options;
}

// Loads each model once, if the receipts that name it follow one another.
class Replayer {
 public:
  explicit Replayer(const ReplayFlags& flags) : flags_(flags) {}

  // Whether the answer is the same.
  bool replay(const std::string& text, int64_t line) {
    const Receipt receipt = parse_receipt(text);
    const std::string key = receipt.origin.dump();
    if (engine_ == nullptr || key != key_) {
      engine_.reset();  // two models need not fit at once
      engine_ = Engine::load(model_of(receipt), options_of(receipt, flags_));
      key_ = key;
    }
    const Replay replay = engine_->replay(text);
    std::printf("line %s: %s\n", grouped(line).c_str(), verdict(replay, receipt).c_str());
    for (const std::string& difference : replay.differences)
      std::printf("  %s\n", difference.c_str());
    return replay.is_same;
  }

 private:
  std::string model_of(const Receipt& receipt) const {
    if (!flags_.model.empty()) return flags_.model;
    const Json& model = receipt.origin.at("model");
    if (model.is_object() && model.contains("name") && model.at("name").is_string())
      return model.at("name").get<std::string>();
    fail(ErrorCode::invalid_argument, "the receipt names no model; --model does");
  }

  static std::string verdict(const Replay& replay, const Receipt& receipt) {
    const std::string count = grouped(receipt.answer_tokens);
    if (replay.is_same) return fmt::format("the same {} tokens", count);
    if (replay.first_difference < 0) return fmt::format("not the same {} tokens", count);
    return fmt::format("differs from token {} of {} on", grouped(replay.first_difference + 1),
                       count);
  }

  const ReplayFlags& flags_;
  std::string key_;
  std::shared_ptr<Engine> engine_;
};

void replay_file(const ReplayFlags& flags) {
  std::ifstream file(flags.file);
  if (!file) fail(ErrorCode::not_found, "cannot read {}", flags.file);
  Replayer replayer(flags);
  int64_t line = 0;
  int64_t different = 0;
  for (std::string text; std::getline(file, text);) {
    ++line;
    if (text.empty()) continue;
    try {
      if (!replayer.replay(text, line)) ++different;
    } catch (const Error& error) {
      fail(error.code(), "{}, line {}: {}", flags.file, line, error.what());
    }
  }
  if (line == 0) fail(ErrorCode::invalid_argument, "{} holds no receipt", flags.file);
  if (different > 0) throw CLI::RuntimeError(1);
}

}  // namespace

void set_up_replay(CLI::App& app) {
  const auto flags = std::make_shared<ReplayFlags>();
  app.add_option("file", flags->file,
                 "Receipts, one a line, as `sparrow run --receipt FILE` writes them")
      ->required();
  app.add_option("--model", flags->model, "In place of the one that the receipts name");
  add_threads_flag(app, flags->threads);
  app.callback([flags] { replay_file(*flags); });
}

}  // namespace sparrow::cli
