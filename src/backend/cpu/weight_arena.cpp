#include "backend/cpu/weight_arena.h"

#include <algorithm>

namespace sparrow {
namespace {

// Many small matrices share one; untouched pages at its end cost nothing.
constexpr int64_t kChunkBytes = int64_t{64} << 20;
constexpr int64_t kCacheLine = 64;

}  // namespace

WeightPiece WeightArena::allocate(int64_t size_bytes) {
  const int64_t size = (size_bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
  if (chunk_ == nullptr || used_ + size > chunk_->size_bytes()) {
    chunk_ = std::make_shared<Memory>(Memory::huge(std::max(size, kChunkBytes), "a weight"));
    used_ = 0;
  }
  const WeightPiece piece = {chunk_, chunk_->data() + used_};
  used_ += size;
  // Weights keep their own share; an arena that is done must not hold the last chunk for itself.
  if (used_ == chunk_->size_bytes()) chunk_.reset();
  return piece;
}

}  // namespace sparrow
