// Memory for packed weights: large chunks of huge pages, shared by the weights that lie in them.
#pragma once

#include <memory>

#include "backend/cpu/memory.h"

namespace sparrow {

// A piece of a chunk, 64-byte aligned. The chunk lives as long as any of its pieces.
struct WeightPiece {
  std::shared_ptr<const Memory> chunk;
  std::byte* data = nullptr;
};

// Used by one loading thread at a time.
class WeightArena {
 public:
  // Zeroed. Throws Error{out_of_memory} with the numbers.
  WeightPiece allocate(int64_t size_bytes);

 private:
  std::shared_ptr<Memory> chunk_;
  int64_t used_ = 0;
};

}  // namespace sparrow
