// What a template may cost, so that a hostile one ends in an error instead of a hang or a crash.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sparrow::jinja {

struct Limits {
  size_t source_bytes = size_t{256} << 10;
  int parse_depth = 256;  // nested expressions and blocks, and how long a chain of operators gets
  int call_depth = 100;   // macros, callers and recursive loops inside each other
  int evaluation_depth = 1000;  // all that is under way at once; bounds the C++ stack
  // Steps of evaluation. Each node costs one, and so does each element copied and each 16 bytes of
  // text made, which bounds memory and time alike: 5 million steps take about a quarter second.
  int64_t fuel = 5'000'000;
  // A long talk may cost more: this much for each of its values and 16 bytes of its text, up to
  // `fuel_most` in all.
  int64_t fuel_per_input = 100;
  int64_t fuel_most = 20'000'000;
  int64_t range = 100'000;              // as in Jinja's sandbox
  size_t text_bytes = size_t{8} << 20;  // of each string and of the whole output
};

// Containers inside each other; no recursion over a value goes deeper.
constexpr int kMaxValueDepth = 100;
// Values inside one value, counted as printing it would meet them.
constexpr int64_t kMaxValueWeight = int64_t{1} << 23;
// Parameters of a macro, named arguments written in a call.
constexpr size_t kMaxNames = 255;
constexpr size_t kMaxNamespaceAttributes = 1000;

}  // namespace sparrow::jinja
