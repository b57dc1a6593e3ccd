// The fields of a request's JSON, with their types checked where they are read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace sparrow {

// A view of one object. A field that is absent or null is nothing; one of another type is
// Error{invalid_argument} that names its path: "messages[0].content must be a string, got number".
// Fields that nobody reads are ignored, as every dialect wants it.
class JsonFields {
 public:
  // `object` must outlive this. `path`: where it stands, "" for the request itself.
  explicit JsonFields(const Json& object, std::string path = {});

  // Null if absent or null.
  const Json* find(std::string_view name) const;

  std::optional<std::string> text(std::string_view name) const;
  std::optional<bool> boolean(std::string_view name) const;
  std::optional<double> number(std::string_view name) const;    // finite
  std::optional<int64_t> integer(std::string_view name) const;  // 3.0 is one too
  const Json* list(std::string_view name) const;
  const Json* object(std::string_view name) const;
  // A string, or a list of strings.
  std::vector<std::string> texts(std::string_view name) const;

  // Throws if it is absent.
  std::string required_text(std::string_view name) const;

  std::string path_of(std::string_view name) const;
  // "PATH must be WANTED, got TYPE".
  [[noreturn]] void refuse(std::string_view name, std::string_view wanted, const Json& got) const;

 private:
  const Json& object_;
  std::string path_;
};

// The JSON of a request's body. Throws Error{invalid_argument}.
Json parse_body(std::string_view body);

}  // namespace sparrow
