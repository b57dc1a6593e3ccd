#include "server/ollama/cards.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "chat/output_parser.h"

namespace sparrow::ollama {
namespace {

// Of Qwen2.5-Coder, and of StarCoder and Granite.
constexpr std::array<std::array<std::string_view, 3>, 2> kInfillWords = {
    {{"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"},
     {"<fim_prefix>", "<fim_suffix>", "<fim_middle>"}}};

// A blob of the store may hold anything.
std::string text_of(const Json& config, const char* name) {
  const auto found = config.find(name);
  return found != config.end() && found->is_string() ? found->get<std::string>() : "";
}

// "135M", "4.0B".
std::string parameter_size(const GgufFile& file) {
  double count = 0;
  for (const TensorInfo& tensor : file.tensors())
    count += static_cast<double>(tensor.shape.count());
  if (count >= 1e9) return fmt::format("{:.1f}B", count / 1e9);
  if (count >= 1e6) return fmt::format("{:.0f}M", count / 1e6);
  return fmt::format("{:.0f}K", count / 1e3);
}

// The format that most bytes have.
std::string largest_format(const GgufFile& file) {
  std::map<std::string, uint64_t> bytes;
  for (const TensorInfo& tensor : file.tensors()) {
    if (tensor.format != nullptr) bytes[std::string(tensor.format->name)] += tensor.size_bytes;
  }
  const auto most =
      std::ranges::max_element(bytes, {}, [](const auto& entry) { return entry.second; });
  return most == bytes.end() ? "unknown" : most->first;
}

bool has_infill_words(const Metadata& metadata) {
  const auto* tokens = metadata.find_strings("tokenizer.ggml.tokens");
  if (tokens == nullptr) return false;
  return std::ranges::any_of(kInfillWords, [&](const auto& words) {
    return std::ranges::find(*tokens, words[2]) != tokens->end();
  });
}

Json details_of(const StoredModel& stored, const GgufFile* file) {
  std::string family = text_of(stored.config, "model_family");
  std::string parameters = text_of(stored.config, "model_type");
  std::string format = text_of(stored.config, "file_type");
  if (file != nullptr) {
    if (family.empty()) family = file->metadata().find_string("general.architecture").value_or("");
    if (parameters.empty()) parameters = parameter_size(*file);
    if (format.empty()) format = largest_format(*file);
  }
  return {{"parent_model", text_of(stored.config, "parent_model")},
          {"format", "gguf"},
          {"family", family},
          {"families", Json::array({family})},
          {"parameter_size", parameters},
          {"quantization_level", format}};
}

ModelCard read_card(const StoredModel& stored) {
  try {
    const std::shared_ptr<const GgufFile> file = GgufFile::open(stored.model_path);
    const auto text = file->metadata().find_string("tokenizer.chat_template");
    if (stored.chat_template || text) {
      // Without the vocabulary, which takes most of the time.
      return make_card(
          stored, *file,
          *ChatTemplate::from_source(
              stored.chat_template ? *stored.chat_template : std::string(*text), nullptr));
    }
    const OpenedModel model = open_model(stored);
    return make_card(stored, *model.file, *model.chat_template);
  } catch (const Error&) {
    return {.details = details_of(stored, nullptr), .capabilities = {"completion"}};
  }
}

}  // namespace

ModelCard make_card(const StoredModel& stored, const GgufFile& file,
                    const ChatTemplate& chat_template) {
  ModelCard card = {.details = details_of(stored, &file), .capabilities = {"completion"}};
  const Metadata& metadata = file.metadata();
  if (has_tools(chat_template)) card.capabilities.push_back("tools");
  if (has_infill_words(metadata)) card.capabilities.push_back("insert");
  if (has_reasoning(chat_template)) card.capabilities.push_back("thinking");
  const std::string architecture(metadata.find_string("general.architecture").value_or(""));
  const auto number = [&](const char* name) {
    return static_cast<int64_t>(
        metadata.find_uint(fmt::format("{}.{}", architecture, name)).value_or(0));
  };
  card.context_length = number("context_length");
  card.embedding_length = number("embedding_length");
  return card;
}

ModelCard ModelCards::of(const StoredModel& stored) {
  const std::string key = fmt::format("{}\n{}\n{}\n{}", stored.model_path, stored.digest,
                                      stored.modified_unix_s, stored.size_bytes);
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = cards_.find(key); found != cards_.end()) return found->second;
  }
  ModelCard card = read_card(stored);
  constexpr size_t kMostCards = 1024;
  const std::scoped_lock lock(mutex_);
  if (cards_.size() >= kMostCards) cards_.clear();
  return cards_.insert_or_assign(key, std::move(card)).first->second;
}

std::vector<TokenId> infill_prompt(const Tokenizer& tokenizer, const std::string& prefix,
                                   const std::string& suffix) {
  for (const auto& words : kInfillWords) {
    const std::optional<TokenId> before = tokenizer.find(words[0]);
    const std::optional<TokenId> after = tokenizer.find(words[1]);
    const std::optional<TokenId> middle = tokenizer.find(words[2]);
    if (!before || !after || !middle) continue;
    std::vector<TokenId> ids = {*before};
    const auto add = [&](const std::string& text, TokenId next) {
      const std::vector<TokenId> more = tokenizer.encode(text);
      ids.insert(ids.end(), more.begin(), more.end());
      ids.push_back(next);
    };
    add(prefix, *after);
    add(suffix, *middle);
    return ids;
  }
  return {};
}

}  // namespace sparrow::ollama
