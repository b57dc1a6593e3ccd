#include "engine/stop_matcher.h"

#include <gtest/gtest.h>

#include <random>

namespace sparrow {
namespace {

using Strings = std::vector<std::string>;

struct Outcome {
  std::string shown;
  std::string stop;
  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << '"' << outcome.shown << "\" stopped by \"" << outcome.stop << '"';
}

Outcome run(const Strings& stops, const Strings& pieces) {
  StopMatcher matcher(stops);
  Outcome outcome;
  for (const std::string& piece : pieces) {
    if (const std::string* stop = matcher.push(piece, outcome.shown)) {
      outcome.stop = *stop;
      return outcome;
    }
  }
  matcher.finish(outcome.shown);
  return outcome;
}

// What the contract says, by search.
Outcome expected(const Strings& stops, const std::string& text) {
  for (size_t end = 1; end <= text.size(); ++end) {
    std::string longest;
    for (const std::string& stop : stops) {
      if (std::string_view(text).substr(0, end).ends_with(stop) && stop.size() > longest.size())
        longest = stop;
    }
    if (!longest.empty()) return {text.substr(0, end - longest.size()), longest};
  }
  return {text, ""};
}

TEST(StopMatcher, finds_a_stop_string_however_the_text_is_cut) {
  const Strings stops = {"\n\nUser:", "</s>", "观察"};
  for (const std::string& text : Strings{"An answer.\n\nUser: more", "a\n\n\nUser:", "x</s</s>y",
                                         "看观察看", "nothing here \n\nUse", ""}) {
    for (size_t first = 0; first <= text.size(); ++first) {
      for (size_t second = first; second <= text.size(); ++second) {
        const Strings pieces = {text.substr(0, first), text.substr(first, second - first),
                                text.substr(second)};
        EXPECT_EQ(run(stops, pieces), expected(stops, text));
      }
    }
  }
}

TEST(StopMatcher, equals_a_search_on_random_texts_of_few_letters) {
  std::minstd_rand random(1);
  const auto word = [&](size_t longest, uint32_t letters) {
    std::string text(1 + random() % longest, 'a');
    for (char& c : text) c = static_cast<char>('a' + random() % letters);
    return text;
  };
  for (int round = 0; round < 3000; ++round) {
    Strings stops(1 + random() % 4);
    for (std::string& stop : stops) stop = word(5, 2 + round % 2);
    Strings pieces(1 + random() % 8);
    std::string text;
    for (std::string& piece : pieces) text += piece = word(6, 2 + round % 2);
    EXPECT_EQ(run(stops, pieces), expected(stops, text));
  }
}

TEST(StopMatcher, holds_back_no_more_than_may_still_become_a_stop_string) {
  const Strings stops = {"abab", "xyz"};
  StopMatcher matcher(stops);
  std::string shown;
  EXPECT_EQ(matcher.push("1aba", shown), nullptr);
  EXPECT_EQ(shown, "1");
  EXPECT_EQ(matcher.push("c", shown), nullptr);
  EXPECT_EQ(shown, "1abac");
  EXPECT_EQ(matcher.push("xy", shown), nullptr);
  EXPECT_EQ(shown, "1abac");
  matcher.finish(shown);
  EXPECT_EQ(shown, "1abacxy");
}

TEST(StopMatcher, without_stop_strings_holds_nothing) {
  EXPECT_EQ(run({}, {"any", " text"}), (Outcome{"any text", ""}));
}

}  // namespace
}  // namespace sparrow
