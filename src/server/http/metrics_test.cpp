#include "server/http/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sparrow::http {
namespace {

using testing::HasSubstr;

TEST(Metrics, the_text_is_what_prometheus_reads) {
  Metrics metrics;
  metrics.counter("requests_total", "All\nof them", {{"route", "/a\"b\\c\n"}, {"status", "200"}})
      .add();
  metrics.counter("requests_total", "", {{"route", "/a\"b\\c\n"}, {"status", "200"}}).add(2);
  metrics.gauge("models", "Loaded").set(1.5);
  Histogram& seconds = metrics.histogram("seconds", "How long", {0.1, 1}, {{"route", "/x"}});
  for (const double value : {0.05, 0.1, 0.5, 7.0}) seconds.observe(value);
  EXPECT_EQ(metrics.text(), R"(# HELP models Loaded
# TYPE models gauge
models 1.5
# HELP requests_total All\nof them
# TYPE requests_total counter
requests_total{route="/a\"b\\c\n",status="200"} 3
# HELP seconds How long
# TYPE seconds histogram
seconds_bucket{route="/x",le="0.1"} 2
seconds_bucket{route="/x",le="1"} 3
seconds_bucket{route="/x",le="+Inf"} 4
seconds_sum{route="/x"} 7.65
seconds_count{route="/x"} 4
)");
}

TEST(Metrics, one_name_and_labels_are_one_object) {
  Metrics metrics;
  Counter& first = metrics.counter("a", "", {{"x", "1"}});
  for (int i = 0; i < 100; ++i) metrics.counter("a", "", {{"x", std::to_string(i)}});
  EXPECT_EQ(&first, &metrics.counter("a", "", {{"x", "1"}}));
  EXPECT_NE(&first, &metrics.counter("a", "", {{"x", "2"}}));
}

TEST(Metrics, gauges_are_refreshed_before_each_text) {
  Metrics metrics;
  int calls = 0;
  metrics.on_scrape([&] { metrics.gauge("calls", "").set(++calls); });
  EXPECT_THAT(metrics.text(), HasSubstr("calls 1\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("calls 2\n"));
}

}  // namespace
}  // namespace sparrow::http
