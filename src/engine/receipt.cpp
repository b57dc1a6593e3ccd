#include "engine/receipt.h"

#include <array>

#include "base/error.h"
#include "base/hash.h"
#include "sampling/params_json.h"

namespace sparrow {
namespace {

constexpr int kFormat = 1;

const Json& member(const Json& object, const char* name) {
  if (object.is_object() && object.contains(name)) return object.at(name);
  fail(ErrorCode::invalid_argument, "a receipt has a member '{}'", name);
}

// Whatever nlohmann finds of another type is the receipt's fault.
template <typename Value>
Value value_of(const Json& object, const char* name) {
  try {
    return member(object, name).get<Value>();
  } catch (const Json::exception&) {
    fail(ErrorCode::invalid_argument, "'{}' of a receipt is a {}", name,
         object.at(name).type_name());
  }
}

FinishReason parse_finish_reason(std::string_view name) {
  for (const FinishReason reason :
       {FinishReason::stop, FinishReason::length, FinishReason::cancelled, FinishReason::error}) {
    if (name == to_string(reason)) return reason;
  }
  fail(ErrorCode::invalid_argument, "'finish_reason' of a receipt is '{}'", name);
}

void check_digest(std::span<const int32_t> ids, const std::string& digest, const char* what) {
  if (token_digest(ids) == digest) return;
  fail(ErrorCode::invalid_argument, "the {}'s ids in this receipt are not those of its digest {}",
       what, digest);
}

}  // namespace

std::string token_digest(std::span<const int32_t> ids) {
  Sha256 hash;
  for (const int32_t id : ids) {
    const auto value = static_cast<uint32_t>(id);
    const std::array<std::byte, 4> bytes = {
        static_cast<std::byte>(value), static_cast<std::byte>(value >> 8),
        static_cast<std::byte>(value >> 16), static_cast<std::byte>(value >> 24)};
    hash.update(bytes);
  }
  return hash.finish_hex();
}

std::string ReceiptHead::complete(std::span<const int32_t> tokens, int64_t prompt_count,
                                  const SamplingParams& params, FinishReason reason) const {
  const std::span<const int32_t> prompt = tokens.first(static_cast<size_t>(prompt_count));
  const std::span<const int32_t> answer = tokens.subspan(prompt.size());
  Json receipt = {{"receipt", kFormat}};
  receipt.update(origin_);
  receipt["params"] = sampling_json(params);
  receipt["prompt"] = {{"tokens", prompt.size()}, {"sha256", token_digest(prompt)}};
  receipt["answer"] = {{"tokens", answer.size()},
                       {"sha256", token_digest(answer)},
                       {"finish_reason", to_string(reason)}};
  if (kind_ == ReceiptKind::full) {
    receipt["prompt"]["ids"] = prompt;
    receipt["answer"]["ids"] = answer;
  }
  return receipt.dump();
}

Receipt parse_receipt(std::string_view text) {
  const Json json = parse_json(text, "the receipt", {.size_bytes = size_t{256} << 20});
  const int format = value_of<int>(json, "receipt");
  if (format != kFormat) {
    fail(ErrorCode::invalid_argument, "this version reads receipts of format {}, got {}", kFormat,
         format);
  }
  Receipt receipt;
  for (const char* name : {"model", "template", "engine"})
    receipt.origin[name] = member(json, name);
  if (json.contains("adapter")) {
    const Json& adapter = json.at("adapter");
    receipt.origin["adapter"] = adapter;
    receipt.request.adapter = value_of<std::string>(adapter, "name");
    receipt.request.adapter_scale = value_of<float>(adapter, "scale");
  }
  if (json.contains("rope_scaling")) {
    receipt.origin["rope_scaling"] = json.at("rope_scaling");
    receipt.request.rope_scaling = parse_rope_scaling(json.at("rope_scaling").dump());
  }
  set_sampling_fields(receipt.request.params, member(json, "params"), "the receipt");
  const Json& prompt = member(json, "prompt");
  const Json& answer = member(json, "answer");
  receipt.prompt_digest = value_of<std::string>(prompt, "sha256");
  receipt.answer_digest = value_of<std::string>(answer, "sha256");
  receipt.answer_tokens = value_of<int64_t>(answer, "tokens");
  receipt.finish_reason = parse_finish_reason(value_of<std::string>(answer, "finish_reason"));
  if (prompt.contains("ids")) {
    receipt.request.prompt = value_of<std::vector<int32_t>>(prompt, "ids");
    check_digest(receipt.request.prompt, receipt.prompt_digest, "prompt");
  }
  if (answer.contains("ids")) {
    receipt.answer = value_of<std::vector<int32_t>>(answer, "ids");
    check_digest(receipt.answer, receipt.answer_digest, "answer");
  }
  return receipt;
}

}  // namespace sparrow
