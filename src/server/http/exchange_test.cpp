#include "server/http/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/raw_client.h"
#include "tests/support/test_server.h"

namespace sparrow::http {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

TEST(Exchange, an_answer_may_come_later_and_from_another_thread) {
  TestServer test;
  RawClient client(test.address());
  client.send(get("/slot"));
  const auto exchange = test.slot.take();
  EXPECT_TRUE(exchange->is_open());
  EXPECT_FALSE(exchange->has_begun());
  EXPECT_EQ(exchange->request().path, "/slot");
  EXPECT_TRUE(exchange->request().is_loopback);
  std::thread([exchange] { EXPECT_TRUE(exchange->reply(201, {}, "late")); }).join();
  EXPECT_FALSE(exchange->reply(200, {}, "twice"));
  EXPECT_FALSE(exchange->begin_stream(200, {}));
  EXPECT_FALSE(exchange->write("x"));
  EXPECT_FALSE(exchange->is_open());
  const auto response = client.read_response();
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, "late");
}

TEST(Exchange, a_stream_arrives_piece_by_piece) {
  TestServer test;
  RawClient client(test.address());
  client.send(get("/slot"));
  const auto exchange = test.slot.take();
  exchange->begin_stream(200, {});
  std::string seen;
  for (const std::string piece : {"a", "", "bc", "def"}) {
    EXPECT_TRUE(exchange->write(piece));
    while (!piece.empty() && client.pending().find(piece) == std::string::npos) {
      ASSERT_TRUE(client.read_some());
    }
  }
  exchange->end();
  const auto response = client.read_response();
  EXPECT_TRUE(response->is_whole);
  EXPECT_EQ(response->body, "abcdef");
}

TEST(Exchange, a_stream_that_is_dropped_or_aborted_is_not_whole) {
  TestServer test;
  for (const bool is_dropped : {true, false}) {
    for (const std::string version : {"1.1", "1.0"}) {
      RawClient client(test.address());
      client.send("GET /slot HTTP/" + version + "\r\nHost: localhost\r\n\r\n");
      auto exchange = test.slot.take();
      exchange->begin_stream(200, {});
      exchange->write("half");
      while (client.pending().find("half") == std::string::npos) ASSERT_TRUE(client.read_some());
      if (!is_dropped) exchange->abort();
      exchange.reset();
      const auto response = client.read_response();
      ASSERT_TRUE(response.has_value());
      EXPECT_TRUE(version == "1.0" || !response->is_whole);
      EXPECT_TRUE(client.is_closed_by_server());
    }
  }
}

TEST(Exchange, header_values_cannot_begin_lines_of_their_own) {
  TestServer test;
  RawClient client(test.address());
  client.send(get("/slot"));
  test.slot.take()->reply(
      200, {{"X-A", "b\r\nX-Evil: c\r\n\r\nd"}, {"X B", "e"}, {"Content-Length", "0"}}, "body");
  const auto response = client.read_response();
  EXPECT_EQ(response->header("x-a"), "b  X-Evil: c    d");
  EXPECT_EQ(response->headers.count("x-evil"), 0u);
  EXPECT_EQ(response->body, "body");
}

// How a client can go, and whether that takes a probe.
struct Leaving {
  const char* name;
  void (*leave)(RawClient&);
};

class Disconnects : public testing::TestWithParam<Leaving> {};

