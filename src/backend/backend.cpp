#include "backend/backend.h"

namespace sparrow {

std::optional<KvType> parse_kv_type(std::string_view name) {
  for (const KvType type : {KvType::f32, KvType::f16, KvType::bf16}) {
    if (name == to_string(type)) return type;
  }
  return std::nullopt;
}

std::string_view to_string(KvType type) {
  switch (type) {
    case KvType::f32:
      return "f32";
    case KvType::f16:
      return "f16";
    case KvType::bf16:
      return "bf16";
  }
  return "?";
}

int64_t kv_element_bytes(KvType type) { return type == KvType::f32 ? 4 : 2; }

void Backend::linear(const Activations& out, const Activations& x, const Weight& weight,
                     const Weight* bias) {
  matmul(out, x, weight);
  if (bias != nullptr) add_bias(out, *bias);
}

void Backend::add_rms_norm(const Activations& out, const Activations& hidden,
                           const Activations& delta, const Weight& weight, float epsilon) {
  add(hidden, delta);
  rms_norm(out, hidden, weight, epsilon);
}

void Backend::norm_rope(const Activations& x, const Weight& head_norm, float epsilon,
                        const Activations& table, const RopeParameters& rope_parameters) {
  const Activations heads = x.reshaped(rope_parameters.head_size);
  rms_norm(heads, heads, head_norm, epsilon);
  rope(x, table, rope_parameters);
}

void Backend::gated_linear(const Activations& out, const Activations& scratch, const Activations& x,
                           const Weight& gate, const Weight& up) {
  matmul(out, x, gate);
  matmul(scratch, x, up);
  silu_mul(out, out, scratch);
}

}  // namespace sparrow
