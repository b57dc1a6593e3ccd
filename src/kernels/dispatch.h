// The kernel tables this program was built with, by name.
#pragma once

#include <span>
#include <string_view>

#include "kernels/kernel_table.h"

namespace sparrow::kernels {

// From slowest to fastest. Whether the machine can run one is the caller's question.
std::span<const KernelTable* const> kernel_tables();

// "scalar", "avx2", …; null if this build has none of that name.
const KernelTable* find_kernels(std::string_view isa);

}  // namespace sparrow::kernels
