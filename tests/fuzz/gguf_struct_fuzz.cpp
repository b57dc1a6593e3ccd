// GGUF files broken field by field (tests/support/gguf_mutator.h). The verdict on each is that of
// the slow reader of tests.
#include <algorithm>
#include <cstdint>

#include "tests/fuzz/gguf_oracle.h"
#include "tests/support/gguf_mutator.h"
#include "tests/support/slow_gguf.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  if (seed % 16 == 0) return LLVMFuzzerMutate(data, size, max_size);
  std::vector<uint8_t> bytes = sparrow::test_support::mutate_gguf({data, data + size}, seed);
  bytes.resize(std::min(bytes.size(), max_size));
  std::copy(bytes.begin(), bytes.end(), data);
  return bytes.size();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const bool is_taken = sparrow::fuzz::check_gguf(bytes);
  SPARROW_CHECK(is_taken == sparrow::test_support::slow_gguf_problem(bytes).empty());
  return 0;
}
