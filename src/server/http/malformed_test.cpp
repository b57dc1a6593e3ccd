// Hundreds of exchanges that no honest client sends, over real sockets: each is answered as its row
// says, or not at all, and the server then still answers everybody else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "server/http/exchange.h"
#include "server/http/server.h"
#include "tests/support/raw_client.h"

namespace sparrow::http {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr int kNoAnswer = 0;

struct Exchanged {
  std::string bytes;
  std::vector<int> statuses;  // in order; kNoAnswer alone: closed without a word
  bool closes = true;         // after the last of them
};

class Malformed : public testing::Test {
 protected:
  Malformed() {
    ServerOptions options;
    options.access_log = nullptr;
    options.limits.request_line_bytes = 256;
    options.limits.header_bytes = 1024;
    options.limits.header_count = 16;
    options.limits.control_body_bytes = 64;
    options.limits.large_body_bytes = 128;
    options.limits.chunk_extension_bytes = 16;
    options.limits.header_time = 10s;
    options.limits.linger_time = 10s;
    start(options);
  }

  void start(const ServerOptions& options) {
    std::vector<Route> routes;
    routes.push_back({"GET", "/", [](const auto& e) { e->reply(200, {}, "fine"); }});
    routes.push_back(
        {"POST", "/echo", [](const auto& e) { e->reply(200, {}, e->request().body); }});
    canary_.reset();
    server_ = std::make_unique<Server>(options, std::move(routes));
    server_->start();
    address_ = server_->addresses().front();
  }

  // A connection of somebody else, in use all the time.
  void expect_alive(const std::string& after) {
    if (canary_ == nullptr) canary_ = std::make_unique<RawClient>(address_);
    canary_->send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto response = canary_->read_response();
    ASSERT_TRUE(response.has_value()) << "after " << after;
    ASSERT_EQ(response->body, "fine") << "after " << after;
  }

  // What came back: the statuses, and whether the server then closed.
  void run(const Exchanged& exchanged, size_t cut = 0) {
    ++count_;
    RawClient client(address_);
    if (cut > 0) {
      client.send(std::string_view(exchanged.bytes).substr(0, cut));
      std::this_thread::yield();
    }
    client.send(std::string_view(exchanged.bytes).substr(cut));
    const std::string name = testing::PrintToString(exchanged.bytes.substr(0, 300));
    for (const int status : exchanged.statuses) {
      if (status == kNoAnswer) {
        EXPECT_FALSE(client.read_response().has_value()) << name;
        continue;
      }
      const auto response = client.read_response();
      ASSERT_TRUE(response.has_value()) << name << " should be answered with " << status;
      EXPECT_EQ(response->status, status) << name;
      EXPECT_TRUE(response->is_whole) << name;
    }
    if (exchanged.closes) {
      EXPECT_TRUE(client.is_closed_by_server()) << name;
      EXPECT_EQ(client.pending(), "") << name;
    } else {
      client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
      const auto response = client.read_response();
      ASSERT_TRUE(response.has_value()) << name;
      EXPECT_EQ(response->body, "fine") << name;
    }
    expect_alive(name);
  }

  void run_all(const std::vector<Exchanged>& table) {
    for (const Exchanged& exchanged : table) run(exchanged);
  }

