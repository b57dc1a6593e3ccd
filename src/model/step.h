// One forward pass in progress: what a network's code works with.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "model/batch.h"
#include "model/model.h"
#include "model/weight_loader.h"

namespace sparrow {

// Which rows of a batch go on to its outputs.
struct OutputRows {
  std::vector<int64_t> all;                 // those of either list, ascending
  std::vector<int64_t> logit_places;        // where in `all` the logit rows are
  std::vector<int64_t> hidden_places;       // where in `all` the hidden rows are
  std::vector<AdapterRows> adapters;        // of the rows in `all`, by their places
  std::vector<AdapterRows> logit_adapters;  // of the logit rows, by their places in that list
};

// Scratch activations, named by what they hold. Sized once for the largest step.
class StepWorkspace final : public Workspace {
 public:
  StepWorkspace(const ModelConfig& config, const WorkspaceLimits& limits, Backend& backend);

  const WorkspaceLimits& limits() const { return limits_; }

  Activations hidden;                      // [rows, hidden]: the residual stream
  Activations normed;                      // [rows, hidden]
  Activations projected;                   // [rows, hidden]
  Activations q;                           // [rows, heads * size]
  Activations k;                           // [rows, kv heads * size]
  Activations v;                           // [rows, kv heads * size]
  Activations attended;                    // [rows, heads * size]
  Activations gate;                        // [rows, ffn], or [rows * experts used, expert ffn]
  Activations up;                          // as gate
  Activations rope_table;                  // [rows, rotated]
  Activations router_logits;               // [rows, experts]
  Activations expert_outputs;              // [rows * experts used, hidden]
  Activations last_input;                  // [logit rows, hidden]: of the last matrix
  Activations logits;                      // [logit rows, vocabulary]
  Activations final_hidden;                // [hidden rows, hidden]
  std::unique_ptr<ExpertRouting> routing;  // null without experts
  std::vector<AdapterRows> adapters;       // of all rows
  OutputRows output_rows;

 private:
  WorkspaceLimits limits_;
  std::unique_ptr<Buffer> buffer_;
};

struct Step {
  Backend& backend;
  const Batch& batch;
  KvMemory& kv;
  // The workspace's activations, cut to the rows of this batch.
  Activations hidden, normed, projected, q, k, v, attended, gate, up, rope_table, router_logits,
      expert_outputs, last_input, logits, final_hidden;
  RopeParameters rope;  // the model's own; rope_table has what each sequence wants
  ExpertRouting* routing;
  std::span<const AdapterRows> adapters;  // of the step's rows
  const OutputRows& output_rows;
};

inline LinearPart part(const Step& step, const Activations& out, const Linear& linear) {
  return {out, linear.weight.get(), linear.bias.get(), step.adapters, linear.matrix_index};
}

// out = x times the matrix, plus its bias if it has one, plus what adapters add.
inline void linear(const Step& step, const Activations& out, const Activations& x,
                   const Linear& linear) {
  const LinearPart parts[] = {part(step, out, linear)};
  step.backend.linears(parts, x);
}

// Once the last layer's attention has read all rows, only those with an output go on: they come to
// the front of `hidden` and `projected`, and the step that is left has no others.
Step only_output_rows(const Step& step);

// After the last layer: its norm for the rows that have an output, and the last matrix for those
// whose logits are wanted.
void compute_outputs(const Step& step, const Weight& norm, const Linear& output, float epsilon);

// Checks that the batch fits the workspace.
Step make_step(const ModelConfig& config, const Batch& batch, KvMemory& kv,
               StepWorkspace& workspace, Backend& backend, const RopeParameters& rope);

// The angles of every row: by the model's rope, or by its sequence's own.
void compute_rope_table(const Step& step);

}  // namespace sparrow
