#include "apps/cli/progress_bar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/cli/display_text.h"
#include "apps/cli/relative_time.h"

namespace sparrow::cli {
namespace {

constexpr uint64_t kGB = 1000 * 1000 * 1000;

// Columns that a terminal gives a text of ASCII and one-column marks: its code points.
size_t columns_of(const std::string& text) {
  size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}

TEST(ProgressBar, shows_share_size_rate_and_remaining_time) {
  const std::string text = bar_text("pulling from x", kGB, 4 * kGB, 30e6, 100);
  EXPECT_THAT(text, testing::StartsWith("pulling from x  25% ▕█"));
  EXPECT_THAT(text, testing::EndsWith("▏ 1.0 GB/4.0 GB  30 MB/s  1m40s"));
}

TEST(ProgressBar, fits_every_width) {
  for (int columns = 1; columns < 200; ++columns) {
    for (const uint64_t completed : {uint64_t{0}, kGB / 3, kGB, 2 * kGB}) {
      const std::string text = bar_text("pulling from host", completed, kGB, 123456, columns);
      EXPECT_LT(columns_of(text), static_cast<size_t>(columns)) << text;
      EXPECT_LE(columns_of(bar_text("asking", completed, 0, 1e6, columns)),
                static_cast<size_t>(columns));
    }
  }
}

TEST(ProgressBar, an_unknown_size_has_no_share) {
  EXPECT_EQ(bar_text("asking host", 0, 0, 0, 80), "asking host  ");
  EXPECT_EQ(bar_text("pulling", 5000000, 0, 1e6, 80), "pulling  5.0 MB  1.0 MB/s");
}

TEST(ProgressBar, a_full_bar_is_full_and_has_no_time_left) {
  const std::string text = bar_text("x", kGB, kGB, 1e6, 60);
  EXPECT_THAT(text, testing::HasSubstr("100%"));
  EXPECT_EQ(text.find("█ "), std::string::npos);
  EXPECT_THAT(text, testing::EndsWith("1.0 MB/s"));
}

TEST(Spinner, fits_every_width_also_with_wide_names) {
  EXPECT_EQ(spinner_text(0, "loading a", 80), "⠋ loading a");
  EXPECT_EQ(spinner_text(11, "loading a", 11), "⠙ loading ");
  EXPECT_EQ(spinner_text(0, "模型模型", 6), "⠋ 模");
  EXPECT_EQ(spinner_text(0, "模型模型", 7), "⠋ 模型");
  for (int columns = 3; columns < 60; ++columns)
    EXPECT_LT(display_columns(spinner_text(3, "loading 模型-qwen2.5-q4_k_m 😀", columns)), columns);
}

TEST(ProgressBar, durations_are_short) {
  EXPECT_EQ(duration_text(0.4), "0s");
  EXPECT_EQ(duration_text(59), "59s");
  EXPECT_EQ(duration_text(125), "2m05s");
  EXPECT_EQ(duration_text(3720), "1h02m");
  EXPECT_EQ(duration_text(1e300), "99h59m");
}

TEST(RelativeTime, is_what_people_say) {
  constexpr int64_t kNow = 2000000000;
  const std::vector<std::pair<int64_t, std::string>> cases = {{0, "now"},
                                                              {1, "1 second ago"},
                                                              {59, "59 seconds ago"},
                                                              {60, "1 minute ago"},
                                                              {7200, "2 hours ago"},
                                                              {86400 * 3, "3 days ago"},
                                                              {86400 * 15, "2 weeks ago"},
                                                              {86400 * 61, "2 months ago"},
                                                              {int64_t{86400} * 800, "2 years ago"},
                                                              {-5, "in the future"}};
  for (const auto& [age, text] : cases) EXPECT_EQ(relative_time(kNow - age, kNow), text);
}

}  // namespace
}  // namespace sparrow::cli
