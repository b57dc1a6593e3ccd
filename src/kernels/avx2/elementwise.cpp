// Operations on one row, 8 floats at a time. Tails are masked, so they take the same path.
#include "kernels/avx2/lanes.h"
#include "kernels/avx2/table.h"
#include "kernels/scalar/table.h"

namespace sparrow::kernels::avx2 {
namespace {

// A whole register without a mask, which some processors store slowly.
inline __m256 load(const float* p, int64_t left) {
  return left >= kLanes ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, mask_lanes(left));
}
inline void store(float* p, __m256 v, int64_t left) {
  if (left >= kLanes) {
    _mm256_storeu_ps(p, v);
  } else {
    _mm256_maskstore_ps(p, mask_lanes(left), v);
  }
}

// v plus its lanes `swapped` with those some apart; the later of each two count negative for
// themselves, as `signs` says.
inline __m256 add_swapped(__m256 v, __m256 swapped, __m256i signs) {
  return _mm256_add_ps(swapped, _mm256_xor_ps(v, _mm256_castsi256_ps(signs)));
}

// The stages within 8 values.
inline __m256 hadamard(__m256 v) {
  constexpr int32_t kMinus = INT32_MIN;
  v = add_swapped(v, _mm256_permute_ps(v, 0b10'11'00'01),
                  _mm256_setr_epi32(0, kMinus, 0, kMinus, 0, kMinus, 0, kMinus));
  v = add_swapped(v, _mm256_permute_ps(v, 0b01'00'11'10),
                  _mm256_setr_epi32(0, 0, kMinus, kMinus, 0, 0, kMinus, kMinus));
  return add_swapped(v, _mm256_permute2f128_ps(v, v, 1),
                     _mm256_setr_epi32(0, 0, 0, 0, kMinus, kMinus, kMinus, kMinus));
}

}  // namespace

void rms_norm_f32(float* out, const float* x, const float* w, int64_t count, float epsilon) {
  __m256 squares[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
  for (int64_t i = 0; i < count; i += kLanes) {
    const __m256 v = load(x + i, count - i);
    __m256& sum = squares[i / kLanes % 2];
    sum = _mm256_fmadd_ps(v, v, sum);
  }
  const float mean = sum_lanes(_mm256_add_ps(squares[0], squares[1])) / static_cast<float>(count);
  const __m256 factor = _mm256_set1_ps(1.0f / __builtin_sqrtf(mean + epsilon));
  for (int64_t i = 0; i < count; i += kLanes) {
    const __m256 v = _mm256_mul_ps(load(x + i, count - i), factor);
    store(out + i, _mm256_mul_ps(v, load(w + i, count - i)), count - i);
  }
}

void add_f32(float* out, const float* x, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) {
    store(out + i, _mm256_add_ps(load(out + i, count - i), load(x + i, count - i)), count - i);
  }
}

void add_scaled_f32(float* out, const float* x, float factor, int64_t count) {
  const __m256 f = _mm256_set1_ps(factor);
  for (int64_t i = 0; i < count; i += kLanes) {
    const __m256 scaled = _mm256_mul_ps(load(x + i, count - i), f);
    store(out + i, _mm256_add_ps(load(out + i, count - i), scaled), count - i);
  }
}

void scale_f32(float* out, const float* x, float factor, int64_t count) {
  const __m256 f = _mm256_set1_ps(factor);
  for (int64_t i = 0; i < count; i += kLanes)
    store(out + i, _mm256_mul_ps(load(x + i, count - i), f), count - i);
}

void silu_mul_f32(float* out, const float* gate, const float* up, int64_t count) {
  const __m256 one = _mm256_set1_ps(1.0f);
  for (int64_t i = 0; i < count; i += kLanes) {
    const __m256 g = load(gate + i, count - i);
    const __m256 minus_g = _mm256_sub_ps(_mm256_setzero_ps(), g);
    const __m256 silu = _mm256_div_ps(g, _mm256_add_ps(one, exp(minus_g)));
    store(out + i, _mm256_mul_ps(silu, load(up + i, count - i)), count - i);
  }
}

void exp_f32(float* x, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) store(x + i, exp(load(x + i, count - i)), count - i);
}

void softmax_f32(float* x, int64_t count) {
  float largest = x[0];
  for (int64_t i = 1; i < count; ++i) largest = x[i] > largest ? x[i] : largest;
  const __m256 shift = _mm256_set1_ps(largest);
  __m256 total = _mm256_setzero_ps();
  for (int64_t i = 0; i < count; i += kLanes) {
    const __m256 e = exp(_mm256_sub_ps(load(x + i, count - i), shift));
    store(x + i, e, count - i);
    total = _mm256_add_ps(total, _mm256_and_ps(e, _mm256_castsi256_ps(mask_lanes(count - i))));
  }
  scale_f32(x, x, 1.0f / sum_lanes(total), count);
}

void hadamard_f32(float* x, int64_t count) {
  const int64_t size = count & -count;
  if (size < kLanes) return scalar::hadamard_f32(x, count);
  const __m256 factor = _mm256_set1_ps(1.0f / __builtin_sqrtf(static_cast<float>(size)));
  for (int64_t i = 0; i < count; i += kLanes)
    _mm256_storeu_ps(x + i, hadamard(_mm256_loadu_ps(x + i)));
  for (int64_t apart = kLanes; apart < size; apart *= 2) {
    for (int64_t first = 0; first < count; first += 2 * apart) {
      for (int64_t i = first; i < first + apart; i += kLanes) {
        const __m256 a = _mm256_loadu_ps(x + i);
        const __m256 b = _mm256_loadu_ps(x + i + apart);
        _mm256_storeu_ps(x + i, _mm256_add_ps(a, b));
        _mm256_storeu_ps(x + i + apart, _mm256_sub_ps(a, b));
      }
    }
  }
  for (int64_t i = 0; i < count; i += kLanes)
    _mm256_storeu_ps(x + i, _mm256_mul_ps(_mm256_loadu_ps(x + i), factor));
}

}  // namespace sparrow::kernels::avx2
