#include "server/http/router.h"

#include <algorithm>
#include <set>

#include "base/error.h"

namespace sparrow::http {
namespace {

constexpr std::string_view kTailMark = "...}";

bool is_name(std::string_view segment) { return segment.starts_with('{'); }

std::vector<std::string> split(std::string_view pattern) {
  SPARROW_CHECK(pattern.starts_with('/'));
  std::vector<std::string> segments;
  for (size_t at = 1;;) {
    const size_t slash = std::min(pattern.find('/', at), pattern.size());
    segments.emplace_back(pattern.substr(at, slash - at));
    if (slash == pattern.size()) return segments;
    at = slash + 1;
  }
}

// "110" for a word, a word and a name: greater is more exact. A tail is the least exact.
std::string exactness(std::span<const std::string> segments, bool has_tail) {
  std::string result;
  for (const std::string& segment : segments) result += is_name(segment) ? '1' : '2';
  if (has_tail) result.back() = '0';
  return result;
}

bool fits(std::span<const std::string> pattern, bool has_tail, std::span<const std::string> path) {
  if (has_tail ? path.size() < pattern.size() : path.size() != pattern.size()) return false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const bool takes = is_name(pattern[i]) ? !path[i].empty() : pattern[i] == path[i];
    if (!takes) return false;
  }
  return true;
}

}  // namespace

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {
  // The first row that fits is then the most exact one.
  std::stable_sort(routes_.begin(), routes_.end(), [](const Route& a, const Route& b) {
    const auto key = [](const Route& route) {
      return exactness(split(route.pattern), route.pattern.ends_with(kTailMark));
    };
    return key(a) > key(b);
  });
  std::set<std::string> seen;
  for (const Route& route : routes_) {
    SPARROW_CHECK(seen.insert(route.method + " " + route.pattern).second);
    SPARROW_CHECK(route.handler != nullptr);
    Pattern pattern{split(route.pattern), route.pattern.ends_with(kTailMark)};
    if (pattern.has_tail) {
      std::string& last = pattern.segments.back();
      last = last.substr(0, last.size() - kTailMark.size()) + "}";
    }
    patterns_.push_back(std::move(pattern));
  }
}

Router::Match Router::match(std::string_view method, std::span<const std::string> segments) const {
  Match match;
  const Pattern* pattern = nullptr;
  std::set<std::string_view> methods;
  for (size_t i = 0; i < routes_.size(); ++i) {
    if (!fits(patterns_[i].segments, patterns_[i].has_tail, segments)) continue;
    const Route& route = routes_[i];
    methods.insert(route.method);
    if (match.of_path == nullptr) match.of_path = &route;
    const bool is_exact = route.method == method;
    const bool serves_head = method == "HEAD" && route.method == "GET";
    const bool has_exact = match.route != nullptr && match.route->method == method;
    if ((is_exact && !has_exact) || (serves_head && match.route == nullptr)) {
      match.route = &route;
      pattern = &patterns_[i];
    }
  }
  if (pattern != nullptr) match.path_parameters = parameters(*pattern, segments);
  if (methods.empty()) return match;
  if (methods.contains("GET")) methods.insert("HEAD");
  methods.insert("OPTIONS");
  match.allow = fmt::format("{}", fmt::join(methods, ", "));
  return match;
}

std::vector<std::pair<std::string, std::string>> Router::parameters(
    const Pattern& pattern, std::span<const std::string> segments) {
  std::vector<std::pair<std::string, std::string>> parameters;
  for (size_t i = 0; i < pattern.segments.size(); ++i) {
    const std::string& segment = pattern.segments[i];
    if (!is_name(segment)) continue;
    const bool is_tail = pattern.has_tail && i + 1 == pattern.segments.size();
    const std::span<const std::string> taken =
        segments.subspan(i, is_tail ? std::dynamic_extent : 1);
    parameters.emplace_back(segment.substr(1, segment.size() - 2),
                            fmt::format("{}", fmt::join(taken, "/")));
  }
  return parameters;
}

}  // namespace sparrow::http