  std::unique_ptr<Server> server_;
  std::string address_;
  std::unique_ptr<RawClient> canary_;
  int count_ = 0;
};

std::string post(const std::string& headers, const std::string& body) {
  return "POST /echo HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n" + body;
}

const std::string kSmuggled = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";

// All ways to say how long a body is, alone and in pairs, in both orders. `status`: 200 if the
// request is in order.
TEST_F(Malformed, a_body_has_one_length_or_none) {
  struct Line {
    std::string text;
    int status;  // alone
    bool is_chunked = false;
  };
  const std::vector<Line> lines = {
      {"Content-Length: 5", 200},
      {"content-length:5", 200},
      {"CONTENT-LENGTH:\t5 ", 200},
      {"Content-Length: 05", 200},
      {"Content-Length: +5", 400},
      {"Content-Length: -5", 400},
      {"Content-Length: 5,5", 400},
      {"Content-Length: 5 5", 400},
      {"Content-Length: 0x5", 400},
      {"Content-Length: 5.0", 400},
      {"Content-Length: 5;", 400},
      {"Content-Length: \"5\"", 400},
      {"Content-Length: ", 400},
      {"Content-Length : 5", 400},
      {"Content-Length\t: 5", 400},
      {" Content-Length: 5", 400},
      {"Content-Length: 18446744073709551621", 400},
      {"Content-Length: \x0b"
       "5",
       400},
      {"Transfer-Encoding: chunked", 200, true},
      {"transfer-encoding:CHUNKED", 200, true},
      {"Transfer-Encoding: \tchunked\t", 200, true},
      {"Transfer-Encoding: chunked, chunked", 501},
      {"Transfer-Encoding: chunked,", 501},
      {"Transfer-Encoding: ,chunked", 501},
      {"Transfer-Encoding: gzip, chunked", 501},
      {"Transfer-Encoding: chunked, identity", 501},
      {"Transfer-Encoding: identity", 501},
      {"Transfer-Encoding: xchunked", 501},
      {"Transfer-Encoding: chunkedx", 501},
      {"Transfer-Encoding: chunked;q=1", 501},
      {"Transfer-Encoding: 'chunked'", 501},
      {"Transfer-Encoding: \"chunked\"", 501},
      {"Transfer-Encoding: ", 400},
      {"Transfer-Encoding : chunked", 400},
      {"Transfer-Encoding: \x0b"
       "chunked",
       400},
      {" Transfer-Encoding: chunked", 400},
      {"Transfer-Encoding: chunked\n", 400},
      {"Transfer_Encoding: chunked", 200},  // another header, so no body
      {"X: y\nTransfer-Encoding: chunked", 400},
      {"X: y\rTransfer-Encoding: chunked", 400},
  };
  for (const Line& line : lines) {
    const bool is_length = line.text.starts_with("C") || line.text.starts_with("c");
    const std::string body = line.is_chunked                   ? "5\r\nhello\r\n0\r\n\r\n"
                             : line.status == 200 && is_length ? "hello"
                                                               : "";
    run({post(line.text + "\r\n", body + (line.status == 200 ? "" : kSmuggled)),
         {line.status},
         line.status != 200});
  }
  for (const Line& first : lines) {
    for (const Line& second : lines) {
      // A header that is another's is no second length; these pairs are the table above again.
      if (first.text.starts_with("Transfer_") || second.text.starts_with("Transfer_")) continue;
      RawClient client(address_);
      ++count_;
      client.send(post(first.text + "\r\n" + second.text + "\r\n", "0\r\n\r\n" + kSmuggled));
      const auto response = client.read_response();
      ASSERT_TRUE(response.has_value()) << first.text << " | " << second.text;
      EXPECT_TRUE(response->status == 400 || response->status == 501)
          << first.text << " | " << second.text;
      EXPECT_TRUE(client.is_closed_by_server());
      EXPECT_EQ(client.pending(), "") << "smuggled: " << first.text << " | " << second.text;
    }
  }
  expect_alive("all pairs");
  EXPECT_GE(count_, 1000);
}

TEST_F(Malformed, request_lines) {
  const std::string rest = "\r\nHost: localhost\r\n\r\n";
  std::vector<Exchanged> table = {
      {"GET /\r\n", {400}},  // HTTP/0.9
      {"GET\r\n", {400}},
      {" GET / HTTP/1.1" + rest, {400}},
      {"GET  / HTTP/1.1" + rest, {400}},
      {"GET /  HTTP/1.1" + rest, {400}},
      {"GET / HTTP/1.1 " + rest, {400}},
      {"GET /\tHTTP/1.1" + rest, {400}},
      {"GET / HTTP/1.1\nHost: localhost\n\n", {400}},
      {"GET / HTTP/1.1\rHost: localhost\r\r", {400}},
      {"\nGET / HTTP/1.1" + rest, {400}},
      {"\r\n\r\nGET / HTTP/1.1" + rest, {400}},
      {"\r\nGET / HTTP/1.1" + rest, {200}, false},
      {"GET / HTTP/1.2" + rest, {505}},
      {"GET / HTTP/2.0" + rest, {505}},
      {"GET / HTTP/3.0" + rest, {505}},
      {"GET / HTTP/0.9" + rest, {505}},
      {"GET / HTTP/1.1.1" + rest, {400}},
      {"GET / HTTP/1" + rest, {400}},
      {"GET / HTTP/+1.1" + rest, {400}},
      {"GET / HTTP/1.1x" + rest, {400}},
      {"GET / http/1.1" + rest, {400}},
      {"GET / HTTPS/1.1" + rest, {400}},
      {"GET / ICY/1.1" + rest, {400}},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400}},
      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", {400}},  // TLS
      {std::string("\x80\x2e\x01\x03\x01\x00", 6), {400}},      // SSL 2
      {std::string("\x04\x01\x00\x50", 4), {400}},              // SOCKS
      {"SSH-2.0-OpenSSH_9\r\n", {400}},
      {"EHLO localhost\r\n", {400}},
      {"*1\r\n$4\r\nPING\r\n", {400}},
      {"{\"model\": \"x\"}\r\n", {400}},
      {"GE(T / HTTP/1.1" + rest, {400}},
      {"G\x01T / HTTP/1.1" + rest, {400}},
      {std::string("G\0T / HTTP/1.1", 14) + rest, {400}},
      {"get / HTTP/1.1" + rest, {405}, false},
      {"FOO / HTTP/1.1" + rest, {405}, false},
      {"FOO /nowhere HTTP/1.1" + rest, {404}, false},
      {std::string(32, 'A').append(" / HTTP/1.1") + rest, {405}, false},
      {std::string(33, 'A').append(" / HTTP/1.1") + rest, {400}},
      {"CONNECT localhost:80 HTTP/1.1" + rest, {400}, false},
      {"GET * HTTP/1.1" + rest, {400}, false},
      {"OPTIONS * HTTP/1.1" + rest, {204}, false},
      {"GET http://localhost/ HTTP/1.1" + rest, {200}, false},
      {"GET http://evil.example/ HTTP/1.1" + rest, {400}, false},
      {"GET http://localhost@evil/ HTTP/1.1" + rest, {400}, false},
      {"GET ftp://localhost/ HTTP/1.1" + rest, {400}, false},
      {"GET http:///  HTTP/1.1" + rest, {400}},
  };
  for (const char* target : {"a", "//", "/..", "/../etc/passwd", "/%2e%2e/x", "/a%2f..%2fb", "/%00",
                             "/a%00b", "/%0d%0aX:%20y", "/%", "/%4", "/%zz", "/a#b", "/a\\b",
                             "/%5c..%5c", "/%c0%af", "/?a=%00", "/?a=%"}) {
    const int status = std::string_view(target) == "//" ? 404 : 400;
    table.push_back({"GET " + std::string(target) + " HTTP/1.1" + rest, {status}, false});
  }
  for (const char byte : {'\x01', '\x08', '\x0b', '\x0c', '\x1f', '\x7f', '\x80', '\xff'}) {
    table.push_back({"GET /" + std::string(1, byte) + " HTTP/1.1" + rest, {400}});
  }
  run_all(table);
}

