// The version of the library and of the program, and which of its names others may link to.
#pragma once

#if defined(__GNUC__)
#define SPARROW_API __attribute__((visibility("default")))
#else
#define SPARROW_API
#endif

namespace sparrow {
inline constexpr const char kVersion[] = "0.1.0";
}  // namespace sparrow
