// Which row serves a request.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/route.h"

namespace sparrow::http {

// Immutable, so any thread may ask.
class Router {
 public:
  Router() = default;
  // Two rows for the same method and pattern, and a pattern that is none, are bugs.
  explicit Router(std::vector<Route> routes);

  struct Match {
    const Route* route = nullptr;    // null: 404, or 405 if `allow` says which methods would do
    std::string allow;               // "GET, HEAD, OPTIONS"; set whenever the path is known
    const Route* of_path = nullptr;  // some row of this path, for the shape of a 405
    std::vector<std::pair<std::string, std::string>> path_parameters;
  };

  // `segments`: of the path, each decoded; "/" has one empty segment.
  Match match(std::string_view method, std::span<const std::string> segments) const;

  std::span<const Route> routes() const { return routes_; }

 private:
  struct Pattern {
    std::vector<std::string> segments;  // names in braces stand as "{name}"
    bool has_tail = false;
  };

  static std::vector<std::pair<std::string, std::string>> parameters(
      const Pattern& pattern, std::span<const std::string> segments);

  std::vector<Route> routes_;
  std::vector<Pattern> patterns_;  // one a route
};

}  // namespace sparrow::http
