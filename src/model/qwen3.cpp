// Qwen3 (Yang et al. 2025), dense: Llama's shape with an RMS norm on every head of q and k before
// they rotate, and no biases.
#include <vector>

#include "model/network_model.h"
#include "model/registry.h"

namespace sparrow {
namespace {

class Qwen3 {
 public:
  static constexpr RopeStyle kRopeStyle = RopeStyle::halves;

  Qwen3(const ModelConfig& config, WeightLoader& weights);
  void forward(const Step& step) const;

 private:
  struct Layer {
    std::unique_ptr<Weight> attention_norm;
    Linear q, k, v, attention_output;
    std::unique_ptr<Weight> q_norm, k_norm;  // of one head
    std::unique_ptr<Weight> ffn_norm;
    Linear gate, up, down;
  };

  void attend(const Step& s, int64_t index) const;
  void feed_forward(const Step& s, const Layer& layer) const;

  float epsilon_;
  std::shared_ptr<const Weight> embeddings_;
  std::vector<Layer> layers_;
  std::unique_ptr<Weight> output_norm_;
  Linear output_;
};

Qwen3::Qwen3(const ModelConfig& c, WeightLoader& weights) : epsilon_(c.rms_norm_epsilon) {
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
    layer.gate = weights.linear(layer_name(i, "ffn_gate"), c.hidden_size, c.ffn_size);
    layer.up = weights.linear(layer_name(i, "ffn_up"), c.hidden_size, c.ffn_size);
    layer.down = weights.linear(layer_name(i, "ffn_down"), c.ffn_size, c.hidden_size);
    layers_.push_back(std::move(layer));
    weights.layer_is_loaded(i);
  }
  output_norm_ = weights.vector("output_norm.weight", c.hidden_size);
  output_ = weights.output_matrix(embeddings_);
}

void Qwen3::attend(const Step& s, int64_t index) const {
  const Layer& layer = layers_[static_cast<size_t>(index)];
  const LinearPart qkv[] = {part(s, s.q, layer.q), part(s, s.k, layer.k), part(s, s.v, layer.v)};
  s.backend.linears(qkv, s.normed);
  s.backend.norm_rope(s.q, *layer.q_norm, epsilon_, s.rope_table, s.rope);
  s.backend.norm_rope(s.k, *layer.k_norm, epsilon_, s.rope_table, s.rope);
  s.backend.store_kv(s.kv, index, s.k, s.v, s.batch.sequences);
  s.backend.attention(s.attended, s.q, s.kv, index, s.batch.sequences);
  linear(s, s.projected, s.attended, layer.attention_output);
}

void Qwen3::feed_forward(const Step& s, const Layer& layer) const {
  s.backend.gated_linear(part(s, s.gate, layer.gate), part(s, s.up, layer.up), s.normed);
  linear(s, s.projected, s.gate, layer.down);
}

void Qwen3::forward(const Step& s) const {
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

std::unique_ptr<Model> load_qwen3(const ModelConfig& config, WeightLoader& weights) {
  return std::make_unique<NetworkModel<Qwen3>>(config, weights);
}

}  // namespace sparrow
