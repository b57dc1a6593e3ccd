// Random numbers by counter instead of by state: the number for a position is a pure function of
// seed and position, so it does not matter who else was served, what was recomputed, or in which
// order.
#pragma once

#include <array>
#include <cstdint>

namespace sparrow {

// Philox4x32 with 10 rounds (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011): a bijection of the counter, keyed.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// What a number is drawn for: draws for one position do not depend on each other.
enum class RandomUse : uint32_t { token = 0, xtc = 1 };

// Uniform in [0, 1), in steps of 2^-53. `position` is the index of the token in the answer.
double random_unit(uint64_t seed, uint64_t position, RandomUse use);

}  // namespace sparrow
