// Packed products by the VPDPBUSD of AVX-VNNI: four unsigned codes times four signed values, added
// to 32 bits in one instruction.
#include "kernels/avx2/registers.h"
#include "kernels/avx_vnni/table.h"
#include "kernels/packed_loops.h"

namespace sparrow::kernels::avx_vnni {
namespace {

struct Vnni : avx2::Registers {
  template <typename Format>
  static constexpr int kind() {
    return 8;
  }
  static constexpr int planes(int) { return 1; }
  static constexpr int columns(int, int subs) { return subs == 1 ? 5 : 4; }

  template <typename Format>
  static void codes(const uint8_t* w, int g, int half, Ints (&planes)[1][kVectors]) {
    Format::codes(w, g, half, planes[0]);
  }

  static void add_four(Ints& sum, Ints codes, Ints x) {
    asm volatile("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(codes), "x"(x));
  }

  template <int kKind, int kCount>
  static Ints add(Ints total, const Ints (&planes)[1][kVectors], int from, const int8_t* x) {
#pragma GCC unroll 8
    for (int v = 0; v < kCount; ++v) add_four(total, planes[0][from + v], four_of(x + 4 * v));
    return total;
  }

  template <int kKind, int kCount, int kC, typename Four, typename Start>
  static void add_tile(Ints (&sums)[kC][2], const uint8_t (*codes)[2][32], const Four& x,
                       const Start& start) {
#pragma GCC unroll 8
    for (int c = 0; c < kC; ++c) sums[c][0] = sums[c][1] = start(c);
#pragma GCC unroll 8
    for (int v = 0; v < kCount; ++v) {
      const Ints first = load_codes(codes[v][0]);
      const Ints second = load_codes(codes[v][1]);
#pragma GCC unroll 8
      for (int c = 0; c < kC; ++c) {
        const Ints four = four_of(x(c, v));
        add_four(sums[c][0], first, four);
        add_four(sums[c][1], second, four);
      }
    }
  }
};

}  // namespace

PackedMatmul find_packed_matmul(uint32_t gguf_id) { return find_packed_matmul_of<Vnni>(gguf_id); }

}  // namespace sparrow::kernels::avx_vnni
