#include "base/error.h"

#include <cstdio>
#include <cstdlib>

namespace sparrow {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "sparrow: internal error at %s:%d: %s does not hold\n", file, line,
               condition);
  std::abort();
}

}  // namespace sparrow
