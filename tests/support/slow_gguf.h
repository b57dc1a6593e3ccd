// A second reading of GGUF's rules, for tests alone: slow, simple, with 128-bit arithmetic and no
// code of src/gguf, so that the reader's verdict on any bytes can be checked against another.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace sparrow::test_support {

// Empty if the bytes are a single model file (no split parts) that must open, else what is wrong.
std::string slow_gguf_problem(std::span<const std::byte> bytes);

}  // namespace sparrow::test_support
