// docs/sampling.md, made from the field table and the chain table.
#pragma once

#include <string>

namespace sparrow {

std::string sampling_docs();

}  // namespace sparrow
