// A whole server on a port of this machine over a store with tiny models, for tests of dialects.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "server/service.h"
#include "store/disk.h"
#include "store/store.h"
#include "tests/support/raw_client.h"
#include "tests/support/test_folder.h"
#include "tests/support/tiny_model.h"

namespace sparrow::test_support {

// Knows no tools.
inline constexpr const char* kPlainTemplate =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n";
// Writes calls as Qwen does, and thinks.
inline constexpr const char* kToolTemplate =
    "{% if tools %}<tools>{{ tools }}</tools>"
    "<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n{% if enable_thinking is defined and not enable_thinking %}<think>\n\n"
    "</think>\n\n{% endif %}";

class ServiceRig {
 public:
  struct Answer : RawResponse {
    Json json;  // discarded where the body is none
    // Of a stream: the name, which may be empty, and the data; OpenAI's [DONE] is none.
    std::vector<std::pair<std::string, Json>> events;
    bool is_done = false;  // [DONE] came
  };

  // The store has "tiny" and "thinker", which has tools too.
  ServiceRig() : ServiceRig([](ServiceOptions&) {}) {}
  // The store is empty, and "tiny" a file that the server was started with; it computes as the
  // reference does.
  struct OfFile {};
  explicit ServiceRig(OfFile) : home_("SPARROW_HOME", folder_.path()), store_(folder_.path()) {
    gguf_ = text_of(tiny_gguf(tiny_model("qwen2")));
    write_test_file(folder_.file("tiny.gguf"), gguf_);
    ServiceOptions options;
    options.models.models = {folder_.file("tiny.gguf")};
    options.models.engine = {.kv_cache_type = "f32", .thread_count = 1, .activations = "f32"};
    start(options);
  }
  template <typename Change>
  explicit ServiceRig(const Change& change)
      : home_("SPARROW_HOME", folder_.path()), store_(folder_.path()) {
    gguf_ = text_of(tiny_gguf(tiny_model("qwen2")));
    add("tiny", kPlainTemplate);
    add("thinker", kToolTemplate);
    ServiceOptions options;
    options.models.engine = {.kv_cache_bytes = 1 << 20, .thread_count = 1};
    change(options);
    start(options);
  }

  // One more model, with the tiny one's weights.
  void add(const std::string& name, const std::string& chat_template) {
    put(name, chat_template, gguf_,
        {{"model_family", "qwen2"}, {"model_type", "1K"}, {"file_type", "F32"}});
  }
  // With weights of its own, which have to say themselves what they are.
  void add(const std::string& name, const std::string& chat_template,
           const std::vector<std::byte>& gguf) {
    put(name, chat_template, text_of(gguf), Json::object());
  }

  Answer send(const std::string& method, const std::string& target, const std::string& body = "",
              const std::string& headers = "") const {
    RawClient client(service_->addresses().front());
    const bool has_body = !body.empty() || method == "POST";
    client.send(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + headers +
                (has_body ? "Content-Length: " + std::to_string(body.size()) + "\r\n" : "") +
                "\r\n" + body);
    const std::optional<RawResponse> response = client.read_response(method == "HEAD");
    EXPECT_TRUE(response && response->is_whole) << method << " " << target;
    Answer answer;
    if (!response) return answer;
    static_cast<RawResponse&>(answer) = *response;
    answer.json = Json::parse(answer.body, nullptr, false);
    if (answer.header("content-type") == "text/event-stream") read_events(answer);
    return answer;
  }
  Answer post(const std::string& target, const Json& body) const {
    return send("POST", target, body.dump());
  }
  Answer get(const std::string& target, const std::string& headers = "") const {
    return send("GET", target, "", headers);
  }
  // One object of an answer that must have this status.
  Json post_json(const std::string& target, const Json& body, int status = 200) const {
    return json_of(post(target, body), status);
  }
  Json get_json(const std::string& target) const { return json_of(get(target), 200); }

  static Json json_of(const RawResponse& response, int status) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(response.header("content-type"), "application/json; charset=utf-8");
    return Json::parse(response.body, nullptr, false);
  }
  static std::vector<Json> lines_of(const RawResponse& response) {
    EXPECT_EQ(response.header("content-type"), "application/x-ndjson") << response.body;
    std::vector<Json> lines;
    std::istringstream text(response.body);
    for (std::string line; std::getline(text, line);)
      lines.push_back(Json::parse(line, nullptr, false));
    return lines;
  }

  Service& service() { return *service_; }
  Store& store() { return store_; }
  const std::string& gguf() const { return gguf_; }
  void end() { service_.reset(); }

 private:
  static std::string text_of(const std::vector<std::byte>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  static void read_events(Answer& answer) {
    std::istringstream text(answer.body);
    std::string name;
    for (std::string line; std::getline(text, line);) {
      if (line.starts_with("event: ")) name = line.substr(7);
      if (!line.starts_with("data: ")) continue;
      const std::string data = line.substr(6);
      if (data == "[DONE]") {
        answer.is_done = true;
      } else {
        answer.events.emplace_back(name, Json::parse(data, nullptr, false));
      }
      name.clear();
    }
  }

  void start(ServiceOptions& options) {
    options.http.access_log = nullptr;
    service_ = std::make_unique<Service>(options);
    service_->start();
  }
  void put(const std::string& name, const std::string& chat_template, const std::string& gguf,
           const Json& config) {
    const std::string file = folder_.file("upload");
    write_test_file(file, gguf);
    NewModel model = {.model_digest = sha256_hex(gguf), .verified_file = file};
    model.config = config;
    model.chat_template = chat_template;
    model.license = "Apache-2.0";
    store_.put(parse_model_name(name), model);
  }

  TestFolder folder_;
  TestVariable home_;  // the engine finds its models by it
  Store store_;
  std::string gguf_;
  std::unique_ptr<Service> service_;
};

}  // namespace sparrow::test_support
