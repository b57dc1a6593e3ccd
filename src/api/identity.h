// What a model is known by in receipts.
#pragma once

#include <functional>

#include "api/opened_model.h"
#include "base/json.h"

namespace sparrow {

// Gives {"model": {"name", "sha256"}, "template": {"sha256"}}. A store's blobs have their digest as
// their name; any other file is read whole, when it is first asked for. Any thread.
std::function<Json()> identity_of(const OpenedModel& model);

}  // namespace sparrow
