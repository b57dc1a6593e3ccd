// Vocabularies in GGUF files broken field by field: refused, or a tokenizer whose ids are in range.
#include <algorithm>
#include <cstdint>
#include <span>

#include "gguf/gguf_file.h"
#include "sparrow/error.h"
#include "tests/fuzz/tokenizer_use.h"
#include "tests/support/gguf_mutator.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  if (seed % 2 == 0) return LLVMFuzzerMutate(data, size, max_size);
  std::vector<uint8_t> bytes = sparrow::test_support::mutate_gguf({data, data + size}, seed);
  bytes.resize(std::min(bytes.size(), max_size));
  std::copy(bytes.begin(), bytes.end(), data);
  return bytes.size();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto file = sparrow::GgufFile::parse(std::as_bytes(std::span(data, size)), "fuzz");
    sparrow::fuzz::use_tokenizer(*sparrow::Tokenizer::from_gguf(*file));
  } catch (const sparrow::Error& error) {
    SPARROW_CHECK(error.code() == sparrow::ErrorCode::invalid_file ||
                  error.code() == sparrow::ErrorCode::unsupported);
  }
  return 0;
}
