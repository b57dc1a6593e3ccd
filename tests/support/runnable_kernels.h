// The kernel tables that the tests of this machine can run; the others are named, not forgotten.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "base/cpu_features.h"
#include "kernels/dispatch.h"

namespace sparrow {

inline std::vector<const kernels::KernelTable*> runnable_kernels() {
  std::vector<const kernels::KernelTable*> tables;
  const CpuFeatures features = detect_cpu_features();
  for (const kernels::KernelTable* table : kernels::kernel_tables()) {
    if (has_instruction_set(features, table->isa)) {
      tables.push_back(table);
    } else {
      std::fprintf(stderr, "not tested here, this machine lacks the instructions: %s\n",
                   table->isa);
    }
  }
  return tables;
}

inline std::string kernels_name(const kernels::KernelTable& table) { return table.isa; }

}  // namespace sparrow
