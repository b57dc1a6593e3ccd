// Packed products by the VPDPBUSD of AVX-512 VNNI.
#include "kernels/avx512/table.h"
#include "kernels/avx512/vnni.h"

namespace sparrow::kernels::avx512 {

PackedMatmul find_packed_matmul(uint32_t gguf_id) { return find_packed_matmul_of<Vnni>(gguf_id); }

}  // namespace sparrow::kernels::avx512
