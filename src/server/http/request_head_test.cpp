#include "server/http/request_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

namespace sparrow::http {
namespace {

// 0: taken.
int status_of(std::string_view text, const Limits& limits = {}) {
  HeadParser parser(limits);
  if (parser.parse(text)) return 0;
  return parser.failure() ? parser.failure()->status : -1;
}

std::string with_headers(const std::string& headers) {
  return "POST /x HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n";
}

TEST(RequestHead, a_head_is_taken_apart) {
  const Limits limits;
  HeadParser parser(limits);
  const std::string text =
      "POST /a?b=c HTTP/1.1\r\nHost: localhost:80\r\nX-Empty:\r\nx-Spaces: \t a b \t\r\n"
      "Content-Length: 0012\r\nExpect: 100-Continue\r\nConnection: x, Close\r\n\r\nrest";
  ASSERT_TRUE(parser.parse(text));
  const RequestHead& head = parser.head();
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/a?b=c");
  EXPECT_EQ(head.headers.value("HOST"), "localhost:80");
  EXPECT_TRUE(head.headers.has("x-empty"));
  EXPECT_EQ(head.headers.value("X-SPACES"), "a b");
  EXPECT_EQ(head.content_length, 12u);
  EXPECT_TRUE(head.expects_continue);
  EXPECT_FALSE(head.wants_to_stay);
  EXPECT_FALSE(head.is_http10);
  EXPECT_EQ(text.substr(parser.size_bytes()), "rest");
}

TEST(RequestHead, connections_stay_open_as_the_version_says) {
  for (const auto& [text, stays] : std::vector<std::pair<std::string, bool>>{
           {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
           {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
           {"GET / HTTP/1.0\r\n\r\n", false},
           {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
           {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
       }) {
    const Limits limits;
    HeadParser parser(limits);
    ASSERT_TRUE(parser.parse(text)) << text;
    EXPECT_EQ(parser.head().wants_to_stay, stays) << text;
  }
}

TEST(RequestHead, the_result_does_not_depend_on_how_the_bytes_are_split) {
  const std::vector<std::string> texts = {
      "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n",
      "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\nA: b\r\n\r\n",
      "GET / HTTP/1.1\rHost: a\r\n\r\n",
      "GET / HTTP/2.0\r\n\r\n",
      "GET /\r\n",
      std::string("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 28),
      "\x16\x03\x01",
  };
  for (const std::string& text : texts) {
    const int at_once = status_of(text);
    for (size_t cut = 0; cut <= text.size(); ++cut) {
      const Limits limits;
      HeadParser parser(limits);
      bool is_whole = parser.parse(std::string_view(text).substr(0, cut));
      if (!is_whole && !parser.failure()) is_whole = parser.parse(text);
      EXPECT_EQ(is_whole           ? 0
                : parser.failure() ? parser.failure()->status
                                   : -1,
                at_once)
          << text << " cut at " << cut;
    }
  }
}

struct Case {
  const char* name;
  std::string text;
  int status;
};

class RequestHeads : public testing::TestWithParam<Case> {};

TEST_P(RequestHeads, are_taken_or_refused_with_the_right_status) {
  EXPECT_EQ(status_of(GetParam().text), GetParam().status) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Table, RequestHeads,
    testing::Values(
        Case{"plain", with_headers(""), 0},
        Case{"odd_method", "M-SEARCH * HTTP/1.1\r\nHost: a\r\n\r\n", 0},
        Case{"two_spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Case{"space_in_target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Case{"tab_between", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Case{"no_version", "GET /\r\n", 400}, Case{"no_target", "GET HTTP/1.1\r\n", 400},
        Case{"lower_version", "GET / http/1.1\r\n", 400},
        Case{"version_1_2", "GET / HTTP/1.2\r\n", 505},
        Case{"version_2", "GET / HTTP/2.0\r\n", 505},
        Case{"version_11", "GET / HTTP/1.11\r\n", 400},
        Case{"version_0_9", "GET / HTTP/0.9\r\n", 505}, Case{"preface", "PRI * HTTP/2.0\r\n", 400},
        Case{"method_with_colon", "GE:T / HTTP/1.1\r\n", 400},
        Case{"long_method", std::string(33, 'A') + " / HTTP/1.1\r\n", 400},
        Case{"high_byte_in_target", "GET /\xc3\xa9 HTTP/1.1\r\n", 400},
        Case{"empty_lines", "\r\n\r\nGET / HTTP/1.1\r\n", 400},
        Case{"no_host", "GET / HTTP/1.1\r\n\r\n", 400},
        Case{"no_host_1_0", "GET / HTTP/1.0\r\n\r\n", 0},
        Case{"two_hosts", with_headers("host: localhost\r\n"), 400},
        Case{"space_before_colon", with_headers("A : b\r\n"), 400},
        Case{"no_colon", with_headers("A\r\n"), 400},
        Case{"empty_name", with_headers(": b\r\n"), 400},
        Case{"name_with_bracket", with_headers("A[]: b\r\n"), 400},
        Case{"high_byte_in_value", with_headers("A: \xff\r\n"), 0},
        Case{"tab_in_value", with_headers("A: b\tc\r\n"), 0},
        Case{"delete_in_value", with_headers("A: \x7f\r\n"), 400},
        Case{"vertical_tab", with_headers("A: \x0b\r\n"), 400},
        Case{"length_twice", with_headers("Content-Length: 1\r\nContent-Length: 1\r\n"), 400},
        Case{"length_list", with_headers("Content-Length: 1, 1\r\n"), 400},
        Case{"length_plus", with_headers("Content-Length: +1\r\n"), 400},
        Case{"length_minus", with_headers("Content-Length: -1\r\n"), 400},
        Case{"length_hex", with_headers("Content-Length: 0x1\r\n"), 400},
        Case{"length_empty", with_headers("Content-Length:\r\n"), 400},
        Case{"length_18_digits", with_headers("Content-Length: 999999999999999999\r\n"), 0},
        Case{"length_19_digits", with_headers("Content-Length: 1000000000000000000\r\n"), 400},
        Case{"length_wraps", with_headers("Content-Length: 18446744073709551617\r\n"), 400},
        Case{"both", with_headers("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400},
        Case{"both_other_order",
             with_headers("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"), 400},
        Case{"chunked", with_headers("Transfer-Encoding: ChunKed\r\n"), 0},
        Case{"chunked_twice",
             with_headers("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
        Case{"chunked_list", with_headers("Transfer-Encoding: chunked, chunked\r\n"), 501},
        Case{"gzip_chunked", with_headers("Transfer-Encoding: gzip, chunked\r\n"), 501},
        Case{"identity", with_headers("Transfer-Encoding: identity\r\n"), 501},
        Case{"quoted", with_headers("Transfer-Encoding: \"chunked\"\r\n"), 501},
        Case{"empty_coding", with_headers("Transfer-Encoding:\r\n"), 400},
        Case{"chunked_1_0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        Case{"expect_other", with_headers("Expect: 200-ok\r\n"), 417},
        Case{"expect_1_0", "POST / HTTP/1.0\r\nExpect: 200-ok\r\n\r\n", 0},
        Case{"origin_twice", with_headers("Origin: a\r\nOrigin: b\r\n"), 400},
        Case{"key_twice", with_headers("x-api-key: a\r\nX-Api-Key: a\r\n"), 400}),
    [](const auto& info) { return info.param.name; });

TEST(RequestHead, limits_hold_at_the_byte) {
  Limits limits;
  limits.request_line_bytes = 32;
  limits.header_bytes = 64;
  limits.header_count = 3;
  const auto line_of = [](size_t size) {
    return "GET /" + std::string(size - std::string("GET / HTTP/1.1").size(), 'a') + " HTTP/1.1";
  };
  for (const auto& [size, status] : {std::pair{31, 0}, {32, 0}, {33, 414}}) {
    const std::string text = line_of(static_cast<size_t>(size)) + "\r\nHost: a\r\n\r\n";
    EXPECT_EQ(status_of(text, limits), status) << size;
  }
  for (const auto& [size, status] : {std::pair{63, 0}, {64, 0}, {65, 431}}) {
    const std::string host = "Host: a\r\n";
    const size_t left = static_cast<size_t>(size) - host.size() - std::string("A: \r\n").size();
    const std::string text =
        "GET / HTTP/1.1\r\n" + host + "A: " + std::string(left, 'b') + "\r\n\r\n";
    EXPECT_EQ(status_of(text, limits), status) << size;
  }
  for (const auto& [count, status] : {std::pair{2, 0}, {3, 0}, {4, 431}}) {
    std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 1; i < count; ++i) text += "A: b\r\n";
    EXPECT_EQ(status_of(text + "\r\n", limits), status) << count;
  }
}

TEST(RequestHead, an_endless_line_is_refused_while_it_comes) {
  const Limits limits;
  HeadParser line(limits);
  EXPECT_FALSE(line.parse("GET /" + std::string(limits.request_line_bytes, 'a')));
  ASSERT_TRUE(line.failure().has_value());
  EXPECT_EQ(line.failure()->status, 414);
  HeadParser field(limits);
  EXPECT_FALSE(field.parse("GET / HTTP/1.1\r\nA: " + std::string(limits.header_bytes, 'a')));
  ASSERT_TRUE(field.failure().has_value());
  EXPECT_EQ(field.failure()->status, 431);
}

}  // namespace
}  // namespace sparrow::http
