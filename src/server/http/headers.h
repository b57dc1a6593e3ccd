// Header fields of a request or a response, in their order.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sparrow::http {

struct Header {
  std::string name;
  std::string value;
};

// ASCII only, as HTTP's names are.
bool equals_ignoring_case(std::string_view a, std::string_view b);

// Names are compared without case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> headers) : headers_(headers) {}

  void add(std::string name, std::string value);
  // In place of all of that name.
  void set(std::string name, std::string value);

  // The first of that name; empty if there is none.
  std::string_view value(std::string_view name) const;
  bool has(std::string_view name) const;
  size_t count(std::string_view name) const;
  // Whether a comma-separated field ("Connection") lists this token.
  bool lists(std::string_view name, std::string_view token) const;

  auto begin() const { return headers_.begin(); }
  auto end() const { return headers_.end(); }
  size_t size() const { return headers_.size(); }
  bool empty() const { return headers_.empty(); }

 private:
  std::vector<Header> headers_;
};

}  // namespace sparrow::http
