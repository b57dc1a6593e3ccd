// What the machine can do at best, for the bench to compare with: loops that do nothing else.
#include "kernels/scalar/lanes.h"
#include "kernels/scalar/table.h"

namespace sparrow::kernels::scalar {

namespace {

// Or the compiler would see that every round is the same.
void hide(Lanes& x) {
#if defined(__x86_64__)
  asm volatile("" : "+x"(x));
#elif defined(__aarch64__)
  asm volatile("" : "+w"(x));
#else
  asm volatile("" : "+m"(x));
#endif
}

}  // namespace

int64_t probe_products(int64_t rounds) {
  constexpr int kChains = 8;
  Lanes totals[kChains] = {};
  Lanes x = all(1.0f);
  const Lanes w = all(0.5f);
  for (int64_t i = 0; i < rounds; ++i) {
    hide(x);
    for (int c = 0; c < kChains; ++c) totals[c] += x * w;
  }
  Lanes total = all(0);
  for (int c = 0; c < kChains; ++c) total += totals[c];
  const float keep = sum(total);
  asm volatile("" : : "r"(keep));
  return rounds * kChains * kLanes;
}

void probe_read(const void* bytes, int64_t count) {
  const char* p = static_cast<const char*>(bytes);
  Bytes total = {};
  for (int64_t i = 0; i + 64 <= count; i += 64) {
    total |= load_bytes(p + i) | load_bytes(p + i + 16) | load_bytes(p + i + 32) |
             load_bytes(p + i + 48);
  }
  const int keep = total[0];
  asm volatile("" : : "r"(keep));
}

}  // namespace sparrow::kernels::scalar
