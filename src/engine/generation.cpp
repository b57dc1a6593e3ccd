#include "sparrow/generation.h"

#include "base/error.h"

namespace sparrow {

std::string_view to_string(FinishReason reason) {
  switch (reason) {
    case FinishReason::none:
      return "none";
    case FinishReason::stop:
      return "stop";
    case FinishReason::length:
      return "length";
    case FinishReason::cancelled:
      return "cancelled";
    case FinishReason::error:
      return "error";
  }
  return "?";
}

std::string_view to_string(ContextPolicy policy) {
  switch (policy) {
    case ContextPolicy::error:
      return "error";
    case ContextPolicy::drop_oldest:
      return "drop_oldest";
    case ContextPolicy::drop_middle:
      return "drop_middle";
  }
  return "?";
}

ContextPolicy parse_context_policy(std::string_view name) {
  for (const ContextPolicy policy :
       {ContextPolicy::error, ContextPolicy::drop_oldest, ContextPolicy::drop_middle}) {
    if (name == to_string(policy)) return policy;
  }
  fail(ErrorCode::invalid_argument,
       "a context policy is error, drop_oldest or drop_middle, got '{}'", name);
}

}  // namespace sparrow
