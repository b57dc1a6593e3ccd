#include "server/http/server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "tests/support/raw_client.h"
#include "tests/support/test_server.h"

namespace sparrow::http {
namespace {

using testing::HasSubstr;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

TEST(Server, answers_one_request_after_the_other_on_a_connection) {
  TestServer test;
  RawClient client(test.address());
  for (int i = 0; i < 3; ++i) {
    client.send(get("/hello"));
    const auto response = client.read_response();
    ASSERT_TRUE(response && response->is_whole);
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "hello");
    EXPECT_EQ(response->header("x-a"), "b");
    EXPECT_FALSE(response->closes);
    EXPECT_EQ(response->header("x-request-id").size(), 32u);
  }
  client.send(get("/hello", "Connection: close\r\n"));
  EXPECT_TRUE(client.read_response()->closes);
  EXPECT_TRUE(client.is_closed_by_server());
}

TEST(Server, answers_requests_that_come_at_once_in_their_order) {
  TestServer test;
  RawClient client(test.address());
  client.send(get("/hello") +
              "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc" +
              get("/io") + get("/stream"));
  client.shut_down_sending();
  for (const char* body : {"hello", "abc", "io", "one two three"}) {
    const auto response = client.read_response();
    ASSERT_TRUE(response.has_value()) << body;
    EXPECT_EQ(response->body, body);
  }
  EXPECT_TRUE(client.is_closed_by_server());
}

TEST(Server, a_head_request_gets_the_head_of_the_get) {
  TestServer test;
  RawClient client(test.address());
  for (const char* target : {"/hello", "/stream", "/nowhere"}) {
    client.send("HEAD " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ASSERT_TRUE(client.read_response(true).has_value());
    EXPECT_EQ(client.pending(), "") << target;
  }
  client.send(get("/hello"));
  EXPECT_EQ(client.read_response()->body, "hello");
}

TEST(Server, http_1_0_gets_no_chunks_and_stays_only_if_it_asks) {
  TestServer test;
  RawClient client(test.address());
  const std::string keep = " HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n";
  client.send("GET /hello" + keep);
  EXPECT_EQ(client.read_response()->header("connection"), "keep-alive");
  client.send("GET /stream" + keep);
  const auto response = client.read_response();
  EXPECT_EQ(response->header("transfer-encoding"), "");
  EXPECT_EQ(response->body, "one two three");
  RawClient other(test.address());
  other.send("GET /hello HTTP/1.0\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(other.read_response()->closes);
  EXPECT_TRUE(other.is_closed_by_server());
}

TEST(Server, unknown_paths_and_methods_are_refused) {
  TestServer test;
  const auto missing = RawClient::get(test.address(), "/nowhere");
  EXPECT_EQ(missing->status, 404);
  EXPECT_EQ(missing->body, "404 page not found\n");
  RawClient client(test.address());
  client.send("DELETE /throws HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto wrong = client.read_response();
  EXPECT_EQ(wrong->status, 405);
  EXPECT_EQ(wrong->header("allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(wrong->header("content-type"), "application/json");  // the row's shape
  client.send(
      "OPTIONS /echo HTTP/1.1\r\nHost: localhost\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: "
      "localhost\r\n\r\n");
  const auto options = client.read_response();
  EXPECT_EQ(options->status, 204);
  EXPECT_EQ(options->header("allow"), "OPTIONS, POST");
  EXPECT_EQ(client.read_response()->status, 204);
}

TEST(Server, what_a_handler_throws_is_told_in_its_familys_shape) {
  TestServer test;
  const auto error = RawClient::get(test.address(), "/throws");
  EXPECT_EQ(error->status, 404);
  EXPECT_EQ(error->body, "{\"error\":\"no such model\"}");
  const auto bug = RawClient::get(test.address(), "/bug");
  EXPECT_EQ(bug->status, 500);
  EXPECT_THAT(bug->body, testing::Not(HasSubstr("secret")));
  EXPECT_EQ(RawClient::get(test.address(), "/drops")->status, 500);
}

TEST(Server, request_ids_are_taken_over_if_they_are_sane) {
  TestServer test;
  const auto id = [&](const std::string& offered) {
    return RawClient::get(test.address(), "/hello", "X-Request-Id: " + offered + "\r\n")
        ->header("x-request-id");
  };
  EXPECT_EQ(id("abc-1.2_3:4/5+6="), "abc-1.2_3:4/5+6=");
  EXPECT_EQ(id(std::string(128, 'a')), std::string(128, 'a'));
  for (const std::string& offered : {std::string(129, 'a'), std::string("a b"), std::string("a\"b"),
                                     std::string("<a>"), std::string("\xff"), std::string()}) {
    EXPECT_EQ(id(offered).size(), 32u);
    EXPECT_NE(id(offered), offered);
  }
}

TEST(Server, a_client_that_waits_is_told_to_send_its_body) {
  TestServer test;
  RawClient client(test.address());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: "
      "100-continue\r\n\r\n");
  while (client.pending().find("100 Continue\r\n\r\n") == std::string::npos) {
    ASSERT_TRUE(client.read_some());
  }
  client.send("abc");
  EXPECT_EQ(client.read_response()->body, "abc");
  // Not where the answer is known without the body.
  client.send(
      "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: "
      "100-continue\r\n\r\n");
  const auto response = client.read_response();
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(client.interim_count(), 1);
  EXPECT_TRUE(client.is_closed_by_server());
}

TEST(Server, bodies_have_the_limit_of_their_row) {
  ServerOptions options;
  options.limits.control_body_bytes = 100;
  options.limits.large_body_bytes = 1000;
  TestServer test(options);
  for (const auto& [target, most] : {std::pair{"/echo", 100}, {"/large", 1000}}) {
    for (const int size : {most - 1, most, most + 1}) {
      RawClient client(test.address());
      client.send("POST " + std::string(target) +
                  " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(size) +
                  "\r\n\r\n" + std::string(static_cast<size_t>(size), 'a'));
      const auto response = client.read_response();
      ASSERT_TRUE(response.has_value());
      EXPECT_EQ(response->status, size > most ? 413 : 200) << target << size;
      EXPECT_EQ(response->closes, size > most);
    }
  }
}

TEST(Server, deadlines_hold) {
  ServerOptions options;
  options.limits.header_time = 300ms;
  options.limits.idle_time = 300ms;
  options.limits.body_grace = 300ms;
  options.limits.linger_time = 100ms;
  TestServer test(options);
  RawClient silent(test.address());
  RawClient half_head(test.address());
  half_head.send("GET /hello HTTP/1.1\r\nHost:");
  RawClient half_body(test.address());
  half_body.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\na");
  RawClient idle(test.address());
  idle.send(get("/hello"));
  EXPECT_EQ(idle.read_response()->status, 200);
  EXPECT_TRUE(silent.is_closed_by_server());
  EXPECT_EQ(silent.pending(), "");
  EXPECT_EQ(half_head.read_response()->status, 408);
  EXPECT_TRUE(half_head.is_closed_by_server());
  EXPECT_EQ(half_body.read_response()->status, 408);
  EXPECT_TRUE(half_body.is_closed_by_server());
  EXPECT_TRUE(idle.is_closed_by_server());
  EXPECT_EQ(idle.pending(), "");
}

TEST(Server, connections_are_counted_in_all_and_from_this_machine) {
  for (const bool by_peer : {false, true}) {
    ServerOptions options;
    (by_peer ? options.limits.connections_from_loopback : options.limits.connections) = 3;
    TestServer test(options);
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 3; ++i) {
      clients.push_back(std::make_unique<RawClient>(test.address()));
      clients.back()->send(get("/hello"));
      EXPECT_EQ(clients.back()->read_response()->status, 200);
    }
    RawClient refused(test.address());
    const auto response = refused.read_response();
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->status, 503);
    EXPECT_EQ(response->header("retry-after"), "1");
    EXPECT_TRUE(refused.is_closed_by_server());
    clients.pop_back();
    // The server hears of it in its own time.
    for (int i = 0; i < 1000; ++i) {
      const auto again = RawClient::get(test.address(), "/hello");
      if (again && again->status == 200) break;
      std::this_thread::sleep_for(1ms);
      ASSERT_LT(i, 999);
    }
  }
}

TEST(Server, a_full_queue_of_handlers_is_told_at_once) {
  ServerOptions options;
  options.worker_threads = 1;
  options.worker_queue = 1;
  options.access_log = nullptr;
  Event entered;
  Event go_on;
  std::vector<Route> routes;
  routes.push_back({"GET", "/blocks", [&](const auto& e) {
                      entered.set();
                      go_on.wait();
                      e->reply(200, {}, "done");
                    }});
  Server server(options, std::move(routes));
  server.start();
  const std::string address = server.addresses().front();
  RawClient running(address);
  running.send(get("/blocks"));
  ASSERT_TRUE(entered.wait());
  RawClient first(address);
  RawClient second(address);
  first.send(get("/blocks"));
  second.send(get("/blocks"));
  // One of the two waits; which one is the scheduler's choice.
  const auto refused = RawClient::get(address, "/blocks");
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->header("retry-after"), "1");
  go_on.set();
  EXPECT_EQ(running.read_response()->status, 200);
  const int one = first.read_response()->status;
  const int other = second.read_response()->status;
  EXPECT_EQ(one + other, 200 + 503);
}

TEST(Server, draining_lets_what_runs_finish_and_takes_nothing_new) {
  TestServer test;
  RawClient idle(test.address());
  idle.send(get("/hello"));
  EXPECT_EQ(idle.read_response()->status, 200);
  RawClient busy(test.address());
  busy.send(get("/slot"));
  auto exchange = test.slot.take();
  EXPECT_FALSE(test.server.drain(20ms));
  EXPECT_TRUE(idle.is_closed_by_server());
  EXPECT_FALSE(RawClient(test.address()).is_connected());
  std::thread finisher([&] { exchange->reply(200, {}, "finished"); });
  EXPECT_TRUE(test.server.drain(10s));
  finisher.join();
  const auto response = busy.read_response();
  EXPECT_EQ(response->body, "finished");
  EXPECT_TRUE(response->closes);
}

TEST(Server, stopping_cuts_what_runs_and_exchanges_outlive_it) {
  std::shared_ptr<Exchange> exchange;
  Event closed;
  {
    TestServer test;
    RawClient client(test.address());
    client.send(get("/slot"));
    exchange = test.slot.take();
    exchange->begin_stream(200, {});
    exchange->on_close([&] { closed.set(); });
    test.server.stop();
    EXPECT_EQ(closed.count(), 1);
    EXPECT_TRUE(client.is_closed_by_server());
  }
  EXPECT_FALSE(exchange->write("x"));
  exchange->end();
  exchange->abort();
  EXPECT_FALSE(exchange->is_open());
}

TEST(Server, a_taken_port_and_a_wrong_address_are_told) {
  TestServer test;
  const auto problem = [](ServerOptions options) -> std::string {
    Server server(std::move(options), {});
    try {
      server.start();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(problem({.addresses = {test.address()}}), HasSubstr("another program does"));
  for (const char* address :
       {"", "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:x", "127.0.0.1:65536", "[::1]"}) {
    EXPECT_THAT(problem({.addresses = {address}}), HasSubstr("HOST:PORT")) << address;
  }
  EXPECT_THAT(problem({.addresses = {"192.0.2.1:0"}}), HasSubstr("cannot listen on"));  // not ours
  EXPECT_THAT(problem({.certificate_file = "/nowhere"}), HasSubstr("TLS needs both"));
  EXPECT_THAT(problem({.certificate_file = "/nowhere", .private_key_file = "/nowhere"}),
              HasSubstr("certificate"));
}

TEST(Server, a_port_that_was_just_left_can_be_taken_again) {
  std::string address;
  {
    TestServer test;
    address = test.address();
    RawClient client(address);
    client.send(get("/hello"));
    client.read_response();
    test.server.stop();  // closes first, so the port is in TIME_WAIT
  }
  ServerOptions options;
  options.addresses = {address};
  TestServer again(options);
  EXPECT_EQ(RawClient::get(address, "/hello")->status, 200);
}

TEST(Server, several_addresses_are_served) {
  ServerOptions options;
  options.addresses = {"127.0.0.1:0", "localhost:0"};
  TestServer test(options);
  EXPECT_GE(test.server.addresses().size(), 2u);
  for (const std::string& address : test.server.addresses()) {
    EXPECT_EQ(RawClient::get(address, "/hello")->status, 200) << address;
  }
  EXPECT_EQ(test.server.url(), "http://" + test.address());
}

TEST(Server, a_unix_socket_is_its_owners_and_replaces_only_a_dead_one) {
  const std::string path = scratch_path("sparrow_http_test.sock");
  std::filesystem::remove(path);
  ServerOptions options;
  options.addresses = {};
  options.unix_socket = path;
  options.access_log = nullptr;
  {
    TestServer test(options);
    EXPECT_EQ(test.server.url(), "");
    struct stat status {};
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    RawClient client("unix:" + path);
    client.send(get("/hello"));
    EXPECT_EQ(client.read_response()->body, "hello");
    Server second(options, {});
    EXPECT_THROW(second.start(), Error);
    EXPECT_EQ(RawClient::get("unix:" + path, "/hello")->status, 200);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  // As a server leaves it that was killed.
  {
    const int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    close(dead);
  }
  {
    TestServer test(options);
    EXPECT_EQ(RawClient::get("unix:" + path, "/hello")->status, 200);
  }
  close(open(path.c_str(), O_CREAT | O_WRONLY, 0600));
  Server refused(options, {});
  EXPECT_THROW(refused.start(), Error);
  EXPECT_TRUE(std::filesystem::exists(path));
  std::filesystem::remove(path);
}

TEST(Server, requests_are_logged_and_counted_when_they_are_over) {
  ServerOptions options;
  std::mutex mutex;
  std::vector<AccessRecord> records;
  Event logged;
  options.access_log = [&](const AccessRecord& record) {
    {
      const std::lock_guard lock(mutex);
      records.push_back(record);
    }
    logged.set();
  };
  Slot slot;
  Metrics metrics;
  Server server(options, routes_with(slot), &metrics);
  server.start();
  const std::string address = server.addresses().front();
  RawClient client(address);
  client.send(
      "POST /echo?secret=1 HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: one\r\nContent-Length: "
      "3\r\n\r\nabc");
  client.read_response();
  ASSERT_TRUE(logged.wait(10s, 1));
  RawClient gone(address);
  gone.send(get("/slot", "X-Request-Id: two\r\n"));
  const auto exchange = slot.take();
  gone.reset();
  ASSERT_TRUE(logged.wait(10s, 2));
  RawClient broken(address);
  broken.send("BROKEN\r\n");
  broken.read_response();
  ASSERT_TRUE(logged.wait(10s, 3));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(records[0].id, "one");
  EXPECT_EQ(records[0].method, "POST");
  EXPECT_EQ(records[0].path, "/echo");
  EXPECT_EQ(records[0].route, "/echo");
  EXPECT_EQ(records[0].status, 200);
  EXPECT_TRUE(records[0].is_whole);
  EXPECT_EQ(records[0].received_bytes, 3u);
  EXPECT_GT(records[0].sent_bytes, 3u);
  EXPECT_THAT(records[0].peer, HasSubstr("127.0.0.1:"));
  EXPECT_EQ(records[1].id, "two");
  EXPECT_EQ(records[1].status, 0);
  EXPECT_FALSE(records[1].is_whole);
  EXPECT_EQ(records[2].status, 400);
  EXPECT_EQ(records[2].route, "");
  EXPECT_THAT(metrics.text(),
              HasSubstr("sparrow_http_requests_total{route=\"/echo\",status=\"200\"} 1\n"));
}

TEST(AccessLog, a_line_cannot_be_broken_by_what_a_client_sent) {
  AccessRecord record;
  record.id = "1";
  record.path = "/a\nfake\x1b[31m\xff\xc2\x85\"";
  const std::string line = access_line(record);
  for (const char c : line) EXPECT_TRUE(c >= ' ' && c < 0x7f) << static_cast<int>(c);
  EXPECT_THAT(line, HasSubstr(R"("path":"/a\nfake\u001b[31m\ufffd\u0085\"")"));
  record.path = std::string(5000, 'a');
  EXPECT_LT(access_line(record).size(), 1500u);
}

}  // namespace
}  // namespace sparrow::http
