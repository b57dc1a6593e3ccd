#include "kernels/dispatch.h"

#include "kernels/scalar/table.h"

namespace sparrow::kernels {

std::span<const KernelTable* const> kernel_tables() {
  static constexpr const KernelTable* kTables[] = {&scalar::kTable};
  return kTables;
}

const KernelTable* find_kernels(std::string_view isa) {
  for (const KernelTable* table : kernel_tables()) {
    if (isa == table->isa) return table;
  }
  return nullptr;
}

}  // namespace sparrow::kernels
