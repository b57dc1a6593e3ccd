#include "server/http/sse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/http/ndjson.h"

namespace sparrow::http {
namespace {

TEST(Sse, an_event_has_a_field_for_each_line) {
  EXPECT_EQ(sse_event("{}"), "data: {}\n\n");
  EXPECT_EQ(sse_event("{}", "message_start"), "event: message_start\ndata: {}\n\n");
  EXPECT_EQ(sse_event(""), "data: \n\n");
  EXPECT_EQ(sse_event("a\nb\r\nc\rd\n"), "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
  EXPECT_EQ(sse_done(), "data: [DONE]\n\n");
}

TEST(Sse, a_comment_stays_on_its_line) {
  EXPECT_EQ(sse_comment("queued\ndata: x"), ": queued data: x\n\n");
  EXPECT_EQ(sse_comment(""), ": \n\n");
}

TEST(Ndjson, a_value_is_a_line) {
  EXPECT_EQ(ndjson_line(Json{{"a", "b\nc"}, {"d", "\xff"}}),
            "{\"a\":\"b\\nc\",\"d\":\"\xef\xbf\xbd\"}\n");
}

}  // namespace
}  // namespace sparrow::http
