#include "api/model_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <ctime>
#include <optional>
#include <utility>

#include "base/error.h"
#include "store/catalog.h"
#include "store/disk.h"
#include "store/model_name.h"
#include "store/pull.h"

namespace sparrow {
namespace {

// Levenshtein's: how many characters must be changed, added or taken away.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row[b.size()];
}

[[noreturn]] void fail_unknown(const Store& store, const std::string& model) {
  std::vector<std::string> known;
  for (const StoredModel& stored : store.list()) known.push_back(stored.name.short_text());
  std::vector<std::string> names;  // of the catalog, for one who is far off
  for (const CatalogEntry& entry : catalog()) {
    names.push_back(entry.name);
    known.push_back(entry.name);
    known.insert(known.end(), entry.aliases.begin(), entry.aliases.end());
  }
  const std::vector<std::string> near = nearest_names(model, known, 3);
  if (!near.empty()) {
    fail(ErrorCode::not_found,
         "there is no model '{}', neither here nor in the catalog; did you mean {}?", model,
         fmt::join(near, ", "));
  }
  fail(ErrorCode::not_found,
       "there is no model '{}', neither here nor in the catalog, which has {}; "
       "hf.co/USER/REPOSITORY:QUANTIZATION takes any GGUF file of Hugging Face",
       model, fmt::join(names, ", "));
}

bool is_pullable(const std::string& model) {
  return find_in_catalog(model) != nullptr ||
         to_lower_ascii(parse_model_name(model).host) == "hf.co";
}

// When it was last found that no source of the large default answers: asking again at every start
// would make each of them wait.
class FallbackNote {
 public:
  explicit FallbackNote(const Store& store) : path_(store.root() + "/models/default-fallback") {}

  bool is_fresh() const {
    constexpr int64_t kDay = 24 * 3600;
    try {
      const Json note = parse_json(read_small_file(path_, 1024), path_);
      if (!note.is_number_integer()) return false;
      const int64_t age = static_cast<int64_t>(std::time(nullptr)) - note.get<int64_t>();
      return age >= 0 && age < kDay;
    } catch (const Error&) {
      return false;
    }
  }

  void write() const {
    try {
      write_file_whole(path_, fmt::format("{}\n", std::time(nullptr)));
    } catch (const Error&) {
      // A store that may only be read: the next start asks again.
    }
  }

 private:
  std::string path_;
};

std::string default_name(const Store& store) {
  const CatalogEntry& large = large_default();
  const CatalogEntry& small = small_default();
  if (resolve_model(store, large.name)) return large.name;
  const FallbackNote note(store);
  const bool has_small = resolve_model(store, small.name).has_value();
  if (has_small && note.is_fresh()) {
    std::fprintf(stderr, "Using %s; `sparrow pull %s` gets the larger model.\n", small.name.c_str(),
                 large.name.c_str());
    return small.name;
  }
  if (any_source_answers(large)) return large.name;
  note.write();
  std::fprintf(stderr, "No source of %s answers within 5 s; using %s.\n", large.name.c_str(),
               small.name.c_str());
  return small.name;
}

StoredModel pull_reporting(Store& store, const std::string& name,
                           const std::function<bool(const LoadProgress&)>& on_progress) {
  std::atomic<bool> is_cancelled = false;
  PullOptions options;
  options.cancel = &is_cancelled;
  options.on_progress = [&](const PullProgress& progress) {
    if (on_progress &&
        !on_progress({progress.status, progress.completed_bytes, progress.total_bytes}))
      is_cancelled = true;
  };
  return pull(store, name, options);
}

}  // namespace

std::vector<std::string> nearest_names(std::string_view wanted,
                                       const std::vector<std::string>& known, size_t max_count) {
  constexpr size_t kMaxWanted = 200;  // keeps the work small whatever was typed
  const std::string key = to_lower_ascii(wanted.substr(0, kMaxWanted));
  const size_t far = std::max<size_t>(2, key.size() / 3);
  std::vector<std::pair<size_t, std::string>> ranked;
  for (const std::string& name : known) {
    const std::string other = to_lower_ascii(name);
    // "qwen2.5-coder" is near to each of its tags.
    const bool is_beginning = key.size() >= 3 && other.starts_with(key);
    const size_t distance = is_beginning ? 0 : edit_distance(key, other);
    if (distance <= far) ranked.emplace_back(distance, name);
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (const auto& [distance, name] : ranked) {
    if (names.size() == max_count) break;
    const auto is_same = [&](const std::string& other) {
      return to_lower_ascii(other) == to_lower_ascii(name);
    };
    if (std::none_of(names.begin(), names.end(), is_same)) names.push_back(name);
  }
  return names;
}

StoredModel find_model(Store& store, const std::string& model, const PullModel& pull_model) {
  if (std::optional<StoredModel> stored = resolve_model(store, model)) return *stored;
  if (model == kDefaultModel) return find_model(store, default_name(store), pull_model);
  if (!is_pullable(model)) fail_unknown(store, model);
  if (!pull_model) {
    fail(ErrorCode::not_found, "the model '{}' is not here yet; `sparrow pull {}` gets it", model,
         model);
  }
  return pull_model(store, model);
}

StoredModel find_model(const std::string& model, const PullModel& pull_model) {
  Store store(Store::default_root());
  return find_model(store, model, pull_model);
}

StoredModel find_or_pull(const std::string& model, const EngineOptions& options) {
  if (!options.may_pull) return find_model(model);
  return find_model(model, [&](Store& store, const std::string& name) {
    return pull_reporting(store, name, options.on_progress);
  });
}

}  // namespace sparrow
