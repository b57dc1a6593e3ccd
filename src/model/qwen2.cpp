// Qwen2 and Qwen2.5 (Yang et al. 2024): Llama's shape with biases on q, k and v, and channels that
// rotate with the one half a head away.
#include <vector>

#include "model/key_center.h"
#include "model/network_model.h"
#include "model/registry.h"
#include "model/rope.h"

namespace sparrow {
namespace {

class Qwen2 {
 public:
  static constexpr RopeStyle kRopeStyle = RopeStyle::halves;

  Qwen2(const ModelConfig& config, WeightLoader& weights);
  void forward(const Step& step) const;

 private:
  struct Layer {
    std::unique_ptr<Weight> attention_norm;
    Linear q, k, v, attention_output;
    KeyShift key_shift;
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

Qwen2::Qwen2(const ModelConfig& c, WeightLoader& weights) : epsilon_(c.rms_norm_epsilon) {
  embeddings_ = weights.embeddings();
  for (int64_t i = 0; i < c.layer_count; ++i) {
    Layer layer;
    layer.attention_norm = weights.vector(layer_name(i, "attn_norm.weight"), c.hidden_size);
    layer.q = weights.biased_linear(layer_name(i, "attn_q"), c.hidden_size, c.q_size());
    layer.k = weights.biased_linear(layer_name(i, "attn_k"), c.hidden_size, c.kv_size());
    layer.key_shift =
        KeyShift(weights.backend(), weights.numbers(layer_name(i, "attn_k.bias"), c.kv_size()),
                 rope_parameters(kRopeStyle, c, weights.rope()), c.context_length);
    layer.v = weights.biased_linear(layer_name(i, "attn_v"), c.hidden_size, c.kv_size());
    layer.attention_output =
        weights.linear(layer_name(i, "attn_output"), c.q_size(), c.hidden_size);
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

void Qwen2::attend(const Step& s, int64_t index) const {
  const Layer& layer = layers_[static_cast<size_t>(index)];
  const LinearPart qkv[] = {part(s, s.q, layer.q), part(s, s.k, layer.k), part(s, s.v, layer.v)};
  s.backend.linears(qkv, s.normed);
  s.backend.rope(s.q, s.rope_table, s.rope);
  s.backend.rope(s.k, s.rope_table, s.rope);
  s.backend.add_bias(s.k, layer.key_shift.weight());
  s.backend.store_kv(s.kv, index, s.k, s.v, s.batch.sequences);
  s.backend.attention(s.attended, s.q, s.kv, index, s.batch.sequences);
  linear(s, s.projected, s.attended, layer.attention_output);
}

void Qwen2::feed_forward(const Step& s, const Layer& layer) const {
  s.backend.gated_linear(part(s, s.gate, layer.gate), part(s, s.up, layer.up), s.normed);
  linear(s, s.projected, s.gate, layer.down);
}

void Qwen2::forward(const Step& s) const {
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

std::unique_ptr<Model> load_qwen2(const ModelConfig& config, WeightLoader& weights) {
  return std::make_unique<NetworkModel<Qwen2>>(config, weights);
}

}  // namespace sparrow
