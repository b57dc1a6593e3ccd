#include "model/step.h"

#include <algorithm>
#include <iterator>

#include "base/error.h"
#include "model/lora.h"
#include "model/rope.h"

namespace sparrow {
namespace {

// Hands out pieces of one buffer; without a buffer it only counts.
class Layout {
 public:
  explicit Layout(Buffer* buffer) : buffer_(buffer) {}

  Activations take(int64_t rows, int64_t columns) {
    constexpr int64_t kCacheLine = 16;  // in floats: no two pieces share one
    const Activations piece = {buffer_, next_, rows, columns};
    next_ += (rows * columns + kCacheLine - 1) / kCacheLine * kCacheLine;
    return piece;
  }
  int64_t size_bytes() const { return next_ * static_cast<int64_t>(sizeof(float)); }

 private:
  Buffer* buffer_;
  int64_t next_ = 0;
};

template <typename Target>
void lay_out(Target& out, const ModelConfig& config, const WorkspaceLimits& limits,
             Layout& layout) {
  const int64_t rows = limits.max_rows;
  const int64_t pairs = rows * std::max<int64_t>(1, config.expert_used_count);
  const int64_t ffn = config.expert_count > 0 ? config.expert_ffn_size : config.ffn_size;
  out.hidden = layout.take(rows, config.hidden_size);
  out.normed = layout.take(rows, config.hidden_size);
  out.projected = layout.take(rows, config.hidden_size);
  out.q = layout.take(rows, config.q_size());
  out.k = layout.take(rows, config.kv_size());
  out.v = layout.take(rows, config.kv_size());
  out.attended = layout.take(rows, config.q_size());
  out.gate = layout.take(pairs, ffn);
  out.up = layout.take(pairs, ffn);
  out.rope_table = layout.take(rows, config.rope_size);
  if (config.expert_count > 0) {
    out.router_logits = layout.take(rows, config.expert_count);
    out.expert_outputs = layout.take(pairs, config.hidden_size);
  }
  out.last_input = layout.take(limits.max_logit_rows, config.hidden_size);
  out.logits = layout.take(limits.max_logit_rows, config.vocabulary_size);
  out.final_hidden = layout.take(limits.max_hidden_rows, config.hidden_size);
}

// Only counting: what a workspace would hold.
struct Sketch {
  Activations hidden, normed, projected, q, k, v, attended, gate, up, rope_table, router_logits,
      expert_outputs, last_input, logits, final_hidden;
};

void check_rows(std::span<const int64_t> wanted, int64_t row_count) {
  int64_t next = 0;
  for (const int64_t row : wanted) {
    SPARROW_CHECK(row >= next && row < row_count);
    next = row + 1;
  }
}

void find_output_rows(const Batch& batch, OutputRows& out) {
  out.all.clear();
  std::ranges::set_union(batch.logit_rows, batch.hidden_rows, std::back_inserter(out.all));
  const auto find_places = [&](std::span<const int64_t> rows, std::vector<int64_t>& places) {
    places.clear();
    for (const int64_t row : rows) {
      const auto place = std::ranges::lower_bound(out.all, row);
      places.push_back(place - out.all.begin());
    }
  };
  find_places(batch.logit_rows, out.logit_places);
  find_places(batch.hidden_rows, out.hidden_places);
}

// The rows of a sequence beside those of the one before it, if both have the same added.
void add_adapter_rows(const SequenceAdapter& chosen, int64_t first_row, int64_t row_count,
                      std::vector<AdapterRows>& out) {
  if (chosen.adapter == nullptr || row_count == 0) return;
  const std::span<const std::unique_ptr<LowRank>> matrices = chosen.adapter->matrices();
  if (!out.empty()) {
    AdapterRows& last = out.back();
    if (last.matrices.data() == matrices.data() && last.scale == chosen.scale &&
        last.first_row + last.row_count == first_row) {
      last.row_count += row_count;
      return;
    }
  }
  out.push_back({first_row, row_count, matrices, chosen.scale});
}

void find_adapters(const Batch& batch, StepWorkspace& workspace) {
  workspace.adapters.clear();
  workspace.output_rows.adapters.clear();
  workspace.output_rows.logit_adapters.clear();
  if (batch.adapters.empty()) return;
  SPARROW_CHECK(batch.adapters.size() == batch.sequences.size());
  for (size_t i = 0; i < batch.sequences.size(); ++i) {
    const SequenceAdapter& chosen = batch.adapters[i];
    const int64_t first = batch.sequences[i].first_row;
    const int64_t end = first + batch.sequences[i].row_count;
    const auto add_from = [&](std::span<const int64_t> rows, std::vector<AdapterRows>& out) {
      const int64_t begin_place = std::ranges::lower_bound(rows, first) - rows.begin();
      const int64_t end_place = std::ranges::lower_bound(rows, end) - rows.begin();
      add_adapter_rows(chosen, begin_place, end_place - begin_place, out);
    };
    add_adapter_rows(chosen, first, end - first, workspace.adapters);
    add_from(workspace.output_rows.all, workspace.output_rows.adapters);
    add_from(batch.logit_rows, workspace.output_rows.logit_adapters);
  }
}

}  // namespace

int64_t workspace_bytes(const ModelConfig& config, const WorkspaceLimits& limits) {
  SPARROW_CHECK(limits.max_rows >= 1 && limits.max_rows <= (1 << 20));
  SPARROW_CHECK(limits.max_logit_rows >= 0 && limits.max_logit_rows <= (1 << 20));
  SPARROW_CHECK(limits.max_hidden_rows >= 0 && limits.max_hidden_rows <= (1 << 20));
  Layout layout(nullptr);
  Sketch sketch;
  lay_out(sketch, config, limits, layout);
  return layout.size_bytes();
}

StepWorkspace::StepWorkspace(const ModelConfig& config, const WorkspaceLimits& limits,
                             Backend& backend)
    : limits_(limits),
      buffer_(backend.make_buffer(workspace_bytes(config, limits), "the workspace of a step")) {
  Layout layout(buffer_.get());
  lay_out(*this, config, limits, layout);
  output_rows.all.reserve(static_cast<size_t>(limits.max_rows));
  output_rows.logit_places.reserve(static_cast<size_t>(limits.max_logit_rows));
  adapters.reserve(static_cast<size_t>(limits.max_rows));
  output_rows.adapters.reserve(static_cast<size_t>(limits.max_rows));
  output_rows.logit_adapters.reserve(static_cast<size_t>(limits.max_logit_rows));
  output_rows.hidden_places.reserve(static_cast<size_t>(limits.max_hidden_rows));
  if (config.expert_count > 0) {
    routing = backend.make_routing(limits.max_rows, config.expert_count, config.expert_used_count);
  }
}

Step only_output_rows(const Step& step) {
  const std::span<const int64_t> rows = step.output_rows.all;
  const int64_t count = static_cast<int64_t>(rows.size());
  const auto cut = [&](const Activations& x) {
    return x.with_rows(step.hidden.rows == 0 ? 0 : x.rows / step.hidden.rows * count);
  };
  step.backend.gather_rows(step.hidden.with_rows(count), step.hidden, rows);
  step.backend.gather_rows(step.projected.with_rows(count), step.projected, rows);
  return {.backend = step.backend,
          .batch = step.batch,
          .kv = step.kv,
          .hidden = cut(step.hidden),
          .normed = cut(step.normed),
          .projected = cut(step.projected),
          .q = cut(step.q),
          .k = cut(step.k),
          .v = cut(step.v),
          .attended = cut(step.attended),
          .gate = cut(step.gate),
          .up = cut(step.up),
          .rope_table = cut(step.rope_table),
          .router_logits = cut(step.router_logits),
          .expert_outputs = cut(step.expert_outputs),
          .last_input = step.last_input,
          .logits = step.logits,
          .final_hidden = step.final_hidden,
          .rope = step.rope,
          .routing = step.routing,
          .adapters = step.output_rows.adapters,
          .output_rows = step.output_rows};
}

void compute_rope_table(const Step& step) {
  if (step.batch.ropes.empty())
    return step.backend.rope_table(step.rope_table, step.batch.positions, step.rope);
  for (size_t i = 0; i < step.batch.ropes.size(); ++i) {
    const BatchSequence& sequence = step.batch.sequences[i];
    RopeParameters rope = step.rope;
    if (const Rope* own = step.batch.ropes[i]) {
      rope.frequencies = own->frequencies;
      rope.magnitude = own->magnitude;
    }
    const auto positions = step.batch.positions.subspan(static_cast<size_t>(sequence.first_row),
                                                        static_cast<size_t>(sequence.row_count));
    step.backend.rope_table(step.rope_table.rows_from(sequence.first_row, sequence.row_count),
                            positions, rope);
  }
}

void compute_outputs(const Step& step, const Weight& norm, const Linear& output, float epsilon) {
  const auto final_norm = [&](const Activations& out, std::span<const int64_t> places) {
    step.backend.gather_rows(out, step.hidden, places);
    step.backend.rms_norm(out, out, norm, epsilon);
  };
  final_norm(step.final_hidden, step.output_rows.hidden_places);
  final_norm(step.last_input, step.output_rows.logit_places);
  LinearPart last = part(step, step.logits, output);
  last.adapters = step.output_rows.logit_adapters;
  step.backend.linears({&last, 1}, step.last_input);
}

Step make_step(const ModelConfig& config, const Batch& batch, KvMemory& kv,
               StepWorkspace& workspace, Backend& backend, const RopeParameters& rope) {
  const int64_t rows = static_cast<int64_t>(batch.ids.size());
  const int64_t logit_rows = static_cast<int64_t>(batch.logit_rows.size());
  const int64_t hidden_rows = static_cast<int64_t>(batch.hidden_rows.size());
  SPARROW_CHECK(rows >= 1 && rows <= workspace.limits().max_rows);
  SPARROW_CHECK(logit_rows <= workspace.limits().max_logit_rows);
  SPARROW_CHECK(hidden_rows <= workspace.limits().max_hidden_rows);
  SPARROW_CHECK(batch.positions.size() == batch.ids.size());
  for (const int32_t id : batch.ids) SPARROW_CHECK(id >= 0 && id < config.vocabulary_size);
  int64_t covered = 0;
  for (const BatchSequence& sequence : batch.sequences) {
    SPARROW_CHECK(sequence.first_row == covered && sequence.row_count >= 1);
    covered += sequence.row_count;
    const int64_t end = sequence.first_position + sequence.row_count;
    SPARROW_CHECK(static_cast<int64_t>(sequence.blocks.size()) * kv.block_tokens() >= end);
    for (const BlockId block : sequence.blocks)
      SPARROW_CHECK(block >= 0 && block < kv.block_count());
  }
  SPARROW_CHECK(covered == rows);
  check_rows(batch.logit_rows, rows);
  check_rows(batch.hidden_rows, rows);
  SPARROW_CHECK(batch.ropes.empty() || batch.ropes.size() == batch.sequences.size());
  find_output_rows(batch, workspace.output_rows);
  find_adapters(batch, workspace);
  const int64_t pairs = rows * std::max<int64_t>(1, config.expert_used_count);
  const StepWorkspace& w = workspace;
  return {.backend = backend,
          .batch = batch,
          .kv = kv,
          .hidden = w.hidden.with_rows(rows),
          .normed = w.normed.with_rows(rows),
          .projected = w.projected.with_rows(rows),
          .q = w.q.with_rows(rows),
          .k = w.k.with_rows(rows),
          .v = w.v.with_rows(rows),
          .attended = w.attended.with_rows(rows),
          .gate = w.gate.with_rows(pairs),
          .up = w.up.with_rows(pairs),
          .rope_table = w.rope_table.with_rows(rows),
          .router_logits = w.router_logits.with_rows(rows),
          .expert_outputs = w.expert_outputs.with_rows(pairs),
          .last_input = w.last_input.with_rows(logit_rows),
          .logits = w.logits.with_rows(logit_rows),
          .final_hidden = w.final_hidden.with_rows(hidden_rows),
          .rope = rope,
          .routing = w.routing.get(),
          .adapters = w.adapters,
          .output_rows = w.output_rows};
}

}  // namespace sparrow
