// Qwen3's mixture of experts (Yang et al. 2025): the dense network with many small feed-forward
// networks in place of one. A router gives each token to its few most likely experts; their
// weights, a softmax over all experts, are brought to sum 1.
#include <vector>

#include "model/network_model.h"
#include "model/registry.h"

namespace sparrow {
namespace {

class Qwen3Moe {
 public:
  static constexpr RopeStyle kRopeStyle = RopeStyle::halves;

  Qwen3Moe(const ModelConfig& config, WeightLoader& weights);
  void forward(const Step& step) const;

 private:
  struct Layer {
    std::unique_ptr<Weight> attention_norm;
    Linear q, k, v, attention_output;
    std::unique_ptr<Weight> q_norm, k_norm;  // of one head
    std::unique_ptr<Weight> ffn_norm;
    Linear router;
    std::unique_ptr<Weight> gate, up, down;  // [experts]
  };

  void attend(const Step& s, int64_t index) const;
  void feed_forward(const Step& s, const Layer& layer) const;

  float epsilon_;
  std::shared_ptr<const Weight> embeddings_;
  std::vector<Layer> layers_;
  std::unique_ptr<Weight> output_norm_;
  Linear output_;
};

Qwen3Moe::Qwen3Moe(const ModelConfig& c, WeightLoader& weights) : epsilon_(c.rms_norm_epsilon) {
  embeddings_ = weights.embeddings();
  for (int64_t i = 0; i < c.layer_count; ++i) {
    Layer layer;
    layer.attention_norm = weights.vector(layer_name(i, "attn_norm.weight"), c.hidden_size);
    layer.q = weights.linear(layer_name(i, "attn_q"), c.hidden_size, c.q_size());
    layer.k = weights.linear(layer_name(i, "attn_k"), c.hidden_size, c.kv_size());
    layer.v = weights.linear(layer_name(i, "attn_v"), c.hidden_size, c.kv_size());
    layer.attention_output =
        weights.linear(layer_name(i, "attn_output"), c.q_size(), c.hidden_size);
    layer.q_norm = weights.vector(layer_name(i, "attn_q_norm.weight"), c.head_size);
    layer.k_norm = weights.vector(layer_name(i, "attn_k_norm.weight"), c.head_size);
    layer.ffn_norm = weights.vector(layer_name(i, "ffn_norm.weight"), c.hidden_size);
    layer.router = weights.linear(layer_name(i, "ffn_gate_inp"), c.hidden_size, c.expert_count);
    layer.gate = weights.experts(layer_name(i, "ffn_gate_exps.weight"), c.hidden_size,
                                 c.expert_ffn_size, c.expert_count);
    layer.up = weights.experts(layer_name(i, "ffn_up_exps.weight"), c.hidden_size,
                               c.expert_ffn_size, c.expert_count);
    layer.down = weights.experts(layer_name(i, "ffn_down_exps.weight"), c.expert_ffn_size,
                                 c.hidden_size, c.expert_count);
    layers_.push_back(std::move(layer));
    weights.layer_is_loaded(i);
  }
  output_norm_ = weights.vector("output_norm.weight", c.hidden_size);
  output_ = weights.output_matrix(embeddings_);
}

void Qwen3Moe::attend(const Step& s, int64_t index) const {
  const Layer& layer = layers_[static_cast<size_t>(index)];
  const LinearPart qkv[] = {part(s, s.q, layer.q), part(s, s.k, layer.k), part(s, s.v, layer.v)};
  s.backend.linears(qkv, s.normed);
  s.backend.norm_rope(s.q, *layer.q_norm, epsilon_, s.rope_table, s.rope);
  s.backend.norm_rope(s.k, *layer.k_norm, epsilon_, s.rope_table, s.rope);
  s.backend.store_kv(s.kv, index, s.k, s.v, s.batch.sequences);
  s.backend.attention(s.attended, s.q, s.kv, index, s.batch.sequences);
  linear(s, s.projected, s.attended, layer.attention_output);
}

void Qwen3Moe::feed_forward(const Step& s, const Layer& layer) const {
  linear(s, s.router_logits, s.normed, layer.router);
  s.backend.route_experts(*s.routing, s.router_logits);
  s.backend.expert_matmul(s.gate, s.normed, *layer.gate, *s.routing);
  s.backend.expert_matmul(s.up, s.normed, *layer.up, *s.routing);
  s.backend.silu_mul(s.gate, s.gate, s.up);
  s.backend.expert_matmul(s.expert_outputs, s.gate, *layer.down, *s.routing);
  s.backend.combine_experts(s.projected, s.expert_outputs, *s.routing);
}

void Qwen3Moe::forward(const Step& s) const {
  s.backend.embed(s.hidden, *embeddings_, s.batch.ids);
  for (size_t i = 0; i < layers_.size(); ++i) {
    s.backend.rms_norm(s.normed, s.hidden, *layers_[i].attention_norm, epsilon_);
    attend(s, static_cast<int64_t>(i));
    const Step rest = i + 1 < layers_.size() ? s : only_output_rows(s);
    rest.backend.add_rms_norm(rest.normed, rest.hidden, rest.projected, *layers_[i].ffn_norm,
                              epsilon_);
    feed_forward(rest, layers_[i]);
    rest.backend.add(rest.hidden, rest.projected);
  }
  compute_outputs(s, *output_norm_, output_, epsilon_);
}

}  // namespace

std::unique_ptr<Model> load_qwen3moe(const ModelConfig& config, WeightLoader& weights) {
  return std::make_unique<NetworkModel<Qwen3Moe>>(config, weights);
}

}  // namespace sparrow
