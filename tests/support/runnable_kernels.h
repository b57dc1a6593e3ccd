// The kernel tables that the tests of this machine can run; the others are named, not forgotten.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "base/cpu_features.h"
#include "kernels/dispatch.h"
#include "tests/support/tile_emulator.h"

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

// Of a test that does not ask the machine: also AMX, where only its tile instructions are missing
// and can be had in software.
inline std::vector<const kernels::KernelTable*> testable_kernels() {
  std::vector<const kernels::KernelTable*> tables = runnable_kernels();
  const kernels::KernelTable* amx = kernels::find_kernels("amx");
  CpuFeatures features = detect_cpu_features();
  if (amx == nullptr || has_instruction_set(features, amx->isa)) return tables;
  features.amx_tile = features.amx_int8 = features.amx_bf16 = true;
  if (has_instruction_set(features, amx->isa) && test_support::emulate_tiles()) {
    std::fprintf(stderr, "tested all the same, with the instructions in software: %s\n", amx->isa);
    tables.push_back(amx);
  }
  return tables;
}

inline std::string kernels_name(const kernels::KernelTable& table) { return table.isa; }

}  // namespace sparrow
