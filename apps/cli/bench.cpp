// sparrow bench: how fast a model runs here, beside what this machine could do at best, and beside
// another program's bench if one is named.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>

#include "api/model_source.h"
#include "apps/cli/bench_compare.h"
#include "apps/cli/bench_tests.h"
#include "apps/cli/command.h"
#include "apps/cli/engine_flags.h"
#include "apps/cli/inspect_report.h"
#include "apps/cli/numbers.h"
#include "apps/cli/progress_bar.h"
#include "base/elapsed.h"
#include "base/error.h"
#include "base/memory_info.h"
#include "gguf/gguf_file.h"

namespace sparrow::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct BenchOptions {
  std::string model;
  std::vector<int64_t> prompts = {512};
  std::vector<int64_t> generations = {128};
  std::vector<int64_t> depths = {0};
  std::vector<int64_t> batches = {1};
  EngineFlags engine;
  int repetitions = 5;
  bool is_json = false;
  bool is_csv = false;
  std::string compare;
};

struct BenchReport {
  ModelReport model;
  double load_s = 0;
  double first_token_s = 0;  // from the start of loading
  int64_t peak_bytes = 0;
  std::vector<BenchResult> results;
  std::vector<double> other_loads_s;  // of the program compared with, if it tells
  int64_t other_peak_bytes = 0;
};

// "VmHWM" or "VmRSS" of this process; 0 where the system does not say.
int64_t memory_line(std::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name)) {
      const size_t digits = line.find_first_of("0123456789");
      return digits == std::string::npos ? 0 : std::atoll(line.c_str() + digits) * 1024;
    }
  }
  return 0;
}

void note_other_report(BenchReport& report, const std::vector<BenchTest>& tests,
                       const std::vector<std::string>& command) {
  const OtherReport other = parse_other_report(run_command(command), tests);
  for (const OtherRate& rate : other.rates) {
    for (BenchResult& result : report.results) {
      if (result.test == rate.test) result.other_rates.push_back(rate.tokens_per_second);
    }
  }
  if (other.load_s > 0) report.other_loads_s.push_back(other.load_s);
  report.other_peak_bytes = std::max(report.other_peak_bytes, other.peak_bytes);
}

BenchReport measure(const BenchOptions& options) {
  const std::vector<BenchTest> tests =
      bench_tests(options.prompts, options.generations, options.depths, options.batches);
  if (tests.empty()) fail(ErrorCode::invalid_argument, "-p 0 and -n 0 leave nothing to measure");
  const std::vector<std::string> command =
      options.compare.empty() ? std::vector<std::string>{} : split_command(options.compare);
  const KvType kv_type = parse_kv_type(options.engine.kv_type.value_or("f16"));

  const StoredModel stored = find_model(options.model);
  BenchReport report;
  ProgressBar bar;
  // Only for a person who waits: a log would get a line for every test of every round.
  const auto show = [&, is_seen = stderr_is_terminal()](std::string_view status, uint64_t completed,
                                                        uint64_t total) {
    if (is_seen) bar.update(status, completed, total);
  };
  const int64_t rounds = options.repetitions + 1;
  const uint64_t all = static_cast<uint64_t>(rounds) * tests.size();
  const Clock::time_point start = Clock::now();
  const std::shared_ptr<const GgufFile> file = GgufFile::open(stored.model_path);
  report.model = make_report(*file);
  const std::unique_ptr<Backend> backend = make_cpu_backend(
      {.thread_count = options.engine.threads.value_or(0),
       .activations = parse_activation_mode(options.engine.activations.value_or("auto"))});
  const std::unique_ptr<Model> model =
      load_model(file, *backend, {.on_progress = [&](double share) {
                   show("loading", static_cast<uint64_t>(share * 100), 100);
                 }});
  report.load_s = seconds_since(start);
  BenchRunner runner(*model, kv_type, tests);
  runner.run({.n_gen = 1});
  report.first_token_s = seconds_since(start);

  const ModelWork work = model_work(*file, model->config(), kv_type);
  for (const BenchTest& test : tests)
    report.results.push_back({.test = test, .rates = {}, .limits = {}, .other_rates = {}});
  uint64_t done = 0;
  for (int64_t round = 0; round < rounds; ++round) {
    // The first round warms up: it touches all memory, of which the peak is then known before the
    // probe takes some of its own.
    for (BenchResult& result : report.results) {
      show(result.test.name(), done++, all);
      const double seconds = runner.run(result.test);
      if (round > 0)
        result.rates.push_back(static_cast<double>(result.test.token_count()) / seconds);
    }
    if (round == 0) report.peak_bytes = memory_line("VmHWM");
    if (round > 0 && !command.empty()) {
      show(command.front(), done, all);
      note_other_report(report, tests, command);
    }
  }
  for (BenchResult& result : report.results) {
    show("what the machine can do", all, all);
    result.limits = backend->measure_limits();
    result.share_of_limit = share_of_limit(result.test, result.median(), work, result.limits);
  }
  bar.clear();
  return report;
}

