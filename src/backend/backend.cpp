#include "backend/backend.h"

#include "base/error.h"

namespace sparrow {

KvType parse_kv_type(std::string_view name) {
  for (const KvType type : kKvTypes) {
    if (name == to_string(type)) return type;
  }
  fail(ErrorCode::invalid_argument, "kv_type must be f32, f16, bf16, q8_0 or q4_0, got '{}'", name);
}

std::string_view to_string(KvType type) {
  switch (type) {
    case KvType::f32:
      return "f32";
    case KvType::f16:
      return "f16";
    case KvType::bf16:
      return "bf16";
    case KvType::q8_0:
      return "q8_0";
    case KvType::q4_0:
      return "q4_0";
  }
  return "?";
}

bool is_quantized(KvType type) { return type == KvType::q8_0 || type == KvType::q4_0; }

bool can_keep_heads(KvType type, int64_t head_size) {
  return !is_quantized(type) || head_size % kKvScaleChannels == 0;
}

int64_t kv_head_bytes(KvType type, int64_t head_size) {
  switch (type) {
    case KvType::f32:
      return head_size * 4;
    case KvType::f16:
    case KvType::bf16:
      return head_size * 2;
    case KvType::q8_0:
      return head_size + head_size / kKvScaleChannels * 2;
    case KvType::q4_0:
      return head_size / 2 + head_size / kKvScaleChannels * 2;
  }
  return 0;
}

ActivationMode parse_activation_mode(std::string_view name) {
  if (name == "auto") return ActivationMode::automatic;
  if (name == "f32") return ActivationMode::f32;
  if (name == "quantized") return ActivationMode::quantized;
  fail(ErrorCode::invalid_argument, "activations must be auto, f32 or quantized, got '{}'", name);
}

void Backend::linears(std::span<const LinearPart> parts, const Activations& x) {
  for (const LinearPart& part : parts) {
    matmul(part.out, x, *part.weight);
    if (part.bias != nullptr) add_bias(part.out, *part.bias);
    if (!part.adapters.empty()) add_low_rank(part, x);
  }
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

void Backend::gated_linear(const LinearPart& gate, const LinearPart& up, const Activations& x) {
  const LinearPart parts[] = {gate, up};
  linears(parts, x);
  silu_mul(gate.out, gate.out, up.out);
}

}  // namespace sparrow
