// sparrow::Error with fmt-style messages, and SPARROW_CHECK for bugs.
#pragma once

#include <fmt/format.h>

#include <utility>

#include "sparrow/error.h"

namespace sparrow {

template <typename... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace sparrow

// A bug, never bad input: always on, so only at boundaries. Aborts with the place.
#define SPARROW_CHECK(condition) \
  ((condition) ? (void)0 : ::sparrow::check_failed(#condition, __FILE__, __LINE__))
