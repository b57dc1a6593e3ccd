// From sampled tokens to text: through hand-written vocabularies, no model.
#include "engine/sequence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/admission.h"
#include "sparrow/error.h"
#include "tests/support/fake_tokenizer.h"

namespace sparrow {
namespace {

using test_support::FakeTokenizer;
using Ids = std::vector<TokenId>;
using Strings = std::vector<std::string>;

// Everything a caller got, and how it was cut.
struct Read {
  Strings pieces;
  std::string text;
  Ids ids;
  TextDelta last;
};

// Feeds tokens until the sequence has finished or there are no more.
Read feed(const Tokenizer& tokenizer, const SamplingParams& params, const Ids& ids,
          FinishReason at_end = FinishReason::none) {
  const Admission admission(tokenizer, tokenizer.vocabulary_size(), 1000);
  const std::unique_ptr<Sequence> sequence = admission.admit({{0}, params});
  sequence->start();
  sequence->advance(1);
  Read read;
  const auto deliver = [&] {
    sequence->deliver();
    while (const std::optional<TextDelta> delta = sequence->stream()->next_within(0)) {
      if (!delta->text.empty()) read.pieces.push_back(delta->text);
      read.text += delta->text;
      for (const OutputToken& token : delta->tokens) read.ids.push_back(token.id);
      read.last = *delta;
    }
  };
  for (const TokenId id : ids) {
    if (sequence->is_finished()) break;
    SampledToken token;
    token.id = id;
    sequence->append(token);
    ++sequence->sampling().output_count;
    deliver();
  }
  if (!sequence->is_finished() && at_end != FinishReason::none) {
    if (at_end == FinishReason::error) {
      sequence->finish_with(Error(ErrorCode::internal, "broken"));
    } else {
      sequence->finish(at_end);
    }
    deliver();
  }
  return read;
}

TEST(Sequence, shows_whole_characters_however_tokens_cut_them) {
  const std::string text = "né 汉字 🐦!";
  for (size_t first = 1; first < text.size(); ++first) {
    for (size_t second = first; second < text.size(); ++second) {
      const FakeTokenizer tokenizer(
          {text.substr(0, first), text.substr(first, second - first), text.substr(second)});
      const Read read = feed(tokenizer, {}, {0, 1, 2}, FinishReason::length);
      EXPECT_EQ(read.text, text);
      for (const std::string& piece : read.pieces) {
        EXPECT_NE(static_cast<unsigned char>(piece[0]) & 0xc0, 0x80) << "starts inside a character";
      }
      EXPECT_EQ(read.ids, (Ids{0, 1, 2}));
    }
  }
}

TEST(Sequence, an_unfinished_character_at_the_end_becomes_a_replacement_character) {
  const FakeTokenizer tokenizer({"ok", "\xe6\xb1"});
  EXPECT_EQ(feed(tokenizer, {}, {0, 1}, FinishReason::length).text, "ok\xef\xbf\xbd");
}

TEST(Sequence, ends_before_a_stop_string_at_every_split) {
  const std::string text = "one\n\nUser: two";
  SamplingParams params;
  params.stop = {"\n\nUser:", "never"};
  for (size_t first = 1; first < text.size(); ++first) {
    for (size_t second = first; second < text.size(); ++second) {
      const FakeTokenizer tokenizer(
          {text.substr(0, first), text.substr(first, second - first), text.substr(second)});
      const Read read = feed(tokenizer, params, {0, 1, 2}, FinishReason::length);
      EXPECT_EQ(read.text, "one");
      EXPECT_EQ(read.last.finish_reason, FinishReason::stop);
      EXPECT_EQ(read.last.stop_string, "\n\nUser:");
    }
  }
}

TEST(Sequence, text_that_only_began_a_stop_string_is_shown_in_the_end) {
  const FakeTokenizer tokenizer({"a\n", "\nUse", "<end>"}, {2});
  SamplingParams params;
  params.stop = {"\n\nUser:"};
  for (const FinishReason reason :
       {FinishReason::length, FinishReason::cancelled, FinishReason::error}) {
    const Read read = feed(tokenizer, params, {0, 1}, reason);
    EXPECT_EQ(read.text, "a\n\nUse");
    EXPECT_EQ(read.pieces, (Strings{"a", "\n\nUse"}));
    EXPECT_EQ(read.last.finish_reason, reason);
    EXPECT_TRUE(read.last.stop_string.empty());
  }
  const Read read = feed(tokenizer, params, {0, 1, 2});
  EXPECT_EQ(read.text, "a\n\nUse");
  EXPECT_EQ(read.last.finish_reason, FinishReason::stop);
}

TEST(Sequence, the_token_that_ends_an_answer_is_neither_shown_nor_counted) {
  const FakeTokenizer tokenizer({"a", "b", "<end>"}, {2});
  Read read = feed(tokenizer, {}, {0, 1, 2, 0});
  EXPECT_EQ(read.text, "ab");
  EXPECT_EQ(read.ids, (Ids{0, 1}));
  EXPECT_EQ(read.last.finish_reason, FinishReason::stop);
  SamplingParams params;
  params.stop_token_ids = {1};
  read = feed(tokenizer, params, {0, 1, 0});
  EXPECT_EQ(read.text, "a");
  EXPECT_EQ(read.ids, Ids{0});
  EXPECT_EQ(read.last.finish_reason, FinishReason::stop);
  EXPECT_TRUE(read.last.stop_string.empty());
}

TEST(Sequence, shows_no_control_tokens_but_those_that_the_request_names) {
  const FakeTokenizer tokenizer({"a", "<call>", "<pad>"}, {}, {}, {1, 2});
  const Admission admission(tokenizer, tokenizer.vocabulary_size(), 1000);
  const auto text = [&](const Ids& shown) {
    Request request{.prompt = {0}};
    request.shown_tokens = shown;
    const std::unique_ptr<Sequence> sequence = admission.admit(std::move(request));
    for (const TokenId id : {0, 1, 2, 0}) {
      SampledToken token;
      token.id = id;
      sequence->append(token);
    }
    sequence->deliver();
    return sequence->stream()->next_within(0)->text;
  };
  EXPECT_EQ(text({}), "aa");
  EXPECT_EQ(text({1}), "a<call>a");
  EXPECT_THROW(text({3}), Error);
}

TEST(Sequence, ends_after_max_tokens_with_length) {
  const FakeTokenizer tokenizer({"a", "b"});
  SamplingParams params;
  params.max_tokens = 2;
  const Read read = feed(tokenizer, params, {0, 1, 0, 1});
  EXPECT_EQ(read.text, "ab");
  EXPECT_EQ(read.last.finish_reason, FinishReason::length);
}

TEST(Sequence, a_stop_string_in_the_last_token_counts_before_the_length) {
  const FakeTokenizer tokenizer({"a", "b|"});
  SamplingParams params;
  params.max_tokens = 2;
  params.stop = {"|"};
  const Read read = feed(tokenizer, params, {0, 1});
  EXPECT_EQ(read.text, "ab");
  EXPECT_EQ(read.last.finish_reason, FinishReason::stop);
  EXPECT_EQ(read.last.stop_string, "|");
}

TEST(Sequence, stop_strings_do_not_count_before_min_tokens) {
  const FakeTokenizer tokenizer({"a|", "b"});
  SamplingParams params;
  params.stop = {"|"};
  params.min_tokens = 3;
  EXPECT_EQ(feed(tokenizer, params, {0, 1, 0, 1}).text, "a|ba");
  params.min_tokens = 0;
  EXPECT_EQ(feed(tokenizer, params, {0, 1, 0, 1}).text, "a");
}

TEST(Sequence, a_token_that_could_not_be_sampled_is_an_error_in_the_last_delta) {
  const FakeTokenizer tokenizer({"a"});
  const Admission admission(tokenizer, 1, 10);
  const std::unique_ptr<Sequence> sequence = admission.admit({{0}, {}});
  sequence->start();
  sequence->advance(1);
  SampledToken none;
  none.error = "no number";
  sequence->append(none);
  sequence->deliver();
  const std::optional<TextDelta> delta = sequence->stream()->next();
  EXPECT_EQ(delta->finish_reason, FinishReason::error);
  EXPECT_EQ(delta->error, "no number");
  EXPECT_FALSE(sequence->stream()->next().has_value());
}

std::string refusal(const Admission& admission, const Request& request,
                    ErrorCode code = ErrorCode::invalid_argument) {
  try {
    admission.admit(request);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    return error.what();
  }
  return "admitted";
}

TEST(Admission, refuses_what_it_cannot_take_with_the_value_and_the_range) {
  const FakeTokenizer tokenizer({"a", "b", "c"});
  const Admission admission(tokenizer, 5, 10);
  EXPECT_EQ(refusal(admission, {{0, 1, 2}, {}}), "admitted");
  EXPECT_EQ(refusal(admission, {{}, {}}), "the prompt is empty: it must hold at least one token");
  EXPECT_EQ(refusal(admission, {{0, 3}, {}}), "prompt token 1 must be a token id in [0, 3), got 3");
  EXPECT_EQ(refusal(admission, {{-1}, {}}), "prompt token 0 must be a token id in [0, 3), got -1");
  Request request = {{0}, {}};
  request.params.top_p = 1.7;
  EXPECT_EQ(refusal(admission, request), "top_p must be in (0, 1], got 1.7");
  request.params = {};
  request.params.logit_bias = {{7, 1}};
  EXPECT_EQ(refusal(admission, request), "logit_bias must be a token id in [0, 3), got 7");
  request.params = {};
  request.params.stop_token_ids = {3};
  EXPECT_EQ(refusal(admission, request), "stop_token_ids must be a token id in [0, 3), got 3");
  request.params = {};
  request.params.stop = {"\xff"};
  EXPECT_EQ(refusal(admission, request), "stop must be valid UTF-8, got '\xef\xbf\xbd'");
  request.params = {};
  request.params.dry_sequence_breakers = {"\xff"};
  EXPECT_THAT(refusal(admission, request), testing::HasSubstr("dry_sequence_breakers must be"));
}

TEST(Admission, a_prompt_must_leave_room_for_an_answer) {
  const FakeTokenizer tokenizer({"a"});
  const Admission admission(tokenizer, 1, 10);
  EXPECT_EQ(refusal(admission, {Ids(9, 0), {}}), "admitted");
  EXPECT_EQ(refusal(admission, {Ids(10, 0), {}}, ErrorCode::context_full),
            "the prompt is too long: 10 tokens, and the context of 10 must hold it and an answer");
  SamplingParams only_read;
  only_read.max_tokens = 0;
  EXPECT_EQ(refusal(admission, {Ids(10, 0), only_read}), "admitted");
  EXPECT_NE(refusal(admission, {Ids(11, 0), only_read}, ErrorCode::context_full), "admitted");
}

TEST(Admission, padding_and_unused_rows_are_excluded_and_ends_held_back) {
  const FakeTokenizer tokenizer({"a", "b", "[PAD]", "<end>", "<stop>"}, {3, 4}, {2});
  const Admission admission(tokenizer, 7, 10);
  Request request = {{0}, {}};
  request.params.stop_token_ids = {1, 4};
  std::unique_ptr<Sequence> sequence = admission.admit(request);
  EXPECT_EQ(sequence->sampling().excluded, (Ids{2, 5, 6}));
  EXPECT_EQ(sequence->sampling().held_back, (Ids{1, 3, 4}));
  // With ignore_eos, an end that the caller names himself still ends the answer.
  request.params.ignore_eos = true;
  sequence = admission.admit(request);
  EXPECT_EQ(sequence->sampling().excluded, (Ids{2, 5, 6, 3}));
  EXPECT_EQ(sequence->sampling().held_back, (Ids{1, 3, 4}));
}

TEST(Admission, a_seed_is_kept_or_drawn_and_reported) {
  const FakeTokenizer tokenizer({"a"});
  const Admission admission(tokenizer, 1, 10);
  Request request = {{0}, {}};
  request.params.seed = 7;
  EXPECT_EQ(admission.admit(request)->stream()->stats().seed, 7);
  request.params.seed = -1;
  const int64_t first = admission.admit(request)->stream()->stats().seed;
  request.params.seed.reset();
  const int64_t second = admission.admit(request)->stream()->stats().seed;
  EXPECT_GE(first, 0);
  EXPECT_GE(second, 0);
  EXPECT_NE(first, second);
}

}  // namespace
}  // namespace sparrow
