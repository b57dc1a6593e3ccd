// A pull with its progress on standard error and Ctrl-C caught: for `sparrow pull`, and for
// `sparrow run` of a model that is not here yet.
#pragma once

#include <string>

#include "store/pull.h"

namespace sparrow::cli {

StoredModel pull_with_progress(Store& store, const std::string& name);
// The same, and forgets the digest that the name was first pulled with.
StoredModel pull_new_digest_with_progress(Store& store, const std::string& name);

}  // namespace sparrow::cli