TEST_F(Malformed, header_lines) {
  const auto with = [](const std::string& line) {
    return "GET / HTTP/1.1\r\nHost: localhost\r\n" + line + "\r\n\r\n";
  };
  std::vector<Exchanged> table = {
      {"GET / HTTP/1.1\r\n\r\n", {400}},
      {"GET / HTTP/1.0\r\n\r\n", {400}},
      {"GET / HTTP/1.1\r\nHost:\r\n\r\n", {400}, false},
      {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", {400}, false},
      {"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", {403}, false},
      {"GET / HTTP/1.1\r\nHost: localhost, evil\r\n\r\n", {400}, false},
      {with("Host: localhost"), {400}},
      {with("host: evil.example"), {400}},
      {with("HOST: localhost"), {400}},
      {with("A"), {400}},
      {with("A b"), {400}},
      {with(": b"), {400}},
      {with(":"), {400}},
      {with("A : b"), {400}},
      {with("A\t: b"), {400}},
      {with("A B: c"), {400}},
      {with("A\"B: c"), {400}},
      {with("A(B): c"), {400}},
      {with("A/B: c"), {400}},
      {with("\xc3\xa9: c"), {400}},
      {with(" folded"), {400}},
      {with("\tfolded"), {400}},
      {with("A: b\r\n folded"), {400}},
      {with("A: b\r\n\tfolded"), {400}},
      {with("A: b\n folded"), {400}},
      {with("A: b\nC: d"), {400}},
      {with("A: b\rC: d"), {400}},
      {with("A: b\r\r"), {400}},
      {with("A: " + std::string("b\0c", 3)), {400}},
      {with(std::string("A\0: b", 5)), {400}},
      {with("A: \x1b[31m"), {400}},
      {with("A: \x7f"), {400}},
      {with("A:"), {200}, false},
      {with("A: \xff\xfe"), {200}, false},
      {with("A: b\tc"), {200}, false},
      {with("Expect: 100-continue"), {200}, false},  // no body, so nothing to wait for
      {with("Expect: 101-continue"), {417}},
      {with("Expect: "), {417}},
      {with("Expect: 100-continue, other"), {417}},
      {with("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x"), {200}, false},
      {with("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk"),
       {200},
       false},
      {with("Connection: close"), {200}, true},
      {with("Connection: keep-alive, CLOSE"), {200}, true},
      {with("Connection: "), {200}, false},
      {with("Authorization: a\r\nAuthorization: b"), {400}},
      {with("Content-Type: a\r\nContent-Type: b"), {400}},
      {with("Origin: http://localhost\r\nOrigin: http://evil.example"), {400}},
      {with("Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site"), {400}},
      {with("Range: bytes=0-,0-,0-"), {200}, false},
      {with("Content-Encoding: br"), {200}, false},  // of no body
      {post("Content-Encoding: br\r\nContent-Length: 3\r\n", "abc"), {415}},
      {post("Content-Encoding: gzip, gzip\r\nContent-Length: 3\r\n", "abc"), {415}},
      {post("Content-Encoding: gzip\r\nContent-Length: 3\r\n", "abc"), {400}},
      {post("Content-Encoding: zstd\r\nContent-Length: 3\r\n", "abc"), {400}},
      {post("Content-Encoding: deflate\r\nContent-Length: 3\r\n", "abc"), {400}},
  };
  for (int byte = 0; byte < 0x20; ++byte) {
    if (byte == '\t' || byte == '\r' || byte == '\n') continue;
    table.push_back(
        {with(std::string("A: b").append(1, static_cast<char>(byte)).append("c")), {400}});
    table.push_back(
        {with(std::string("A").append(1, static_cast<char>(byte)).append(": c")), {400}});
  }
  run_all(table);
}

TEST_F(Malformed, chunks) {
  std::vector<Exchanged> table;
  for (const char* body : {"\r\n",
                           "g\r\n",
                           " 5\r\nhello\r\n0\r\n\r\n",
                           "5 \r\nhello\r\n0\r\n\r\n",
                           "+5\r\nhello\r\n",
                           "-5\r\nhello\r\n",
                           "0x5\r\nhello\r\n",
                           "5\nhello\n0\n\n",
                           "5\rhello",
                           "5\r\nhello\n",
                           "5\r\nhello0\r\n\r\n",
                           "5\r\nhellox\r\n",
                           "5,5\r\nhello\r\n",
                           "00000000000000005\r\nhello\r\n",
                           "5;\x01\r\nhello\r\n",
                           "5;a\nb\r\nhello\r\n",
                           "5;12345678901234567\r\nhello\r\n",
                           "0\r\nA: b\r\n\r\n",
                           "0\r\nContent-Length: 5\r\n\r\n",
                           "0\r\n\n",
                           "0\r\n\rx",
                           "0\n\r\n",
                           "5\r\nhello\r\n0\r\nx",
                           ";a\r\nhello"}) {
    table.push_back({post("Transfer-Encoding: chunked\r\n", std::string(body) + kSmuggled), {400}});
  }
  for (const char* body :
       {"fffffffffffffffe\r\n", "ffffffff\r\n", "41\r\n", "7fffffffffffffff\r\n",
        "40\r\n0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n1\r\n"}) {
    table.push_back({post("Transfer-Encoding: chunked\r\n", body), {413}});
  }
  for (const char* body :
       {"5\r\nhello\r\n0\r\n\r\n", "0\r\n\r\n", "05;a=\"b\"\r\nhello\r\n00\r\n\r\n",
        "1\r\na\r\n1\r\nb\r\n0\r\n\r\n", "A\r\n0123456789\r\n0;x\r\n\r\n"}) {
    table.push_back({post("Transfer-Encoding: chunked\r\n", body), {200}, false});
  }
  run_all(table);
}

TEST_F(Malformed, sizes_at_each_limit) {
  const auto line_of = [](size_t size) {
    return "GET /?" + std::string(size - std::string("GET /? HTTP/1.1").size(), 'a') +
           " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  };
  const auto header_of = [](size_t size) {
    const size_t left = size - std::string("Host: localhost\r\nA: \r\n").size();
    return "GET / HTTP/1.1\r\nHost: localhost\r\nA: " + std::string(left, 'b') + "\r\n\r\n";
  };
  const auto count_of = [](size_t count) {
    std::string text = "GET / HTTP/1.1\r\nHost: localhost\r\n";
    for (size_t i = 1; i < count; ++i) text += "A: b\r\n";
    return text + "\r\n";
  };
  const auto body_of = [](size_t size) {
    return post("Content-Length: " + std::to_string(size) + "\r\n", std::string(size, 'a'));
  };
  const auto chunk_of = [](size_t size) {
    std::string body;
    for (size_t i = 0; i < size; ++i) body += "1\r\na\r\n";
    return post("Transfer-Encoding: chunked\r\n", body + "0\r\n\r\n");
  };
  const auto extension_of = [](size_t size) {
    return post("Transfer-Encoding: chunked\r\n",
                std::string("1;").append(size - 1, 'x').append("\r\na\r\n0\r\n\r\n"));
  };
  for (const int off : {-1, 0, 1, 100}) {
    const bool is_over = off > 0;
    const auto size = [off](size_t limit) { return limit + static_cast<size_t>(off); };
    run_all({{line_of(size(256)), {is_over ? 414 : 200}, is_over},
             {header_of(size(1024)), {is_over ? 431 : 200}, is_over},
             {count_of(size(16)), {is_over ? 431 : 200}, is_over},
             {body_of(size(64)), {is_over ? 413 : 200}, is_over},
             {chunk_of(size(64)), {is_over ? 413 : 200}, is_over},
             {extension_of(size(16)), {is_over ? 400 : 200}, is_over}});
  }
  run_all({{"GET /" + std::string(1 << 20, 'a'), {414}},
           {"GET / HTTP/1.1\r\nA: " + std::string(1 << 20, 'a'), {431}},
           {post("Content-Length: 999999999999999999\r\n", ""), {413}}});
}

TEST_F(Malformed, requests_in_a_row) {
  const std::string fine = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const std::string body = post("Content-Length: 5\r\n", "hello");
  const std::string chunks = post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n");
  std::string many;
  for (int i = 0; i < 200; ++i) many += fine;
  run_all({{fine + fine, {200, 200}, false},
           {body + chunks + fine, {200, 200, 200}, false},
           {fine + "BROKEN\r\n" + fine, {200, 400}},
           {body + "x" + fine, {200, 405}, false},  // "xGET" is a method like any other
           {post("Content-Length: 4\r\n", "hello") + fine, {200, 405}, false},
           {body + "\r\n" + fine, {200, 200}, false},
           {chunks + "0\r\n\r\n", {200, 400}},
           {post("Content-Length: 65\r\n", std::string(65, 'a')) + fine, {413}},
           {"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello" + fine,
            {404}},
           {"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" + fine, {200}},
           {"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n" + fine, {200}},
           {many, std::vector<int>(200, 200), false}});
}

TEST_F(Malformed, valid_requests_cut_anywhere_are_still_valid) {
  for (const auto& [text, status] : std::vector<std::pair<std::string, int>>{
           {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 200},
           {"\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 200},
           {post("Content-Length: 5\r\n", "hello"), 200},
           {post("Transfer-Encoding: chunked\r\n", "5;a=b\r\nhello\r\n0\r\n\r\n"), 200},
           {"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", 404},
       }) {
    for (size_t cut = 1; cut < text.size(); ++cut) run({text, {status}, false}, cut);
  }
}

TEST_F(Malformed, clients_that_leave_at_any_byte) {
  const std::string text = post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n");
  for (size_t size = 0; size < text.size(); ++size) {
    {
      RawClient client(address_);
      client.send(text.substr(0, size));
      client.shut_down_sending();
      const auto response = client.read_response();
      EXPECT_EQ(response.has_value(), size > 0) << size;
      if (response) {
        EXPECT_EQ(response->status, 400) << size;
      }
      EXPECT_TRUE(client.is_closed_by_server()) << size;
    }
    {
      RawClient client(address_);
      client.send(text.substr(0, size));
      client.close();
    }
    {
      RawClient client(address_);
      client.send(text.substr(0, size));
      client.reset();
    }
    expect_alive("leaving after " + std::to_string(size));
  }
}

TEST_F(Malformed, trickles_end_at_their_deadline) {
  ServerOptions options;
  options.access_log = nullptr;
  options.limits.header_time = 400ms;
  options.limits.body_grace = 400ms;
  options.limits.body_bytes_per_second = 1000;
  options.limits.linger_time = 100ms;
  start(options);
  const std::string fine = "GET / HTTP/1.1\r\nHost: localhost\r\n";
  std::vector<std::unique_ptr<RawClient>> clients;
  for (const std::string& begin :
       {std::string("GET /"), fine + "A: ", post("Content-Length: 500\r\n", ""),
        post("Transfer-Encoding: chunked\r\n", "1f4\r\n")}) {
    clients.push_back(std::make_unique<RawClient>(address_));
    clients.back()->send(begin);
  }
  // A byte each 10 ms is a tenth of what a body must have.
  for (int i = 0; i < 60; ++i) {
    for (auto& client : clients) client->send("a");
    std::this_thread::sleep_for(10ms);
  }
  for (auto& client : clients) {
    const auto response = client->read_response();
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->status, 408);
  }
  // One that is slow but fast enough is served.
  RawClient client(address_);
  client.send(post("Content-Length: 500\r\n", ""));
  for (int i = 0; i < 10; ++i) {
    client.send(std::string(50, 'a'));
    std::this_thread::sleep_for(25ms);
  }
  EXPECT_EQ(client.read_response()->status, 200);
  expect_alive("trickles");
}

}  // namespace
}  // namespace sparrow::http
