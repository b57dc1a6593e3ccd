// Model files with broken hyperparameters, shapes and types: refused, or loaded and run for a few
// tokens, whatever numbers the weights are.
#include <algorithm>
#include <cstdint>

#include "base/error.h"
#include "gguf/gguf_file.h"
#include "model/model.h"
#include "tests/support/gguf_mutator.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace sparrow {
namespace {

void run_two_tokens(const Model& model) {
  const std::unique_ptr<Workspace> workspace = model.make_workspace(
      {.max_rows = 2, .max_logit_rows = 2, .max_hidden_rows = 1, .max_positions = 2});
  const std::unique_ptr<KvMemory> kv = model.make_kv_memory(KvType::f32, 1, 16);
  const int64_t vocabulary = model.config().vocabulary_size;
  const int32_t ids[] = {0, static_cast<int32_t>(vocabulary - 1)};
  const int32_t positions[] = {0, 1};
  const BlockId block = 0;
  const BatchSequence sequence = {0, 2, 0, {&block, 1}};
  const int64_t logit_rows[] = {0, 1};
  const int64_t hidden_rows[] = {1};
  const StepOutput output =
      model.forward({ids, positions, {&sequence, 1}, logit_rows, hidden_rows}, *kv, *workspace);
  SPARROW_CHECK(static_cast<int64_t>(output.logits.values.size()) == 2 * vocabulary);
  SPARROW_CHECK(static_cast<int64_t>(output.hidden.values.size()) == model.config().hidden_size);
}

}  // namespace
}  // namespace sparrow

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  if (seed % 16 == 0) return LLVMFuzzerMutate(data, size, max_size);
  std::vector<uint8_t> bytes = sparrow::test_support::mutate_gguf({data, data + size}, seed);
  bytes.resize(std::min(bytes.size(), max_size));
  std::copy(bytes.begin(), bytes.end(), data);
  return bytes.size();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using sparrow::ErrorCode;
  static const std::unique_ptr<sparrow::Backend> backend =
      sparrow::make_cpu_backend({.thread_count = 1, .isa = "scalar"});
  try {
    const auto file = sparrow::GgufFile::parse(std::as_bytes(std::span(data, size)), "input");
    sparrow::run_two_tokens(*sparrow::load_model(file, *backend));
  } catch (const sparrow::Error& error) {
    SPARROW_CHECK(error.code() == ErrorCode::invalid_file ||
                  error.code() == ErrorCode::unsupported);
  }
  return 0;
}
