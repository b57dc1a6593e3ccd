#include "apps/cli/bench_compare.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "store/child_process.h"

namespace sparrow::cli {
namespace {

// The JSON value that begins at the first bracket that one can be read from.
std::optional<Json> find_json(std::string_view output) {
  for (size_t at = output.find_first_of("{["); at != std::string_view::npos;
       at = output.find_first_of("{[", at + 1)) {
    const size_t end = output.find_last_of(output[at] == '{' ? '}' : ']');
    if (end == std::string_view::npos || end < at) continue;
    try {
      return parse_json(output.substr(at, end + 1 - at), "the other program's output");
    } catch (const Error&) {
      continue;  // a bracket in some other line
    }
  }
  return std::nullopt;
}

int64_t count_or(const Json& object, const char* key, int64_t fallback) {
  return object.contains(key) && object[key].is_number() ? object[key].get<int64_t>() : fallback;
}

// What can be a time or a size; 0 for anything else.
double number_or_0(const Json& object, const char* key) {
  if (!object.contains(key) || !object[key].is_number()) return 0;
  const double number = object[key].get<double>();
  return number > 0 && number < 1e15 ? number : 0;
}

std::vector<OtherRate> rates_of(const Json& rows, const char* depth, const char* rate) {
  std::vector<OtherRate> rates;
  for (const Json& row : rows) {
    if (!row.is_object() || !row.contains(rate) || !row[rate].is_number()) continue;
    rates.push_back({{.n_prompt = count_or(row, "n_prompt", 0),
                      .n_gen = count_or(row, "n_gen", 0),
                      .depth = count_or(row, depth, 0),
                      .batch = count_or(row, "batch", 1)},
                     row[rate].get<double>()});
  }
  return rates;
}

std::vector<OtherRate> first_rates(const Json& object, const std::vector<BenchTest>& tests) {
  std::vector<OtherRate> rates;
  const auto add = [&](const char* key, const auto& is_meant) {
    const auto test = std::find_if(tests.begin(), tests.end(), is_meant);
    if (object.contains(key) && object[key].is_number() && test != tests.end())
      rates.push_back({*test, object[key].get<double>()});
  };
  add("prefill_tokens_per_second", [](const BenchTest& t) { return t.n_prompt > 0; });
  add("decode_tokens_per_second", [](const BenchTest& t) { return t.n_gen > 0 && t.batch == 1; });
  return rates;
}

}  // namespace

OtherReport parse_other_report(std::string_view output, const std::vector<BenchTest>& tests) {
  OtherReport report;
  if (const std::optional<Json> json = find_json(output)) {
    if (json->is_array()) {
      report.rates = rates_of(*json, "n_depth", "avg_ts");
    } else if (json->contains("tests")) {
      report.rates = rates_of((*json)["tests"], "depth", "tokens_per_second");
      report.load_s = number_or_0(*json, "load_seconds");
      report.peak_bytes = static_cast<int64_t>(number_or_0(*json, "peak_memory_bytes"));
    } else {
      report.rates = first_rates(*json, tests);
      report.load_s = number_or_0(*json, "load_ms") / 1000;
      report.peak_bytes = static_cast<int64_t>(number_or_0(*json, "peak_rss_mb") * 1024) * 1024;
    }
  }
  if (report.rates.empty()) {
    const size_t kept = std::min<size_t>(output.size(), 200);
    fail(
        ErrorCode::invalid_argument,
        "the other program printed no rates: JSON of `sparrow bench`, of `llama-bench -o json`, or "
        "with prefill_tokens_per_second and decode_tokens_per_second is understood; it ended in: "
        "{}",
        output.substr(output.size() - kept));
  }
  return report;
}

std::vector<std::string> split_command(std::string_view command) {
  std::vector<std::string> words;
  std::string word;
  bool is_word = false;
  char quote = 0;
  for (const char c : command) {
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      is_word = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      if (is_word) words.push_back(std::move(word));
      word.clear();
      is_word = false;
    } else {
      word += c;
      is_word = true;
    }
  }
  if (quote != 0)
    fail(ErrorCode::invalid_argument, "--compare has a {} that does not end: {}", quote, command);
  if (is_word) words.push_back(std::move(word));
  if (words.empty()) fail(ErrorCode::invalid_argument, "--compare needs a command, got none");
  return words;
}

std::string run_command(const std::vector<std::string>& words) {
  std::optional<ChildProcess> child = ChildProcess::start(words, ".");
  if (!child) fail(ErrorCode::invalid_argument, "--compare cannot start '{}'", words.front());
  std::string output;
  while (child->read_output(output, 1000)) {
  }
  if (const int code = child->exit_code(); code != 0) {
    const size_t kept = std::min<size_t>(output.size(), 400);
    fail(ErrorCode::invalid_argument, "--compare: '{}' ended with exit code {}: {}", words.front(),
         code, output.substr(output.size() - kept));
  }
  return output;
}

}  // namespace sparrow::cli
