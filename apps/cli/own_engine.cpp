#include "apps/cli/own_engine.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "api/model_defaults.h"
#include "api/model_pool_access.h"
#include "apps/cli/inspect_report.h"
#include "apps/cli/numbers.h"
#include "apps/cli/progress_bar.h"
#include "base/elapsed.h"
#include "base/error.h"
#include "base/memory_info.h"

namespace sparrow::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kPollMs = 50;  // how soon Ctrl-C is noticed
constexpr int kStatsPolls = 4;

OpenedModel open_and_say(StoredModel stored) {
  OpenedModel model = open_model(std::move(stored));
  if (model.chat_template->is_built_in()) {
    std::fprintf(stderr, "The file has no chat template; using the built-in '%s'.\n",
                 model.chat_template->built_in_name().c_str());
  }
  return model;
}

// "1.5B", "135M": what the manifest says, else as counted.
std::string size_text(const StoredModel& stored, int64_t count) {
  const auto said = stored.config.find("model_type");
  if (said != stored.config.end() && said->is_string()) return said->get<std::string>();
  const auto number = static_cast<double>(count);
  if (count >= 1000 * 1000 * 1000) return fmt::format("{:.1f}B", number / 1e9);
  return count >= 1000 * 1000 ? fmt::format("{:.0f}M", number / 1e6) : grouped(count);
}

std::string quantization_text(const ModelReport& report) {
  if (!report.file_type.empty()) return report.file_type;
  return report.types.empty() ? "none" : "mostly " + report.types.front().type;
}

std::string license_of(const OpenedModel& model) {
  if (!model.stored.license.empty()) return model.stored.license;
  return std::string(model.file->metadata().find_string("general.license").value_or(""));
}

ModelFacts facts_of(const OpenedModel& model) {
  const ModelReport report = make_report(*model.file);
  ModelFacts facts = {.name = model.name(),
                      .architecture = report.architecture,
                      .size = size_text(model.stored, report.parameter_count),
                      .quantization = quantization_text(report),
                      .chat_template = model.chat_template->source(),
                      .license = license_of(model),
                      .params = model_params(model.stored, model.file->metadata()),
                      .system = model.stored.system,
                      .context = saved_context(model.stored),
                      .messages = messages_from_json(model.stored.messages, model.name())};
  if (report.config) {
    facts.context_length = report.config->context_length;
    facts.embedding_length = report.config->hidden_size;
  }
  return facts;
}

// Throws Error{context_full}.
void check_raw_fits(const std::vector<TokenId>& ids, int64_t context_tokens) {
  const auto count = static_cast<int64_t>(ids.size());
  if (count < context_tokens) return;
  fail(ErrorCode::context_full,
       "the prompt has {} tokens, and the context has {}; --context makes it larger, up to "
       "the model's",
       grouped(count), grouped(context_tokens));
}

}  // namespace

OwnEngine::OwnEngine(Store& store, ModelPool& pool, StoredModel stored, EngineOptions options)
    : store_(store), pool_(pool), options_(std::move(options)) {
  const Clock::time_point start = Clock::now();
  model_ = open_and_say(std::move(stored));
  facts_ = facts_of(model_);
  open_s_ = seconds_since(start);
}

std::vector<std::pair<std::string, std::string>> OwnEngine::details() const {
  const EngineInfo& info = engine_->info();
  const bool is_file = model_.stored.digest.empty();
  return {
      {is_file ? "file" : "ID",
       is_file ? model_.stored.model_path : model_.stored.digest.substr(0, 12)},
      {"context", grouped(info.context_length) + " tokens"},
      {"weights", format_bytes(info.weight_bytes)},
      {"KV cache", fmt::format("{}, {}", info.kv_cache_type, format_bytes(info.kv_cache_bytes))},
  };
}

FittedPrompt OwnEngine::fit(const Question& question, int64_t context_tokens) const {
  if (question.raw) {
    FittedPrompt prompt = {.ids = encode_raw(model_, *question.raw)};
    check_raw_fits(prompt.ids, context_tokens);
    return prompt;
  }
  const ContextRoom room{context_tokens, answer_room(context_tokens, question.params.max_tokens)};
  return fit_messages(question.messages, room, [&](const std::vector<Message>& messages) {
    TemplateInput input;
    input.messages = to_json(messages);
    return model_.chat_template->encode(input, *model_.tokenizer);
  });
}

void OwnEngine::check_fits(const Question& question, int64_t context_tokens) const {
  fit(question, longest_context(model_, context_tokens, options_.rope_scaling));
}

// With a spinner on a terminal.
LoadedContext OwnEngine::load(int64_t context_tokens) {
  const Clock::time_point start = Clock::now();
  options_.context_length = context_tokens;
  Spinner spinner("loading " + facts_.name);
  engine_ = ModelPoolAccess::acquire(pool_, facts_.name, model_, {.engine = options_});
  const EngineInfo& info = engine_->info();
  LoadedContext context = {.tokens = info.context_length, .wanted = info.model_context_length};
  if (info.is_context_reduced) {
    context.why_less =
        fmt::format("for the weights take {} and {} of memory were free",
                    format_bytes(info.weight_bytes), format_bytes(info.available_bytes));
  }
  context.load_s = open_s_ + seconds_since(start);
  return context;
}

void OwnEngine::unload() {
  engine_.reset();
  pool_.unload_expired();
}

AnswerToken OwnEngine::token_text(const OutputToken& token) const {
  AnswerToken text = {.text = model_.tokenizer->token_bytes(token.id, true),
                      .logprob = token.logprob};
  for (const TokenLogprob& top : token.top)
    text.top.emplace_back(model_.tokenizer->token_bytes(top.id, true), top.logprob);
  return text;
}

Answer OwnEngine::answer(const Question& question, const AnswerSink& sink,
                         const InterruptScope* interrupts) {
  SPARROW_CHECK(is_loaded());
  FittedPrompt prompt = fit(question, engine_->info().context_length);
  if (prompt.dropped > 0) sink.on_dropped(prompt.dropped);
  const std::shared_ptr<OutputStream> stream =
      engine_->submit({.prompt = std::move(prompt.ids),
                       .params = question.params,
                       .receipt = question.wants_receipt ? ReceiptKind::full : ReceiptKind::none});
  Answer answer;
  const auto stop = [&] {
    stream->cancel();
    answer.finish_reason = FinishReason::cancelled;
  };
  while (answer.finish_reason == FinishReason::none) {
    const std::optional<TextDelta> delta = stream->next_within(kPollMs);
    if (interrupts != nullptr && interrupts->is_interrupted()) stop();
    if (!delta) continue;
    answer.text += delta->text;
    if (question.params.logprobs >= 0) {
      for (const OutputToken& token : delta->tokens) answer.tokens.push_back(token_text(token));
    }
    if (!sink.on_text(delta->text)) stop();
    if (delta->finish_reason != FinishReason::none) {
      answer.finish_reason = delta->finish_reason;
      answer.error = delta->error;
      answer.error_code = delta->error_code;
      answer.receipt = delta->receipt;
    }
  }
  // One that was stopped has its numbers once the engine has noticed, a step later.
  for (int i = 0; i < kStatsPolls && answer.receipt.empty(); ++i) {
    const std::optional<TextDelta> rest = stream->next_within(kPollMs);
    if (rest) answer.receipt = rest->receipt;
    if (stream->is_finished()) break;
  }
  answer.stats = stream->stats();
  return answer;
}

void OwnEngine::save(const std::string& name, const SavedLayers& layers) {
  store_.save(parse_model_name(name), model_.stored, layers);
}

}  // namespace sparrow::cli
