#include "server/http/metrics.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace sparrow::http {
namespace {

std::string escape(std::string_view text, bool is_label) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\\\";
    } else if (c == '\n') {
      escaped += "\\n";
    } else if (c == '"' && is_label) {
      escaped += "\\\"";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

// "{a="b",c="d"}", or nothing.
std::string label_text(const Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    text += fmt::format("{}{}=\"{}\"", text.empty() ? "{" : ",", name, escape(value, true));
  }
  return text.empty() ? text : text + "}";
}

std::string with_bound(const Labels& labels, const std::string& bound) {
  Labels all = labels;
  all.emplace_back("le", bound);
  return label_text(all);
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)),
      counts_(std::make_unique<std::atomic<uint64_t>[]>(bounds_.size() + 1)) {
  SPARROW_CHECK(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void Histogram::observe(double value) {
  const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  counts_[static_cast<size_t>(bound - bounds_.begin())].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

// One name: its help text, and an object for each set of labels.
struct Metrics::Family {
  template <typename T>
  struct Row {
    Labels labels;
    std::unique_ptr<T> object;
  };
  std::string help;
  std::string kind;
  std::vector<double> bounds;
  std::vector<Row<Counter>> counters;
  std::vector<Row<Gauge>> gauges;
  std::vector<Row<Histogram>> histograms;

  template <typename T, typename... Args>
  static T& find_or_add(std::vector<Row<T>>& rows, const Labels& labels, Args&&... args) {
    for (Row<T>& row : rows) {
      if (row.labels == labels) return *row.object;
    }
    rows.push_back({labels, std::make_unique<T>(std::forward<Args>(args)...)});
    return *rows.back().object;
  }
};

Metrics::Metrics() = default;
Metrics::~Metrics() = default;

Metrics::Family& Metrics::family(std::string_view name, std::string_view help,
                                 std::string_view kind) {
  auto found = families_.find(name);
  if (found == families_.end()) {
    found = families_.emplace(name, std::make_unique<Family>()).first;
    found->second->help = help;
    found->second->kind = kind;
  }
  SPARROW_CHECK(found->second->kind == kind);
  return *found->second;
}

Counter& Metrics::counter(std::string_view name, std::string_view help, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  return Family::find_or_add(family(name, help, "counter").counters, labels);
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  return Family::find_or_add(family(name, help, "gauge").gauges, labels);
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help,
                              const std::vector<double>& bounds, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  Family& found = family(name, help, "histogram");
  if (found.bounds.empty()) found.bounds = bounds;
  return Family::find_or_add(found.histograms, labels, found.bounds);
}

void Metrics::on_scrape(std::function<void()> refresh) {
  const std::lock_guard lock(mutex_);
  refreshers_.push_back(std::move(refresh));
}

std::string Metrics::text() const {
  std::vector<std::function<void()>> refreshers;
  {
    const std::lock_guard lock(mutex_);
    refreshers = refreshers_;
  }
  for (const auto& refresh : refreshers) refresh();  // they take the lock themselves
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const auto& [name, family] : families_) {
    text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, escape(family->help, false), name,
                        family->kind);
    for (const auto& row : family->counters) {
      text += fmt::format("{}{} {}\n", name, label_text(row.labels), row.object->value());
    }
    for (const auto& row : family->gauges) {
      text += fmt::format("{}{} {}\n", name, label_text(row.labels), row.object->value());
    }
    for (const auto& row : family->histograms) {
      const Histogram& histogram = *row.object;
      uint64_t count = 0;
      for (size_t i = 0; i <= histogram.bounds_.size(); ++i) {
        count += histogram.counts_[i].load(std::memory_order_relaxed);
        const std::string bound =
            i < histogram.bounds_.size() ? fmt::format("{}", histogram.bounds_[i]) : "+Inf";
        text += fmt::format("{}_bucket{} {}\n", name, with_bound(row.labels, bound), count);
      }
      text += fmt::format("{}_sum{} {}\n", name, label_text(row.labels),
                          histogram.sum_.load(std::memory_order_relaxed));
      text += fmt::format("{}_count{} {}\n", name, label_text(row.labels), count);
    }
  }
  return text;
}

std::vector<double> Metrics::seconds_bounds() {
  return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 300};
}

}  // namespace sparrow::http
