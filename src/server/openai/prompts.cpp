#include "server/openai/prompts.h"

#include "base/error.h"

namespace sparrow::openai {
namespace {

std::vector<TokenId> parse_ids(const Json& list, const std::string& path,
                               const OpenedModel& model) {
  std::vector<TokenId> ids;
  const int64_t count = model.tokenizer->vocabulary_size();
  for (size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_number_integer()) {
      fail(ErrorCode::invalid_argument, "{}[{}] must be a token id, got {}", path, i,
           list[i].type_name());
    }
    if (list[i] < 0 || list[i] >= count) {
      fail(ErrorCode::invalid_argument, "{}[{}] must be a token id in [0, {}), got {}", path, i,
           count, list[i].dump());
    }
    ids.push_back(list[i].get<TokenId>());
  }
  return ids;
}

}  // namespace

std::vector<std::vector<TokenId>> parse_prompts(const JsonFields& request, std::string_view name,
                                                const OpenedModel& model, size_t most) {
  const Json* value = request.find(name);
  const std::string path = request.path_of(name);
  if (value == nullptr) fail(ErrorCode::invalid_argument, "{} is required", path);
  const bool adds_special = request.boolean("add_special_tokens").value_or(true);
  const auto parse_one = [&](const Json& one, const std::string& where) {
    if (one.is_array()) return parse_ids(one, where, model);
    if (!one.is_string()) {
      fail(ErrorCode::invalid_argument, "{} must be a string or a list of token ids, got {}", where,
           one.type_name());
    }
    const std::string text = one.get<std::string>();
    return adds_special ? encode_raw(model, text) : model.tokenizer->encode(text, true);
  };
  std::vector<std::vector<TokenId>> prompts;
  if (value->is_array() && !value->empty() && !value->front().is_number()) {
    if (value->size() > most) {
      fail(ErrorCode::invalid_argument, "{} must hold at most {} entries, got {}", path, most,
           value->size());
    }
    for (size_t i = 0; i < value->size(); ++i)
      prompts.push_back(parse_one((*value)[i], fmt::format("{}[{}]", path, i)));
  } else {
    prompts.push_back(parse_one(*value, path));
  }
  const int64_t kept = request.integer("truncate_prompt_tokens").value_or(-1);
  for (size_t i = 0; i < prompts.size(); ++i) {
    std::vector<TokenId>& ids = prompts[i];
    if (kept >= 1 && static_cast<int64_t>(ids.size()) > kept)
      ids.erase(ids.begin(), ids.end() - kept);
    if (ids.empty()) {
      fail(ErrorCode::invalid_argument, "{} must hold at least one token, got none",
           prompts.size() == 1 ? path : fmt::format("{}[{}]", path, i));
    }
  }
  return prompts;
}

}  // namespace sparrow::openai
