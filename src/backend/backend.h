// Where a model runs: memory for weights and KV cache, and the operations of a forward pass.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace sparrow {

enum class KvType { f32, f16, bf16 };
std::optional<KvType> parse_kv_type(std::string_view name);  // "f32", "f16", "bf16"
std::string_view to_string(KvType type);

// The bytes of a paged KV cache; which block belongs to whom is the engine's business.
class KvMemory {
 public:
  virtual ~KvMemory() = default;
  virtual int64_t block_count() const = 0;
  virtual int64_t block_tokens() const = 0;
  virtual int64_t size_bytes() const = 0;
};

class Backend;

struct BackendOptions {
  int thread_count = 0;       // 0: one a physical core this process may use
  std::string_view isa = {};  // empty: SPARROW_ISA, else the best of this machine
};

std::unique_ptr<Backend> make_cpu_backend(const BackendOptions& options = {});

}  // namespace sparrow
