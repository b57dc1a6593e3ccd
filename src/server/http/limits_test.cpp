// The limits that hold where nobody says otherwise: the table of docs/http.md. How each of them
// works is tested with smaller and shorter ones: a test waits for no minute and sends no gigabyte.
#include "server/http/limits.h"

#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>

#include "server/http/connection.h"
#include "server/http/core.h"

namespace sparrow::http {
namespace {

using std::chrono::seconds;

TEST(Limits, are_the_documented_ones) {
  const Limits limits;
  EXPECT_EQ(limits.request_line_bytes, 8192u);
  EXPECT_EQ(limits.header_bytes, 32768u);
  EXPECT_EQ(limits.header_count, 100u);
  EXPECT_EQ(limits.chunk_extension_bytes, 256u);
  EXPECT_EQ(limits.large_body_bytes, 33554432u);
  EXPECT_EQ(limits.control_body_bytes, 1048576u);
  EXPECT_EQ(limits.header_time, seconds(10));
  EXPECT_EQ(limits.body_grace, seconds(10));
  EXPECT_EQ(limits.body_bytes_per_second, 1024u);
  EXPECT_EQ(limits.idle_time, seconds(75));
  EXPECT_EQ(limits.write_stall_time, seconds(30));
  EXPECT_EQ(limits.connections, 1024);
  EXPECT_EQ(limits.connections_per_peer, 256);
  EXPECT_EQ(limits.connections_from_loopback, 1024);
}

// Connections of peers that no test machine has; none of them is open.
class ConnectionLimits : public testing::Test {
 protected:
  struct Held {
    std::shared_ptr<Connection> connection;
    Peer peer;
  };

  ~ConnectionLimits() override {
    for (const Held& held : held_) core_.remove(held.connection, held.peer);
  }
  bool add(const std::string& host, bool is_loopback = false) {
    const Peer peer = {.host = host, .name = host + ":1", .is_loopback = is_loopback};
    auto connection = std::make_shared<Connection>(
        core_, plain_transport(Socket(boost::asio::ip::tcp::socket(core_.io))), peer);
    if (!core_.add(connection, peer)) return false;
    held_.push_back({std::move(connection), peer});
    return true;
  }
  int64_t add_all(int64_t count, const std::string& host, bool is_loopback = false) {
    int64_t added = 0;
    for (int64_t i = 0; i < count; ++i) added += add(host, is_loopback) ? 1 : 0;
    return added;
  }
  void remove_last() {
    core_.remove(held_.back().connection, held_.back().peer);
    held_.pop_back();
  }

  Core core_{ServerOptions(), {}, nullptr};
  std::vector<Held> held_;
};

TEST_F(ConnectionLimits, a_peer_has_256_and_others_are_still_served) {
  EXPECT_EQ(add_all(255, "192.0.2.1"), 255);
  EXPECT_TRUE(add("192.0.2.1"));
  EXPECT_FALSE(add("192.0.2.1"));
  EXPECT_TRUE(add("192.0.2.2"));
  remove_last();
  remove_last();
  EXPECT_TRUE(add("192.0.2.1"));
  EXPECT_FALSE(add("192.0.2.1"));
}

TEST_F(ConnectionLimits, this_machine_has_1024) {
  EXPECT_EQ(add_all(1023, "127.0.0.1", true), 1023);
  EXPECT_TRUE(add("127.0.0.1", true));
  EXPECT_FALSE(add("127.0.0.1", true));
  remove_last();
  EXPECT_TRUE(add("127.0.0.1", true));
}

TEST_F(ConnectionLimits, all_peers_together_have_1024) {
  for (const char* host : {"192.0.2.1", "192.0.2.2", "192.0.2.3"})
    EXPECT_EQ(add_all(256, host), 256);
  EXPECT_EQ(add_all(255, "192.0.2.4"), 255);
  EXPECT_TRUE(add("192.0.2.5"));
  EXPECT_FALSE(add("192.0.2.6"));
  EXPECT_FALSE(add("192.0.2.4"));
  EXPECT_FALSE(add("127.0.0.1", true));
}

}  // namespace
}  // namespace sparrow::http
