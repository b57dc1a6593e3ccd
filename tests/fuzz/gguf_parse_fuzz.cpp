// Any bytes as a GGUF file: refused in one clean line, or taken; and what is taken lies inside the
// file and survives being written and read again.
#include <cstdint>

#include "tests/fuzz/gguf_oracle.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sparrow::fuzz::check_gguf(std::as_bytes(std::span(data, size)));
  return 0;
}
