// Receipts: what an answer was made from and what it was, so that it can be shown to be that
// model's and made again, token for token. The format: docs/receipts.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/json.h"
#include "sparrow/generation.h"

namespace sparrow {

// In hex, of the ids as 32-bit little-endian integers.
std::string token_digest(std::span<const int32_t> ids);

// The engine's half of a receipt and the request's: everything but the answer.
class ReceiptHead {
 public:
  ReceiptHead() = default;  // of a request that wants none
  // `origin`: the members model, template, engine and perhaps adapter.
  ReceiptHead(ReceiptKind kind, Json origin) : kind_(kind), origin_(std::move(origin)) {}

  ReceiptKind kind() const { return kind_; }
  // `tokens`: prompt and answer.
  std::string complete(std::span<const int32_t> tokens, int64_t prompt_count,
                       const SamplingParams& params, FinishReason reason) const;

 private:
  ReceiptKind kind_ = ReceiptKind::none;
  Json origin_;
};

// A receipt that somebody brings.
struct Receipt {
  Json origin;      // as above
  Request request;  // without a prompt where it holds none
  std::string prompt_digest;
  std::string answer_digest;
  int64_t answer_tokens = 0;
  std::vector<int32_t> answer;  // empty where it holds none
  FinishReason finish_reason = FinishReason::none;
};

// Throws Error{invalid_argument} for what is no receipt.
Receipt parse_receipt(std::string_view text);

}  // namespace sparrow
