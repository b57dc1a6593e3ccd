#include "apps/cli/run_flags.h"

#include <fmt/format.h>

#include "apps/cli/repl_text.h"
#include "backend/backend.h"
#include "base/config_env.h"
#include "base/error.h"

namespace sparrow::cli {
namespace {

constexpr const char* kMoreWords = "words";

// CLI11 takes a word such as "[a, b]" for a list where a positional may have several values. So the
// prompt takes one, and what is left over is the rest of it; "words" takes none at all, but makes
// CLI11 leave what follows "--" to this command.
void add_prompt(CLI::App& app, RunFlags& flags) {
  app.add_option("prompt", flags.prompt, "The message; without one a chat begins");
  app.allow_extras();
  app.validate_positionals();
  const CLI::Validator none([](std::string&) { return std::string("left over"); }, "");
  app.add_option_function<std::string>(
         kMoreWords, [](const std::string&) {}, "More of it; after -- it may begin with a dash")
      ->check(none)
      ->type_name("TEXT...");
}

std::string flag_name(std::string_view field) {
  std::string name = "--" + std::string(field);
  for (char& c : name) {
    if (c == '_') c = '-';
  }
  return name;
}

void add_sampling_flags(CLI::App& app, RunFlags& flags) {
  for (const SamplingField& field : sampling_fields()) {
    const auto set = [&flags, name = field.name](const std::vector<std::string>& values) {
      std::vector<std::string>& all = flags.sampling[name];
      all.insert(all.end(), values.begin(), values.end());
      return true;
    };
    CLI::Option* option = nullptr;
    if (std::holds_alternative<bool SamplingParams::*>(field.member)) {
      option = app.add_flag_callback(flag_name(field.name), [set] { set({"true"}); });
    } else {
      option = app.add_option(flag_name(field.name), set)
                   ->expected(1)
                   ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
                   ->type_name("VALUE");
    }
    option
        ->description(fmt::format("{} ({}; {})", field.doc, field.range,
                                  sampling_field_text(SamplingParams{}, field)))
        ->group("Sampling");
  }
}

}  // namespace

void add_run_flags(CLI::App& app, RunFlags& flags) {
  app.add_option("model", flags.model, "A .gguf file, or a name that the store or the catalog has")
      ->required();
  add_prompt(app, flags);
  app.add_option("--system", flags.system, "The system message")->type_name("TEXT");
  app.add_option("--context", flags.context,
                 "Tokens the model can see at once (its own number, but at most 32768)")
      ->type_name("TOKENS")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 24));
  app.add_flag("--raw", flags.is_raw, "The prompt is its own template, control tokens and all");
  add_engine_flags(app, flags.engine);
  app.add_option(
         "--rope-scaling", flags.rope_scaling,
         "Stretch positions for longer contexts: yarn:4 (times), linear:4, llama3:8, none, or "
         "a JSON object with Hugging Face's names (the file's)")
      ->type_name("SCALING");
  app.add_flag_callback(
         "--server", [&flags] { flags.server = ServerUse::always; },
         "Have the running server answer, and nobody else")
      ->group("Server");
  app.add_flag_callback(
         "--no-server", [&flags] { flags.server = ServerUse::never; },
         "Answer with an engine of this program's own, also where a server runs")
      ->group("Server")
      ->excludes("--server");
  app.add_option(
         "--keep-alive,--keepalive", flags.keep_alive,
         "How long the server keeps the model loaded: 5m, 1h30m, -1 for good (the server's)")
      ->type_name("DURATION")
      ->group("Server");
  app.add_option("--receipt", flags.receipt,
                 "Append each answer's receipt to a file, for `sparrow replay`")
      ->type_name("FILE");
  app.add_flag("--verbose", flags.is_verbose, "Show timings and rates");
  app.add_flag("--nowordwrap", flags.no_wordwrap, "Do not wrap words at the terminal's edge");
  app.add_option("--format", flags.format, "Not in this version: refused")->type_name("FORMAT");
  add_sampling_flags(app, flags);
}

std::vector<std::string> prompt_words(const CLI::App& app, const RunFlags& flags) {
  std::vector<std::string> words;
  if (app.get_option("prompt")->count() > 0) words.push_back(flags.prompt);
  bool is_literal = false;
  for (const std::string& word : app.remaining()) {
    if (!is_literal && word == "--") {
      is_literal = true;
      continue;
    }
    if (!is_literal && word.size() > 1 && word[0] == '-') {
      fail(ErrorCode::invalid_argument,
           "there is no flag {}; `sparrow run --help` lists them, and after -- all belongs to the "
           "prompt",
           word);
    }
    words.push_back(word);
  }
  return words;
}

ChatSettings chat_settings(const RunFlags& flags) {
  if (!flags.format.empty()) fail(ErrorCode::invalid_argument, "{}", kFormatRefusal);
  ChatSettings settings;
  settings.system = flags.system;
  settings.context = flags.context;
  settings.receipt_path = flags.receipt;
  settings.is_raw = flags.is_raw;
  settings.is_verbose = flags.is_verbose;
  settings.wraps = !flags.no_wordwrap;
  ChatParams checked{SamplingParams{}};
  for (const SamplingField& field : sampling_fields()) {
    const auto values = flags.sampling.find(field.name);
    if (values == flags.sampling.end()) continue;
    checked.set(field.name, values->second);
    settings.parameters.emplace_back(field.name, values->second);
  }
  return settings;
}

AnswererOptions answerer_options(const RunFlags& flags) {
  AnswererOptions options;
  options.server = flags.server;
  if (options.server == ServerUse::if_there && config_env("SPARROW_NO_SERVER"))
    options.server = ServerUse::never;
  options.keep_alive = flags.keep_alive;
  EngineOptions& engine = options.engine;
  engine.max_sequences = 1;
  engine.thread_count = flags.engine.threads.value_or(0);
  if (flags.engine.kv_type) engine.kv_cache_type = to_string(parse_kv_type(*flags.engine.kv_type));
  if (flags.engine.activations) {
    parse_activation_mode(*flags.engine.activations);
    engine.activations = *flags.engine.activations;
  }
  if (!flags.rope_scaling.empty()) engine.rope_scaling = parse_rope_scaling(flags.rope_scaling);
  if (engine.rope_scaling) options.own_flag = "--rope-scaling";
  if (flags.engine.activations) options.own_flag = "--activations";
  if (flags.engine.kv_type) options.own_flag = "--kv-type";
  if (flags.engine.threads) options.own_flag = "--threads";
  return options;
}

}  // namespace sparrow::cli
