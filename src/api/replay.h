// Makes an answer again from its receipt.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sparrow/engine.h"

namespace sparrow {

// `origin`: what this engine's receipts say of it. `submit` runs the request.
Replay replay_receipt(std::string_view receipt, std::vector<int32_t> prompt, const Json& origin,
                      const std::function<std::shared_ptr<OutputStream>(Request)>& submit);

}  // namespace sparrow
