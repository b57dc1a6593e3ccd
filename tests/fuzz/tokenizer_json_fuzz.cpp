// Any bytes as a tokenizer.json: refused, or a tokenizer whose ids are in range.
#include <cstdint>

#include "sparrow/error.h"
#include "tests/fuzz/tokenizer_use.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    sparrow::fuzz::use_tokenizer(
        *sparrow::Tokenizer::from_json({reinterpret_cast<const char*>(data), size}));
  } catch (const sparrow::Error& error) {
    SPARROW_CHECK(error.code() == sparrow::ErrorCode::invalid_file ||
                  error.code() == sparrow::ErrorCode::unsupported);
  }
  return 0;
}
