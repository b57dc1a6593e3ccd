#include "server/http/request.h"

namespace sparrow::http {
namespace {

std::string_view find(const std::vector<std::pair<std::string, std::string>>& pairs,
                      std::string_view name) {
  for (const auto& [key, value] : pairs) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace

std::string_view Request::path_parameter(std::string_view name) const {
  return find(path_parameters, name);
}

std::string_view Request::query_value(std::string_view name) const { return find(query, name); }

}  // namespace sparrow::http
