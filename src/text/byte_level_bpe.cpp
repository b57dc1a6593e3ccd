#include "text/byte_level_bpe.h"

#include <algorithm>

#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/nfc.h"

namespace sparrow {
namespace {

// So many words are looked up at once.
constexpr size_t kWordsAhead = 16;

}  // namespace

ByteLevelBpe::ByteLevelBpe(const Vocabulary& vocabulary, MergeTable merges, Rules rules)
    : rules_(rules),
      merges_(std::move(merges)),
      words_(rules.takes_whole_words ? static_cast<size_t>(vocabulary.size()) : 0),
      cache_(std::make_unique<WordCache>(vocabulary.size())) {
  bytes_.reserve(static_cast<size_t>(vocabulary.size()),
                 static_cast<size_t>(vocabulary.size()) * 8);
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const std::string_view piece = vocabulary.piece(id);
    const bool is_spelled = vocabulary.type(id) == TokenType::normal;
    const std::optional<std::string> bytes = is_spelled ? bytes_of_spelling(piece) : std::nullopt;
    if (bytes) neighbours_.add_piece(*bytes);
    bytes_.push(bytes ? std::string_view(*bytes) : piece);
    if (bytes && rules.takes_whole_words) words_.insert(bytes_, id);
  }
  const std::array<std::string, 256> spelling = byte_level_spelling();
  for (size_t byte = 0; byte < 256; ++byte) {
    const std::optional<TokenId> id = vocabulary.find(spelling[byte]);
    byte_tokens_[byte] = id && vocabulary.type(*id) == TokenType::normal ? *id : -1;
  }
}

std::string ByteLevelBpe::normalize(std::string_view text, bool) const {
  return rules_.composes && !is_nfc_stable(text) ? to_nfc(text) : std::string(text);
}

void ByteLevelBpe::encode(std::string_view text, bool, std::vector<TokenId>& ids) const {
  std::vector<size_t> ends;
  rules_.pretokenizer->split(text, ends);
  Work work = {Merger(merges_), {}, {}};
  std::array<WordCache::Probe, kWordsAhead> probes;
  for (size_t first = 0; first < ends.size(); first += kWordsAhead) {
    const size_t count = std::min(kWordsAhead, ends.size() - first);
    const auto word_at = [&](size_t i) {
      const size_t begin = first + i == 0 ? 0 : ends[first + i - 1];
      return text.substr(begin, ends[first + i] - begin);
    };
    for (size_t i = 0; i < count; ++i) probes[i] = cache_->look_at(word_at(i), false);
    for (size_t i = 0; i < count; ++i) {
      if (cache_->find(probes[i], ids)) continue;
      encode_word(word_at(i), work);
      cache_->keep(probes[i], work.word);
      ids.insert(ids.end(), work.word.begin(), work.word.end());
    }
  }
}

void ByteLevelBpe::encode_word(std::string_view word, Work& work) const {
  work.word.clear();
  if (rules_.takes_whole_words) {
    const TokenId id = words_.find(bytes_, word);
    if (id >= 0) {
      work.word.push_back(id);
      return;
    }
  }
  size_t end = part_end(word, 0);
  if (end == word.size()) return merge_part(word, work.merger, work.word);
  for (size_t begin = 0; begin < word.size(); end = part_end(word, begin)) {
    const std::string_view part = word.substr(begin, end - begin);
    begin = end;
    const WordCache::Probe probe = cache_->look_at(part, true);
    if (cache_->find(probe, work.word)) continue;
    merge_part(part, work.merger, work.part);
    cache_->keep(probe, work.part);
    work.word.insert(work.word.end(), work.part.begin(), work.part.end());
  }
}

// Where scripts write no spaces, a word is a whole sentence. Words of one script that uses spaces
// are hardly ever cut, so they are not looked at.
size_t ByteLevelBpe::part_end(std::string_view word, size_t begin) const {
  constexpr size_t kLongWord = 12;
  const bool reaches_over = rules_.unknown && rules_.fuses_unknown;
  if (word.size() < kLongWord || reaches_over) return word.size();
  uint32_t last_size = 0;
  uint32_t size_bytes = 0;
  for (size_t at = begin; at < word.size(); at += size_bytes) {
    last_size = size_bytes;
    decode_valid_utf8(word.data() + at, size_bytes);
    const bool is_wide = last_size > 2 || size_bytes > 2;
    if (at > begin && is_wide && !neighbours_.may_join(word.data() + at, last_size, size_bytes)) {
      return at;
    }
  }
  return word.size();
}

void ByteLevelBpe::merge_part(std::string_view part, Merger& merger,
                              std::vector<TokenId>& symbols) const {
  symbols.clear();
  bool was_unknown = false;
  for (const char c : part) {
    const TokenId id = byte_tokens_[static_cast<unsigned char>(c)];
    if (id >= 0) {
      symbols.push_back(id);
    } else if (rules_.unknown && !(was_unknown && rules_.fuses_unknown)) {
      symbols.push_back(*rules_.unknown);
    }
    was_unknown = id < 0;
  }
  merger.merge(symbols);
}

}  // namespace sparrow
