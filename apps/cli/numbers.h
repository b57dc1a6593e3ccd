// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace sparrow::cli {

std::string grouped(int64_t number);  // "32,768"

// "1.52s", "830ms", "2m05s": a time in seconds.
std::string short_time(double seconds);

}  // namespace sparrow::cli
