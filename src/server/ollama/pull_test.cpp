#include "server/ollama/pull.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/http_server.h"
#include "tests/support/service_rig.h"

namespace sparrow::ollama {
namespace {

using test_support::ServiceRig;

// A hub with one repository of one file, whose content comes whole or stops half way.
class OneFileHub {
 public:
  OneFileHub(std::string body, bool hangs)
      : body_(std::move(body)),
        hangs_(hangs),
        server_([this](const ServerRequest& request, ServerConnection& connection) {
          answer(request, connection);
        }),
        variable_("HF_ENDPOINT", server_.url()) {}

 private:
  void answer(const ServerRequest& request, ServerConnection& connection) const {
    const std::string digest = sha256_hex(body_);
    if (request.target == "/content") {
      const std::string length = "Content-Length: " + std::to_string(body_.size());
      connection.respond(200, {length}, hangs_ ? body_.substr(0, body_.size() / 2) : body_);
      if (hangs_) connection.hang();
    } else if (request.target.ends_with(".gguf")) {
      connection.respond(302,
                         {"Location: /content", "X-Linked-Size: " + std::to_string(body_.size()),
                          "X-Linked-ETag: \"" + digest + "\""});
    } else {
      const Json lfs = {{"oid", digest}, {"size", body_.size()}};
      const Json files = Json::array({{{"path", "m-Q8_0.gguf"}, {"lfs", lfs}}});
      connection.respond(200, {"Content-Type: application/json"}, files.dump());
    }
  }

  const std::string body_;
  const bool hangs_;
  HttpServer server_;
  TestVariable variable_;
};

TEST(Pull, tells_how_far_it_is_and_the_model_is_there) {
  const ServiceRig rig;
  const OneFileHub hub(rig.gguf() + std::string(64, '\0'), false);
  const auto lines = ServiceRig::lines_of(rig.post("/api/pull", {{"model", "hf.co/me/repo:Q8_0"}}));
  ASSERT_GE(lines.size(), 3U);
  EXPECT_EQ(lines.front(), Json({{"status", "pulling manifest"}}));
  EXPECT_EQ(lines.back(), Json({{"status", "success"}}));
  const Json& last_part = lines[lines.size() - 2];
  EXPECT_EQ(last_part["completed"], last_part["total"]);
  EXPECT_GT(last_part["total"], 0);
  rig.post_json("/api/show", {{"model", "hf.co/me/repo:Q8_0"}});
}

TEST(Pull, ends_when_the_client_goes) {
  ServiceRig rig;
  const OneFileHub hub(rig.gguf() + std::string(64, '\0'), true);
  RawClient client(rig.service().addresses().front());
  const std::string body = R"({"model":"hf.co/me/repo:Q8_0"})";
  client.send("POST /api/pull HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n" + body);
  ASSERT_TRUE(client.read_some());
  EXPECT_EQ(rig.service().state().requests.list().front().path, "/api/pull");
  client.reset();
  for (int i = 0; i < 1000 && rig.service().state().requests.count() > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(rig.service().state().requests.count(), 0);
  EXPECT_EQ(rig.post("/api/show", {{"model", "hf.co/me/repo:Q8_0"}}).status, 404);
}

}  // namespace
}  // namespace sparrow::ollama
