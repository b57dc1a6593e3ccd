#include "engine/bad_words.h"

namespace sparrow {

std::vector<std::vector<TokenId>> resolve_bad_words(const Tokenizer& tokenizer,
                                                    std::span<const std::string> words) {
  std::vector<std::vector<TokenId>> resolved;
  for (const std::string& word : words) {
    const size_t first_letter = std::min(word.find_first_not_of(' '), word.size());
    const std::string bare = word.substr(first_letter);
    const std::vector<TokenId> plain = tokenizer.encode(bare.empty() ? word : bare);
    const std::vector<TokenId> spaced = tokenizer.encode(' ' + bare);
    if (!plain.empty()) resolved.push_back(plain);
    const bool is_another = !spaced.empty() && !plain.empty() && spaced.front() != plain.front() &&
                            spaced.size() == plain.size();
    if (is_another) resolved.push_back(spaced);
  }
  return resolved;
}

}  // namespace sparrow
