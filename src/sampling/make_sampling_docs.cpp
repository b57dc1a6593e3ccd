// Prints docs/sampling.md; see scripts/make_docs.
#include <cstdio>

#include "sampling/sampling_docs.h"

int main() { std::fputs(sparrow::sampling_docs().c_str(), stdout); }
