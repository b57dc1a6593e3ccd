// Operations on one row: norm, activation, softmax, rotation, sums.
#include "kernels/scalar/exp.h"
#include "kernels/scalar/lanes.h"
#include "kernels/scalar/table.h"

namespace sparrow::kernels::scalar {

void rms_norm_f32(float* out, const float* x, const float* w, int64_t count, float epsilon) {
  Lanes low = all(0);
  Lanes high = all(0);
  int64_t i = 0;
  for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
    const Lanes a = load(x + i);
    const Lanes b = load(x + i + kLanes);
    low += a * a;
    high += b * b;
  }
  float squares = sum(low + high);
  for (; i < count; ++i) squares += x[i] * x[i];
  const float mean = squares / static_cast<float>(count);
  const float factor = 1.0f / __builtin_sqrtf(mean + epsilon);
  for (i = 0; i < count; ++i) out[i] = (x[i] * factor) * w[i];
}

void add_f32(float* out, const float* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] += x[i];
}

void add_scaled_f32(float* out, const float* x, float factor, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] += x[i] * factor;
}

void scale_f32(float* out, const float* x, float factor, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = x[i] * factor;
}

void silu_mul_f32(float* out, const float* gate, const float* up, int64_t count) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Lanes g = load(gate + i);
    store(out + i, g / (1.0f + exp(-g)) * load(up + i));
  }
  if (i < count) {
    const Lanes g = load_part(gate + i, count - i);
    store_part(out + i, g / (1.0f + exp(-g)) * load_part(up + i, count - i), count - i);
  }
}

void exp_f32(float* x, int64_t count) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(x + i, exp(load(x + i)));
  if (i < count) store_part(x + i, exp(load_part(x + i, count - i)), count - i);
}

void softmax_f32(float* x, int64_t count) {
  float largest = x[0];
  for (int64_t i = 1; i < count; ++i) largest = x[i] > largest ? x[i] : largest;
  Lanes total = all(0);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Lanes e = exp(load(x + i) - largest);
    store(x + i, e);
    total += e;
  }
  float rest = 0;
  if (i < count) {
    const Lanes e = exp(load_part(x + i, count - i) - largest);
    store_part(x + i, e, count - i);
    for (int64_t j = i; j < count; ++j) rest += x[j];
  }
  const float factor = 1.0f / (sum(total) + rest);
  for (i = 0; i < count; ++i) x[i] *= factor;
}

void rope_halves_f32(float* x, const float* cosines, const float* sines, int64_t pairs) {
  float* second = x + pairs;
  for (int64_t i = 0; i < pairs; ++i) {
    const float a = x[i];
    const float b = second[i];
    x[i] = a * cosines[i] - b * sines[i];
    second[i] = b * cosines[i] + a * sines[i];
  }
}

void rope_pairs_f32(float* x, const float* cosines, const float* sines, int64_t pairs) {
  for (int64_t i = 0; i < pairs; ++i) {
    const float a = x[2 * i];
    const float b = x[2 * i + 1];
    x[2 * i] = a * cosines[i] - b * sines[i];
    x[2 * i + 1] = b * cosines[i] + a * sines[i];
  }
}

void hadamard_f32(float* x, int64_t count) {
  const int64_t size = count & -count;
  const float factor = 1.0f / __builtin_sqrtf(static_cast<float>(size));
  for (float* part = x; part < x + count; part += size) {
    for (int64_t apart = 1; apart < size; apart *= 2) {
      for (int64_t first = 0; first < size; first += 2 * apart) {
        float* low = part + first;
        float* high = low + apart;
        for (int64_t i = 0; i < apart; ++i) {
          const float a = low[i];
          const float b = high[i];
          low[i] = a + b;
          high[i] = a - b;
        }
      }
    }
    for (int64_t i = 0; i < size; ++i) part[i] *= factor;
  }
}

}  // namespace sparrow::kernels::scalar
