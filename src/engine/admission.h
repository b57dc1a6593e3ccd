// From a request to a sequence: everything about it is checked, and what was given as text becomes
// token ids.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/sequence.h"
#include "sparrow/generation.h"
#include "text/tokenizer.h"

namespace sparrow {

// What requests are measured against. Immutable; any thread.
class Admission {
 public:
  // `row_count`: rows of the model's vocabulary, of which the tokenizer may name fewer.
  Admission(const Tokenizer& tokenizer, int64_t row_count, int64_t context_length);

  // Throws Error{invalid_argument}: a field outside its range, an empty prompt, an id outside the
  // vocabulary; Error{context_full}: a prompt that leaves no room for an answer. Any thread.
  std::unique_ptr<Sequence> admit(Request request, SequenceSetup setup = {}) const;

 private:
  void check(const Request& request) const;
  void fit(std::vector<TokenId>& prompt, const Request& request, int64_t context,
           SequenceSetup& setup) const;
  void check_id(int64_t id, std::string_view where) const;

  const Tokenizer& tokenizer_;
  int64_t vocabulary_size_;  // ids from 0 up to this one exist on both sides
  int64_t context_length_;
  std::vector<TokenId> never_sampled_;  // padding and unused rows
};

}  // namespace sparrow
