#include "api/replay.h"

#include <algorithm>

#include "base/error.h"
#include "engine/receipt.h"

namespace sparrow {
namespace {

void check_model(const Json& theirs, const Json& ours) {
  const Json& model = theirs.at("model");
  if (!model.is_object() || model.value("sha256", Json()) != ours.at("model").at("sha256")) {
    fail(ErrorCode::invalid_argument, "the receipt is of the model {}, and this one is {}",
         model.dump(), ours.at("model").dump());
  }
}

// What else may make an answer another: "instruction_set was avx2, here it is avx512".
std::vector<std::string> differences(const Json& theirs, const Json& ours) {
  std::vector<std::string> found;
  for (const auto& [name, value] : ours.at("engine").items()) {
    const Json was =
        theirs.at("engine").is_object() ? theirs.at("engine").value(name, Json()) : Json();
    if (was != value)
      found.push_back(fmt::format("{} was {}, here it is {}", name, was.dump(), value.dump()));
  }
  return found;
}

int64_t first_difference(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  return std::ranges::mismatch(a, b).in1 - a.begin();
}

}  // namespace

Replay replay_receipt(std::string_view text, std::vector<int32_t> prompt, const Json& origin,
                      const std::function<std::shared_ptr<OutputStream>(Request)>& submit) {
  Receipt receipt = parse_receipt(text);
  check_model(receipt.origin, origin);
  if (!prompt.empty()) receipt.request.prompt = std::move(prompt);
  if (receipt.request.prompt.empty()) {
    fail(ErrorCode::invalid_argument,
         "this receipt has the prompt's digest only: the prompt must be given to replay it");
  }
  if (token_digest(receipt.request.prompt) != receipt.prompt_digest) {
    fail(ErrorCode::invalid_argument,
         "this is not the prompt that the receipt is of: its digest is {}", receipt.prompt_digest);
  }
  receipt.request.receipt = ReceiptKind::full;
  Replay replay{.differences = differences(receipt.origin, origin)};
  std::vector<int32_t> answer;
  const std::shared_ptr<OutputStream> stream = submit(std::move(receipt.request));
  while (std::optional<TextDelta> delta = stream->next()) {
    replay.text += delta->text;
    for (const OutputToken& token : delta->tokens) answer.push_back(token.id);
    if (delta->finish_reason == FinishReason::error) throw Error(delta->error_code, delta->error);
    replay.receipt = std::move(delta->receipt);
  }
  // What was stopped by its caller ends somewhere: as far as it went it must be the same.
  if (receipt.finish_reason == FinishReason::cancelled) {
    answer.resize(std::min(answer.size(), static_cast<size_t>(receipt.answer_tokens)));
  }
  replay.is_same = token_digest(answer) == receipt.answer_digest;
  if (!replay.is_same && !receipt.answer.empty())
    replay.first_difference = first_difference(receipt.answer, answer);
  return replay;
}

}  // namespace sparrow