TEST_P(Disconnects, are_noticed_while_nothing_is_sent) {
  ServerOptions options;
  options.unix_socket = scratch_path("sparrow_disconnect.sock");
  TestServer test(options);
  for (const std::string& address : test.server.addresses()) {
    for (const bool has_begun : {false, true}) {
      RawClient client(address);
      client.send(get("/slot"));
      const auto exchange = test.slot.take();
      if (has_begun) {
        exchange->begin_stream(200, {});
        exchange->write("x");
        while (client.pending().find("x") == std::string::npos) ASSERT_TRUE(client.read_some());
      }
      Event closed;
      exchange->on_close([&] { closed.set(); });
      const auto start = std::chrono::steady_clock::now();
      GetParam().leave(client);
      ASSERT_TRUE(closed.wait()) << address << has_begun;
      EXPECT_LT(std::chrono::steady_clock::now() - start,
                3s);  // some milliseconds, on a free machine
      EXPECT_FALSE(exchange->is_open());
      EXPECT_FALSE(exchange->write("y"));
      EXPECT_FALSE(exchange->reply(200, {}, ""));
      Event again;
      exchange->on_close([&] { again.set(); });  // too late: at once
      EXPECT_EQ(again.count(), 1);
      EXPECT_EQ(closed.count(), 1);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Ways, Disconnects,
    testing::Values(Leaving{"close", [](RawClient& client) { client.close(); }},
                    Leaving{"reset", [](RawClient& client) { client.reset(); }},
                    Leaving{"half_close_then_close",
                            [](RawClient& client) {
                              client.shut_down_sending();
                              client.close();
                            }}),
    [](const auto& info) { return info.param.name; });

TEST(Exchange, a_client_that_only_stops_sending_gets_its_answer) {
  ServerOptions options;
  options.unix_socket = scratch_path("sparrow_half.sock");
  TestServer test(options);
  for (const std::string& address : test.server.addresses()) {
    for (const std::string version : {"1.1", "1.0"}) {
      for (const bool is_stream : {false, true}) {
        RawClient client(address);
        client.send("GET /slot HTTP/" + version + "\r\nHost: localhost\r\n\r\n");
        client.shut_down_sending();
        const auto exchange = test.slot.take();
        Event closed;
        exchange->on_close([&] { closed.set(); });
        EXPECT_FALSE(closed.wait(20ms));
        if (is_stream) {
          exchange->begin_stream(200, {});
          exchange->write("half a ");
          EXPECT_FALSE(closed.wait(20ms));
          exchange->write("world");
          exchange->end();
        } else {
          exchange->reply(200, {}, "half a world");
        }
        const auto response = client.read_response();
        ASSERT_TRUE(response.has_value()) << version << is_stream;
        EXPECT_EQ(response->body, "half a world");
        EXPECT_TRUE(response->is_whole);
        EXPECT_TRUE(client.is_closed_by_server());
      }
    }
  }
}

TEST(Exchange, a_half_closed_client_that_goes_in_the_end_is_noticed) {
  TestServer test;
  RawClient client(test.address());
  client.send(get("/slot"));
  client.shut_down_sending();
  const auto exchange = test.slot.take();
  Event closed;
  exchange->on_close([&] { closed.set(); });
  EXPECT_FALSE(closed.wait(20ms));
  client.close();  // the interim response that waits there unread makes this a reset
  EXPECT_TRUE(closed.wait());
}

TEST(Exchange, a_slow_reader_holds_back_its_producer_and_nobody_else) {
  TestServer test;
  RawClient client(test.address());
  client.receive_slowly(64 << 10);
  client.send(get("/slot"));
  const auto exchange = test.slot.take();
  exchange->begin_stream(200, {});
  std::mutex mutex;
  Event drained;
  size_t written = 0;
  constexpr size_t kTotal = size_t{3} << 20;
  const std::string piece(size_t{8} << 10, 'x');
  const auto produce = [&] {
    const std::lock_guard lock(mutex);
    while (written < kTotal && exchange->unsent_bytes() < Exchange::kEnoughUnsent) {
      written += piece.size();
      ASSERT_TRUE(exchange->write(piece));
      if (written == kTotal) exchange->end();
    }
  };
  exchange->on_drained([&] {
    drained.set();
    produce();
  });
  produce();
  // It stops with a little unsent, long before the end.
  for (int i = 0; i < 1000 && exchange->unsent_bytes() < Exchange::kEnoughUnsent; ++i) {
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_LT(exchange->unsent_bytes(), Exchange::kEnoughUnsent + 2 * piece.size());
  {
    const std::lock_guard lock(mutex);
    EXPECT_LT(written, kTotal);
  }
  EXPECT_EQ(RawClient::get(test.address(), "/hello")->body, "hello");
  const auto response = client.read_response();
  EXPECT_TRUE(response->is_whole);
  EXPECT_EQ(response->body.size(), kTotal);
  EXPECT_GT(drained.count(), 0);
}

TEST(Exchange, a_streams_pieces_keep_their_order_whichever_way_they_take) {
  TestServer test;
  RawClient client(test.address());
  client.receive_slowly(16 << 10);
  client.send(get("/slot"));
  const auto exchange = test.slot.take();
  std::string expected;
  std::thread writer([&] {
    exchange->begin_stream(200, {});
    for (int i = 0; i < 200000; ++i) {  // much more than the system's buffers hold
      const std::string piece = std::to_string(i) + '\n';
      expected += piece;
      ASSERT_TRUE(exchange->write(piece));
    }
    exchange->end();
  });
  const auto response = client.read_response();
  writer.join();
  EXPECT_TRUE(response->is_whole);
  EXPECT_EQ(response->body, expected);
}

TEST(Exchange, a_reader_that_stalls_is_cut) {
  ServerOptions options;
  options.limits.write_stall_time = 100ms;
  TestServer test(options);
  RawClient client(test.address());
  client.receive_slowly(4096);
  client.send(get("/slot"));
  const auto exchange = test.slot.take();
  Event closed;
  exchange->on_close([&] { closed.set(); });
  exchange->begin_stream(200, {});
  exchange->write(std::string(size_t{8} << 20, 'x'));
  EXPECT_TRUE(closed.wait());
  EXPECT_FALSE(exchange->write("y"));
}

TEST(Exchange, a_silent_stream_is_not_a_stall) {
  ServerOptions options;
  options.limits.write_stall_time = 200ms;
  options.limits.idle_time = 200ms;
  options.limits.header_time = 200ms;
  TestServer test(options);
  RawClient client(test.address());
  client.send(get("/slot"));
  const auto exchange = test.slot.take();
  Event closed;
  exchange->on_close([&] { closed.set(); });
  exchange->begin_stream(200, {});
  exchange->write("a");
  EXPECT_FALSE(closed.wait(300ms));
  exchange->write("b");
  exchange->end();
  EXPECT_EQ(client.read_response()->body, "ab");
}

}  // namespace
}  // namespace sparrow::http
