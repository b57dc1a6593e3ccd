// Which instruction sets this machine and its operating system let a program use.
#pragma once

#include <string>
#include <string_view>

namespace sparrow {

// x86 extensions that kernels care about; all false elsewhere. A field is true only when the
// operating system also saves the registers it needs.
struct CpuFeatures {
  bool avx2 = false;
  bool fma = false;
  bool f16c = false;
  bool avx_vnni = false;
  bool avx512f = false;
  bool avx512bw = false;
  bool avx512vl = false;
  bool avx512_vnni = false;
  bool avx512_bf16 = false;
  bool amx_tile = false;
  bool amx_int8 = false;
  bool amx_bf16 = false;
};

// Asks the processor and the operating system; Linux grants AMX's tile registers on request, once a
// process, which this is. Any thread.
CpuFeatures detect_cpu_features();

// Whether the kernels of that name (kernels/dispatch.h) can run; false for a name nobody knows.
bool has_instruction_set(const CpuFeatures& features, std::string_view name);

// "avx2 fma f16c …": for messages and logs; "none" if empty.
std::string to_string(const CpuFeatures& features);

}  // namespace sparrow