void print_table(const BenchReport& report, bool compares) {
  const MachineLimits& limits = report.results.front().limits;
  fmt::print("model     {} {}, {}\n", report.model.architecture, report.model.file_type,
             format_bytes(static_cast<int64_t>(report.model.size_bytes)));
  fmt::print("machine   {}, {} threads: {:.0f} G products/s, {:.1f} GB/s of memory read\n",
             limits.instruction_set, limits.thread_count, limits.products_per_second / 1e9,
             limits.read_bytes_per_second / 1e9);
  fmt::print("loading   {}, first token after {}; {} of memory at most\n",
             short_time(report.load_s), short_time(report.first_token_s),
             format_bytes(report.peak_bytes));
  if (!report.other_loads_s.empty() || report.other_peak_bytes > 0) {
    const auto or_dash = [](bool is_told, const std::string& text) { return is_told ? text : "-"; };
    fmt::print("other     {} to load; {} of memory at most\n",
               or_dash(!report.other_loads_s.empty(), short_time(median_of(report.other_loads_s))),
               or_dash(report.other_peak_bytes > 0, format_bytes(report.other_peak_bytes)));
  }
  fmt::print("\n");
  fmt::print("{:<20}{:>12}{:>10}{:>12}", "test", "tokens/s", "spread", "of limit");
  fmt::print("{}\n", compares ? fmt::format("{:>12}{:>8}", "other", "ratio") : "");
  for (const BenchResult& result : report.results) {
    fmt::print("{:<20}{:>12.2f}{:>9.1f}%{:>11.0f}%", result.test.name(), result.median(),
               100 * result.spread(), 100 * result.share_of_limit);
    const double other = median_of(result.other_rates);
    if (compares && other > 0) {
      fmt::print("{:>12.2f}{:>7.2f}x", other, result.median() / other);
    } else if (compares) {
      fmt::print("{:>12}{:>8}", "-", "-");
    }
    fmt::print("\n");
  }
}

Json to_json(const BenchReport& report) {
  const MachineLimits& limits = report.results.front().limits;
  Json json = {{"model",
                {{"architecture", report.model.architecture},
                 {"name", report.model.name},
                 {"file_type", report.model.file_type},
                 {"size_bytes", report.model.size_bytes}}},
               {"isa", limits.instruction_set},
               {"threads", limits.thread_count},
               {"load_seconds", report.load_s},
               {"first_token_seconds", report.first_token_s},
               {"peak_memory_bytes", report.peak_bytes},
               {"tests", Json::array()}};
  for (const BenchResult& result : report.results) {
    Json row = {{"name", result.test.name()},
                {"n_prompt", result.test.n_prompt},
                {"n_gen", result.test.n_gen},
                {"depth", result.test.depth},
                {"batch", result.test.batch},
                {"tokens_per_second", result.median()},
                {"spread", result.spread()},
                {"samples", result.rates},
                {"share_of_limit", result.share_of_limit},
                {"products_per_second", result.limits.products_per_second},
                {"read_bytes_per_second", result.limits.read_bytes_per_second}};
    if (!result.other_rates.empty()) {
      row["other_tokens_per_second"] = median_of(result.other_rates);
      row["ratio"] = result.median() / median_of(result.other_rates);
    }
    json["tests"].push_back(row);
  }
  if (!report.other_loads_s.empty()) json["other_load_seconds"] = median_of(report.other_loads_s);
  if (report.other_peak_bytes > 0) json["other_peak_memory_bytes"] = report.other_peak_bytes;
  return json;
}

void print_csv(const BenchReport& report) {
  fmt::print(
      "name,n_prompt,n_gen,depth,batch,tokens_per_second,spread,share_of_limit,"
      "other_tokens_per_second\n");
  for (const BenchResult& result : report.results) {
    const BenchTest& test = result.test;
    const double other = median_of(result.other_rates);
    fmt::print("{},{},{},{},{},{:.3f},{:.4f},{:.4f},{}\n", test.name(), test.n_prompt, test.n_gen,
               test.depth, test.batch, result.median(), result.spread(), result.share_of_limit,
               other > 0 ? fmt::format("{:.3f}", other) : "");
  }
}

void run_bench(const BenchOptions& options) {
  if (options.is_json && options.is_csv)
    fail(ErrorCode::invalid_argument, "--json and --csv exclude each other");
  const BenchReport report = measure(options);
  if (options.is_json) {
    fmt::print("{}\n", to_json(report).dump());
  } else if (options.is_csv) {
    print_csv(report);
  } else {
    print_table(report, !options.compare.empty());
  }
}

CLI::Option* add_list(CLI::App& app, const char* flag, std::vector<int64_t>& values,
                      const char* help, int64_t least) {
  return app.add_option(flag, values, help)
      ->delimiter(',')
      ->check(CLI::Range(least, int64_t{1} << 24))
      ->capture_default_str();
}

}  // namespace

void set_up_bench(CLI::App& app) {
  const auto options = std::make_shared<BenchOptions>();
  app.add_option("model", options->model, "A .gguf file, or a model by name")->required();
  add_list(app, "-p,--prompt", options->prompts, "Lengths of prompts to read; 0: none", 0);
  add_list(app, "-n,--gen", options->generations, "Numbers of tokens to generate; 0: none", 0);
  add_list(app, "-d,--depth", options->depths, "Tokens that are in the cache before", 0);
  add_list(app, "-b,--batch", options->batches, "Sequences that generate together", 1);
  add_engine_flags(app, options->engine);
  app.add_option("-r,--repetitions", options->repetitions, "Runs of each test after the first")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_flag("--json", options->is_json, "Print one JSON object");
  app.add_flag("--csv", options->is_csv, "Print comma-separated lines");
  app.add_option("--compare", options->compare,
                 "Another program's bench, run in alternation: a command that prints JSON as this "
                 "one does, or as llama-bench -o json")
      ->type_name("CMD");
  app.callback([options] { run_bench(*options); });
}

}  // namespace sparrow::cli
