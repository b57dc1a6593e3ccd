#include "model/key_center.h"

#include <numbers>

#include "base/error.h"
#include "tensor/formats/format.h"

namespace sparrow {
namespace {

constexpr float kSixthOfTurn = static_cast<float>(std::numbers::pi / 3);

}  // namespace

std::vector<float> key_center(std::span<const float> bias, const RopeParameters& rope,
                              int64_t context_length) {
  const size_t size = static_cast<size_t>(rope.head_size);
  const size_t pairs = rope.frequencies.size();
  SPARROW_CHECK(size > 0 && bias.size() % size == 0 && 2 * pairs <= size);
  std::vector<float> center(bias.begin(), bias.end());
  for (size_t head = 0; head < center.size(); head += size) {
    for (size_t i = 0; i < pairs; ++i) {
      const bool is_slow = rope.frequencies[i] * static_cast<float>(context_length) < kSixthOfTurn;
      const float factor = is_slow ? rope.magnitude : 0;
      const bool is_halves = rope.style == RopeStyle::halves;
      center[head + (is_halves ? i : 2 * i)] *= factor;
      center[head + (is_halves ? i + pairs : 2 * i + 1)] *= factor;
    }
  }
  return center;
}

KeyShift::KeyShift(Backend& backend, std::span<const float> bias, const RopeParameters& rope,
                   int64_t context_length)
    : values_(key_center(bias, rope, context_length)) {
  for (float& value : values_) value = -value;
  const Tensor tensor = {reinterpret_cast<const std::byte*>(values_.data()),
                         find_format("F32"),
                         {{static_cast<int64_t>(values_.size()), 1, 1, 1}, 1}};
  weight_ = backend.load_weight(tensor);
}

}  // namespace sparrow
