// Operations on one row, 16 floats at a time. Tails are masked, so they take the same path.
#include <immintrin.h>

#include "kernels/avx512/exp.h"
#include "kernels/avx512/table.h"
#include "kernels/scalar/table.h"

namespace sparrow::kernels::avx512 {
namespace {

constexpr int64_t kLanes = 16;

__mmask16 mask_of(int64_t left) {
  return left >= kLanes ? 0xffff : static_cast<__mmask16>((1u << left) - 1);
}

// v plus its lanes `swapped` with those some apart; lanes of `minus`, the later of each two, count
// negative for themselves.
__m512 add_swapped(__m512 v, __m512 swapped, __mmask16 minus) {
  const __m512i sign = _mm512_maskz_set1_epi32(minus, INT32_MIN);
  return _mm512_add_ps(swapped,
                       _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(v), sign)));
}

// The stages within 16 values.
__m512 hadamard(__m512 v) {
  v = add_swapped(v, _mm512_permute_ps(v, 0b10'11'00'01), 0xaaaa);
  v = add_swapped(v, _mm512_permute_ps(v, 0b01'00'11'10), 0xcccc);
  v = add_swapped(v, _mm512_shuffle_f32x4(v, v, 0b10'11'00'01), 0xf0f0);
  return add_swapped(v, _mm512_shuffle_f32x4(v, v, 0b01'00'11'10), 0xff00);
}

}  // namespace

void rms_norm_f32(float* out, const float* x, const float* w, int64_t count, float epsilon) {
  __m512 squares[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
  for (int64_t i = 0; i < count; i += kLanes) {
    const __m512 v = _mm512_maskz_loadu_ps(mask_of(count - i), x + i);
    __m512& sum = squares[i / kLanes % 2];
    sum = _mm512_fmadd_ps(v, v, sum);
  }
  const float mean =
      _mm512_reduce_add_ps(_mm512_add_ps(squares[0], squares[1])) / static_cast<float>(count);
  const __m512 factor = _mm512_set1_ps(1.0f / __builtin_sqrtf(mean + epsilon));
  for (int64_t i = 0; i < count; i += kLanes) {
    const __mmask16 mask = mask_of(count - i);
    const __m512 v = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), factor);
    _mm512_mask_storeu_ps(out + i, mask, _mm512_mul_ps(v, _mm512_maskz_loadu_ps(mask, w + i)));
  }
}

void add_f32(float* out, const float* x, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const __mmask16 mask = mask_of(count - i);
    const __m512 sum =
        _mm512_add_ps(_mm512_maskz_loadu_ps(mask, out + i), _mm512_maskz_loadu_ps(mask, x + i));
    _mm512_mask_storeu_ps(out + i, mask, sum);
  }
}

void add_scaled_f32(float* out, const float* x, float factor, int64_t count) {
  const __m512 f = _mm512_set1_ps(factor);
  for (int64_t i = 0; i < count; i += kLanes) {
    const __mmask16 mask = mask_of(count - i);
    const __m512 scaled = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), f);
    _mm512_mask_storeu_ps(out + i, mask,
                          _mm512_add_ps(_mm512_maskz_loadu_ps(mask, out + i), scaled));
  }
}

void scale_f32(float* out, const float* x, float factor, int64_t count) {
  const __m512 f = _mm512_set1_ps(factor);
  for (int64_t i = 0; i < count; i += kLanes) {
    const __mmask16 mask = mask_of(count - i);
    _mm512_mask_storeu_ps(out + i, mask, _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), f));
  }
}

void silu_mul_f32(float* out, const float* gate, const float* up, int64_t count) {
  const __m512 one = _mm512_set1_ps(1.0f);
  for (int64_t i = 0; i < count; i += kLanes) {
    const __mmask16 mask = mask_of(count - i);
    const __m512 g = _mm512_maskz_loadu_ps(mask, gate + i);
    const __m512 minus_g = _mm512_sub_ps(_mm512_setzero_ps(), g);
    const __m512 silu = _mm512_div_ps(g, _mm512_add_ps(one, exp(minus_g)));
    _mm512_mask_storeu_ps(out + i, mask, _mm512_mul_ps(silu, _mm512_maskz_loadu_ps(mask, up + i)));
  }
}

void exp_f32(float* x, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const __mmask16 mask = mask_of(count - i);
    _mm512_mask_storeu_ps(x + i, mask, exp(_mm512_maskz_loadu_ps(mask, x + i)));
  }
}

void softmax_f32(float* x, int64_t count) {
  __m512 largest = _mm512_set1_ps(x[0]);
  for (int64_t i = 0; i < count; i += kLanes) {
    const __mmask16 mask = mask_of(count - i);
    largest = _mm512_max_ps(largest, _mm512_mask_loadu_ps(largest, mask, x + i));
  }
  largest = _mm512_set1_ps(_mm512_reduce_max_ps(largest));
  __m512 total = _mm512_setzero_ps();
  for (int64_t i = 0; i < count; i += kLanes) {
    const __mmask16 mask = mask_of(count - i);
    const __m512 e =
        _mm512_maskz_mov_ps(mask, exp(_mm512_sub_ps(_mm512_maskz_loadu_ps(mask, x + i), largest)));
    _mm512_mask_storeu_ps(x + i, mask, e);
    total = _mm512_add_ps(total, e);
  }
  scale_f32(x, x, 1.0f / _mm512_reduce_add_ps(total), count);
}

void hadamard_f32(float* x, int64_t count) {
  const int64_t size = count & -count;
  if (size < kLanes) return scalar::hadamard_f32(x, count);
  const __m512 factor = _mm512_set1_ps(1.0f / __builtin_sqrtf(static_cast<float>(size)));
  for (int64_t i = 0; i < count; i += kLanes)
    _mm512_storeu_ps(x + i, hadamard(_mm512_loadu_ps(x + i)));
  for (int64_t apart = kLanes; apart < size; apart *= 2) {
    for (int64_t first = 0; first < count; first += 2 * apart) {
      for (int64_t i = first; i < first + apart; i += kLanes) {
        const __m512 a = _mm512_loadu_ps(x + i);
        const __m512 b = _mm512_loadu_ps(x + i + apart);
        _mm512_storeu_ps(x + i, _mm512_add_ps(a, b));
        _mm512_storeu_ps(x + i + apart, _mm512_sub_ps(a, b));
      }
    }
  }
  for (int64_t i = 0; i < count; i += kLanes)
    _mm512_storeu_ps(x + i, _mm512_mul_ps(_mm512_loadu_ps(x + i), factor));
}

// As bfloat_bits() of scalar/half.h.
void convert_bf16_f32(uint16_t* out, const float* x, int64_t count) {
  const __m512i one = _mm512_set1_epi32(1);
  for (int64_t i = 0; i < count; i += kLanes) {
    const __mmask16 mask = mask_of(count - i);
    const __m512 v = _mm512_maskz_loadu_ps(mask, x + i);
    const __m512i bits = _mm512_castps_si512(v);
    const __m512i high = _mm512_srli_epi32(bits, 16);
    const __m512i half = _mm512_add_epi32(_mm512_set1_epi32(0x7fff), _mm512_and_si512(high, one));
    const __m512i rounded = _mm512_srli_epi32(_mm512_add_epi32(bits, half), 16);
    const __m512i quiet = _mm512_or_si512(high, _mm512_set1_epi32(0x40));
    const __mmask16 is_nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    _mm512_mask_cvtepi32_storeu_epi16(out + i, mask, _mm512_mask_mov_epi32(rounded, is_nan, quiet));
  }
}

}  // namespace sparrow::kernels::avx512
