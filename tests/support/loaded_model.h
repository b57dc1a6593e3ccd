// A model loaded from bytes, with a cache and a workspace: runs token ids in chunks of any size.
#pragma once

#include <algorithm>
#include <memory>
#include <numeric>
#include <span>
#include <vector>

#include "gguf/gguf_file.h"
#include "model/model.h"

namespace sparrow::test_support {

class LoadedModel {
 public:
  struct Options {
    BackendOptions backend = {.thread_count = 1, .isa = "scalar"};
    KvType kv_type = KvType::f32;
    int64_t block_tokens = 16;
  };

  explicit LoadedModel(const std::vector<std::byte>& bytes) : LoadedModel(bytes, Options()) {}
  LoadedModel(const std::vector<std::byte>& bytes, const Options& options)
      : bytes_(bytes),
        backend_(make_cpu_backend(options.backend)),
        model_(load_model(GgufFile::parse(bytes_, "tiny"), *backend_)),
        kv_(model_->make_kv_memory(options.kv_type, 1024 / options.block_tokens,
                                   options.block_tokens)),
        workspace_(model_->make_workspace(
            {.max_rows = 512, .max_logit_rows = 512, .max_hidden_rows = 512})) {}

  const Model& model() const { return *model_; }
  Backend& backend() { return *backend_; }
  KvMemory& kv() { return *kv_; }
  Workspace& workspace() { return *workspace_; }

  // The logits of all positions, computed `chunk` at a time. Blocks from `first_block` on.
  std::vector<float> run(std::span<const int32_t> ids, int64_t chunk, BlockId first_block = 0,
                         const SequenceAdapter& adapter = {}) {
    std::vector<float> all;
    run_chunks(ids, chunk, first_block, [&](Batch batch, std::span<const int64_t> rows) {
      batch.logit_rows = rows;
      batch.adapters = {&adapter, 1};
      const Logits logits = model_->forward(batch, *kv_, *workspace_).logits;
      all.insert(all.end(), logits.values.begin(), logits.values.end());
    });
    return all;
  }

  // The same for the final hidden states.
  std::vector<float> run_hidden(std::span<const int32_t> ids, int64_t chunk,
                                const SequenceAdapter& adapter = {}) {
    std::vector<float> all;
    run_chunks(ids, chunk, 0, [&](Batch batch, std::span<const int64_t> rows) {
      batch.hidden_rows = rows;
      batch.adapters = {&adapter, 1};
      const HiddenStates hidden = model_->forward(batch, *kv_, *workspace_).hidden;
      all.insert(all.end(), hidden.values.begin(), hidden.values.end());
    });
    return all;
  }

 private:
  // Calls run_step(batch, all of its rows) for each chunk.
  template <typename RunStep>
  void run_chunks(std::span<const int32_t> ids, int64_t chunk, BlockId first_block,
                  const RunStep& run_step) {
    const int64_t count = static_cast<int64_t>(ids.size());
    std::vector<BlockId> blocks(
        static_cast<size_t>((count + kv_->block_tokens() - 1) / kv_->block_tokens()));
    std::iota(blocks.begin(), blocks.end(), first_block);
    for (int64_t first = 0; first < count; first += chunk) {
      const int64_t rows = std::min(chunk, count - first);
      std::vector<int32_t> positions(static_cast<size_t>(rows));
      std::iota(positions.begin(), positions.end(), static_cast<int32_t>(first));
      std::vector<int64_t> all_rows(static_cast<size_t>(rows));
      std::iota(all_rows.begin(), all_rows.end(), int64_t{0});
      const std::vector<BatchSequence> sequences = {{0, rows, first, blocks}};
      const auto part = ids.subspan(static_cast<size_t>(first), static_cast<size_t>(rows));
      run_step({part, positions, sequences, {}}, all_rows);
    }
  }

  std::vector<std::byte> bytes_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<KvMemory> kv_;
  std::unique_ptr<Workspace> workspace_;
};

}  // namespace sparrow::test_support
