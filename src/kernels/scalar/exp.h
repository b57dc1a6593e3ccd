// exp() of four floats: about 1 ulp over the whole range, subnormal results included. Kernels must
// not call libm: its bits differ from machine to machine, and its code would leak into ISA folders.
#pragma once

#include "kernels/scalar/lanes.h"

namespace sparrow::kernels::scalar {

// x = n ln 2 + r with |r| <= ln 2 / 2; e^r by its Taylor series to degree 7 (remainder below
// 2^-27), n by shifting exponents in two steps so that neither overflows on its own.
// NaN gives NaN, above 88.73 infinity, below -104 zero.
static inline Lanes exp(Lanes x) {
  const Lanes bounded_above = x > 100.0f ? all(100.0f) : x;
  const Lanes bounded = bounded_above < -150.0f ? all(-150.0f) : bounded_above;
  const Lanes kRound = all(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const Lanes shifted = bounded * 1.44269504088896341f + kRound;
  const Lanes n = shifted - kRound;
  // ln 2 in two parts; the first has few bits, so n times it is exact.
  const Lanes r = (bounded - n * 0.693359375f) - n * -2.12194440e-4f;
  Lanes p = all(1.0f / 5040);
  p = p * r + (1.0f / 720);
  p = p * r + (1.0f / 120);
  p = p * r + (1.0f / 24);
  p = p * r + (1.0f / 6);
  p = p * r + 0.5f;
  p = (p * r) * r + r;
  p = p + 1.0f;
  const IntLanes exponent = as_ints(shifted) - as_ints(kRound);
  const IntLanes half = exponent >> 1;
  const Lanes first = as_floats((half + 127) << 23);
  const Lanes second = as_floats((exponent - half + 127) << 23);
  return (p * first) * second;
}

}  // namespace sparrow::kernels::scalar
