#include "base/cpu_features.h"

#include <array>
#include <cstdint>
#include <utility>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace sparrow {
namespace {

#if defined(__x86_64__)

struct CpuidResult {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

CpuidResult cpuid(uint32_t leaf, uint32_t subleaf) {
  CpuidResult r;
  if (__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return {};
  return r;
}

constexpr bool has_bit(uint64_t value, int bit) { return ((value >> bit) & 1) != 0; }

// Which register files the operating system saves on a task switch (XCR0).
uint64_t saved_register_files() {
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

// Whether the operating system lets this process use the tile registers, all threads of it.
bool may_use_tiles() {
#if defined(__linux__)
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  static const bool is_granted = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return is_granted;
#else
  return false;
#endif
}

#endif

}  // namespace

CpuFeatures detect_cpu_features() {
  CpuFeatures features;
#if defined(__x86_64__)
  const CpuidResult leaf1 = cpuid(1, 0);
  constexpr int kOsXsave = 27;
  if (!has_bit(leaf1.ecx, kOsXsave)) return features;
  const uint64_t saved = saved_register_files();
  constexpr uint64_t kYmm = 0x6;        // SSE and AVX state
  constexpr uint64_t kZmm = 0xe6;       // and the mask and upper-half registers
  constexpr uint64_t kTiles = 0x60000;  // tile configuration and data
  if ((saved & kYmm) != kYmm) return features;
  const CpuidResult leaf7 = cpuid(7, 0);
  const CpuidResult leaf7_1 = cpuid(7, 1);
  features.fma = has_bit(leaf1.ecx, 12);
  features.f16c = has_bit(leaf1.ecx, 29);
  features.avx2 = has_bit(leaf7.ebx, 5);
  features.avx_vnni = has_bit(leaf7_1.eax, 4);
  if ((saved & kZmm) == kZmm) {
    features.avx512f = has_bit(leaf7.ebx, 16);
    features.avx512bw = has_bit(leaf7.ebx, 30);
    features.avx512vl = has_bit(leaf7.ebx, 31);
    features.avx512_vnni = has_bit(leaf7.ecx, 11);
    features.avx512_bf16 = has_bit(leaf7_1.eax, 5);
  }
  if ((saved & kTiles) == kTiles && may_use_tiles()) {
    features.amx_bf16 = has_bit(leaf7.edx, 22);
    features.amx_tile = has_bit(leaf7.edx, 24);
    features.amx_int8 = has_bit(leaf7.edx, 25);
  }
#endif
  return features;
}

bool has_instruction_set(const CpuFeatures& f, std::string_view name) {
  if (name == "scalar") return true;
  const bool has_avx2 = f.avx2 && f.fma && f.f16c;
  if (name == "avx2") return has_avx2;
  if (name == "avx_vnni") return has_avx2 && f.avx_vnni;
  const bool has_avx512 = has_avx2 && f.avx512f && f.avx512bw && f.avx512vl && f.avx512_vnni;
  if (name == "avx512") return has_avx512;
  if (name == "avx512_bf16") return has_avx512 && f.avx512_bf16;
  if (name == "amx") return has_avx512 && f.amx_tile && f.amx_int8 && f.amx_bf16;
  return false;
}

std::string to_string(const CpuFeatures& features) {
  const std::array<std::pair<bool, const char*>, 12> names = {{
      {features.avx2, "avx2"},
      {features.fma, "fma"},
      {features.f16c, "f16c"},
      {features.avx_vnni, "avx_vnni"},
      {features.avx512f, "avx512f"},
      {features.avx512bw, "avx512bw"},
      {features.avx512vl, "avx512vl"},
      {features.avx512_vnni, "avx512_vnni"},
      {features.avx512_bf16, "avx512_bf16"},
      {features.amx_tile, "amx_tile"},
      {features.amx_int8, "amx_int8"},
      {features.amx_bf16, "amx_bf16"},
  }};
  std::string text;
  for (const auto& [is_present, name] : names) {
    if (!is_present) continue;
    if (!text.empty()) text += ' ';
    text += name;
  }
  return text.empty() ? "none" : text;
}

}  // namespace sparrow
