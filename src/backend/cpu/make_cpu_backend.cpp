// Chooses the kernels once: what was asked for, else the fastest that this machine can run.
#include <fmt/format.h>

#include <string>

#include "backend/cpu/cpu_backend.h"
#include "base/config_env.h"
#include "base/cpu_count.h"
#include "base/cpu_features.h"
#include "base/error.h"
#include "kernels/dispatch.h"

namespace sparrow {
namespace {

constexpr int kMaxThreads = 1024;

std::string names_of_runnable(const CpuFeatures& features) {
  std::string names;
  for (const kernels::KernelTable* table : kernels::kernel_tables()) {
    if (has_instruction_set(features, table->isa))
      names += (names.empty() ? "" : ", ") + std::string(table->isa);
  }
  return names;
}

const kernels::KernelTable& choose_kernels(const std::string& wanted, const char* source) {
  const CpuFeatures features = detect_cpu_features();
  if (!wanted.empty()) {
    const kernels::KernelTable* table = kernels::find_kernels(wanted);
    if (table == nullptr) {
      fail(ErrorCode::invalid_argument, "{} '{}' is unknown; this machine can run: {}", source,
           wanted, names_of_runnable(features));
    }
    if (!has_instruction_set(features, table->isa)) {
      fail(ErrorCode::unsupported, "{} '{}' needs instructions this machine lacks; it can run: {}",
           source, wanted, names_of_runnable(features));
    }
    return *table;
  }
  const kernels::KernelTable* best = nullptr;
  for (const kernels::KernelTable* table : kernels::kernel_tables()) {
    if (has_instruction_set(features, table->isa)) best = table;
  }
  SPARROW_CHECK(best != nullptr);
  return *best;
}

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(const BackendOptions& options) {
  if (options.thread_count < 0 || options.thread_count > kMaxThreads) {
    fail(ErrorCode::invalid_argument, "threads must be 1 to {} (0: one a core), got {}",
         kMaxThreads, options.thread_count);
  }
  const bool is_from_options = !options.isa.empty();
  const std::string isa =
      is_from_options ? std::string(options.isa) : config_env("SPARROW_ISA").value_or("");
  const kernels::KernelTable& kernels =
      choose_kernels(isa, is_from_options ? "instruction set" : "SPARROW_ISA");
  const int threads = options.thread_count > 0 ? options.thread_count : usable_core_count();
  const bool are_quantized = options.activations == ActivationMode::quantized ||
                             (options.activations == ActivationMode::automatic &&
                              std::string_view(kernels.isa) != "scalar");
  return std::make_unique<CpuBackend>(kernels, threads, are_quantized);
}

}  // namespace sparrow
