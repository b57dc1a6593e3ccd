#include "kernels/dispatch.h"

#if defined(SPARROW_X86_KERNELS)
#include "kernels/amx/table.h"
#include "kernels/avx2/table.h"
#include "kernels/avx512/table.h"
#include "kernels/avx512_bf16/table.h"
#include "kernels/avx_vnni/table.h"
#endif
#include "kernels/scalar/table.h"

namespace sparrow::kernels {

std::span<const KernelTable* const> kernel_tables() {
  static constexpr const KernelTable* kTables[] = {
    &scalar::kTable,
#if defined(SPARROW_X86_KERNELS)
    &avx2::kTable,
    &avx_vnni::kTable,
    &avx512::kTable,
    &avx512_bf16::kTable,
    &amx::kTable,
#endif
  };
  return kTables;
}

const KernelTable* find_kernels(std::string_view isa) {
  for (const KernelTable* table : kernel_tables()) {
    if (isa == table->isa) return table;
  }
  return nullptr;
}

}  // namespace sparrow::kernels
