#include "server/ollama/store_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "tests/support/service_rig.h"

namespace sparrow::ollama {
namespace {

using test_support::ServiceRig;
using testing::HasSubstr;

class StoreChangesTest : public testing::Test {
 protected:
  std::string error_of(const std::string& path, const Json& body, int status) const {
    return rig_.post_json(path, body, status).value("error", "");
  }
  std::vector<std::string> statuses(const std::string& path, const Json& body) const {
    std::vector<std::string> texts;
    for (const Json& line : ServiceRig::lines_of(rig_.post(path, body)))
      texts.push_back(line.value("status", line.dump()));
    return texts;
  }
  ServiceRig rig_;
};

TEST_F(StoreChangesTest, a_copy_is_a_model_of_its_own) {
  const RawResponse copied =
      rig_.post("/api/copy", {{"source", "tiny"}, {"destination", "mine:1"}});
  EXPECT_EQ(copied.status, 200);
  EXPECT_EQ(copied.body, "");
  EXPECT_EQ(rig_.send("DELETE", "/api/delete", R"({"model":"tiny"})").status, 200);
  EXPECT_EQ(rig_.post("/api/show", {{"model", "tiny"}}).status, 404);
  rig_.post_json("/api/show", {{"model", "mine:1"}});
  EXPECT_EQ(error_of("/api/copy", {{"source", "nobody"}, {"destination", "x"}}, 404),
            "model 'nobody' not found");
  EXPECT_EQ(error_of("/api/copy", {{"source", "mine:1"}}, 400), "destination is required");
}

TEST_F(StoreChangesTest, delete_takes_both_names_of_the_field_and_unloads) {
  rig_.post_json("/api/generate", {{"model", "tiny"}});
  const RawResponse deleted = rig_.send("DELETE", "/api/delete", R"({"name":"tiny"})");
  EXPECT_EQ(deleted.status, 200);
  EXPECT_EQ(deleted.body, "");
  EXPECT_EQ(rig_.get_json("/api/ps")["models"].size(), 0U);
  const RawResponse again = rig_.send("DELETE", "/api/delete", R"({"model":"tiny"})");
  EXPECT_EQ(ServiceRig::json_of(again, 404)["error"], "model 'tiny' not found");
}

TEST_F(StoreChangesTest, create_puts_layers_over_a_model) {
  const Json body = {
      {"model", "poet"},
      {"from", "thinker"},
      {"system", "You rhyme."},
      {"license", {"one", "two"}},
      {"parameters", {{"temperature", 0.5}, {"num_ctx", 256}, {"num_predict", 3}, {"stop", {"x"}}}},
      {"messages",
       {{{"role", "user"}, {"content", "sea"}}, {{"role", "assistant"}, {"content", "free"}}}}};
  const auto lines = statuses("/api/create", body);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_THAT(lines[0], HasSubstr("using existing layer sha256:"));
  EXPECT_EQ(lines[1], "writing manifest");
  EXPECT_EQ(lines[2], "success");

  const Json shown = rig_.post_json("/api/show", {{"model", "poet"}});
  EXPECT_EQ(shown["system"], "You rhyme.");
  EXPECT_EQ(shown["license"], "one\n\ntwo");
  EXPECT_EQ(shown["details"]["parent_model"], "thinker");
  EXPECT_EQ(shown["messages"].size(), 2U);
  EXPECT_THAT(shown["parameters"].get<std::string>(),
              HasSubstr("temperature                    0.5"));
  EXPECT_THAT(shown["parameters"].get<std::string>(), HasSubstr("num_ctx"));
  EXPECT_THAT(shown["modelfile"].get<std::string>(), HasSubstr("PARAMETER num_predict 3"));

  const Json asked = {{"model", "poet"},
                      {"messages", {{{"role", "user"}, {"content", "sky"}}}},
                      {"_debug_render_only", true}};
  EXPECT_EQ(rig_.post_json("/api/chat", asked)["_debug_info"]["rendered_template"],
            "<|im_start|>system\nYou rhyme.<|im_end|>\n<|im_start|>user\nsea<|im_end|>\n"
            "<|im_start|>assistant\nfree<|im_end|>\n<|im_start|>user\nsky<|im_end|>\n"
            "<|im_start|>assistant\n");
  const Json answer = rig_.post_json(
      "/api/chat", {{"model", "poet"}, {"messages", asked["messages"]}, {"stream", false}});
  EXPECT_LE(answer["eval_count"], 3);
}

TEST_F(StoreChangesTest, saved_messages_stay_away_where_they_are_not_wanted) {
  Json body = {{"model", "poet"}, {"from", "thinker"}, {"system", "You rhyme."}, {"stream", false}};
  body["messages"] = {{{"role", "user"}, {"content", "sea"}}};
  rig_.post_json("/api/create", body);
  const Json asked = {{"model", "poet"},
                      {"messages", {{{"role", "user"}, {"content", "sky"}}}},
                      {"saved_messages", false},
                      {"_debug_render_only", true}};
  EXPECT_EQ(rig_.post_json("/api/chat", asked)["_debug_info"]["rendered_template"],
            "<|im_start|>user\nsky<|im_end|>\n<|im_start|>assistant\n");
  body = {{"model", "prose"}, {"from", "poet"}, {"saved_messages", false}, {"stream", false}};
  rig_.post_json("/api/create", body);
  const Json shown = rig_.post_json("/api/show", {{"model", "prose"}});
  EXPECT_FALSE(shown.contains("system"));
  EXPECT_FALSE(shown.contains("messages"));
}

TEST_F(StoreChangesTest, create_without_stream_says_success_and_refuses_what_it_cannot_make) {
  Json body = {{"model", "new"}, {"from", "tiny"}, {"stream", false}};
  EXPECT_EQ(rig_.post_json("/api/create", body)["status"], "success");
  const auto refusal = [&](const char* field, const Json& value) {
    Json wrong = body;
    wrong[field] = value;
    return error_of("/api/create", wrong, 400);
  };
  EXPECT_THAT(refusal("quantize", "q4_K_M"), HasSubstr("quantizing is not supported yet"));
  EXPECT_THAT(refusal("adapters", {{"a", "sha256:x"}}), HasSubstr("adapters"));
  EXPECT_THAT(refusal("template", "{{ .Prompt }}"), HasSubstr("Go's template language"));
  EXPECT_THAT(refusal("template", "{% if %}"), HasSubstr("template"));
  EXPECT_THAT(refusal("modelfile", "FROM x"), HasSubstr("Modelfile"));
  EXPECT_EQ(refusal("parameters", {{"top_k", "x"}}), "option \"top_k\" must be of type integer");
  EXPECT_THAT(error_of("/api/create", {{"model", "new"}}, 400), HasSubstr("'from'"));
}

TEST_F(StoreChangesTest, a_blob_is_taken_once_and_only_with_its_own_digest) {
  const std::string digest = sha256_hex("text");
  const std::string path = "/api/blobs/sha256:" + digest;
  EXPECT_EQ(rig_.send("HEAD", path, "").status, 404);
  EXPECT_THAT(rig_.send("POST", path, "other").body, HasSubstr("digest mismatch"));
  EXPECT_EQ(rig_.send("HEAD", path, "").status, 404);
  EXPECT_EQ(rig_.send("POST", path, "text").status, 201);
  EXPECT_EQ(rig_.send("POST", path, "text").status, 200);
  EXPECT_EQ(rig_.send("HEAD", path, "").status, 200);
  for (const std::string& bad :
       {std::string("x"), "sha256:" + digest.substr(1), "sha256:" + std::string(64, 'G'),
        std::string("sha256:..%2F..%2Fx"), digest}) {
    EXPECT_EQ(rig_.send("POST", "/api/blobs/" + bad, "text").status, 400) << bad;
  }
}

TEST(Blobs, pass_through_no_memory_and_leave_nothing_when_they_break_off) {
  ServiceRig rig([](ServiceOptions& options) {
    options.http.limits.large_body_bytes = options.http.limits.control_body_bytes = 1000;
  });
  const std::string text(300'000, 'x');
  const std::string path = "/api/blobs/sha256:" + sha256_hex(text);
  {
    RawClient client(rig.service().addresses().front());
    client.send("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n");
    client.send(text.substr(1000));
  }
  EXPECT_EQ(rig.send("HEAD", path, "").status, 404);
  EXPECT_EQ(rig.send("POST", path, text).status, 201);
  EXPECT_EQ(rig.send("HEAD", path, "").status, 200);
  EXPECT_EQ(rig.send("POST", path, text).status, 200);
  const std::string folder =
      std::filesystem::path(rig.store().blob_path(sha256_hex(""))).parent_path();
  const auto has_unfinished = [&] {
    return std::ranges::any_of(std::filesystem::directory_iterator(folder), [](const auto& entry) {
      return entry.path().filename().string().starts_with(".");
    });
  };
  while (has_unfinished()) std::this_thread::yield();  // the server may be about to see it
  EXPECT_EQ(rig.send("POST", "/api/chat", text).status, 413);
}

TEST_F(StoreChangesTest, a_model_is_made_of_an_uploaded_file) {
  const std::string gguf = rig_.gguf() + std::string(64, '\0');  // another digest
  const std::string digest = "sha256:" + sha256_hex(gguf);
  Json body = {{"model", "own"}, {"files", {{"own.gguf", digest}}}};
  EXPECT_THAT(error_of("/api/create", body, 404), HasSubstr("upload it first"));
  EXPECT_EQ(rig_.send("POST", "/api/blobs/" + digest, gguf).status, 201);
  EXPECT_THAT(statuses("/api/create", body), testing::Contains("success"));
  EXPECT_EQ(rig_.post_json("/api/show", {{"model", "own"}})["details"]["family"], "qwen2");

  const std::string junk = "sha256:" + sha256_hex("junk");
  rig_.send("POST", "/api/blobs/" + junk, "junk");
  body["files"] = {{"a.gguf", junk}};
  const auto lines = ServiceRig::lines_of(rig_.post("/api/create", body));
  EXPECT_THAT(lines.back().value("error", ""), HasSubstr("files.a.gguf is no model"));
}

TEST(ServedFile, may_be_asked_copied_and_built_on_but_not_deleted) {
  const TestFolder folder;
  const auto bytes = test_support::tiny_gguf(test_support::tiny_model("qwen2"));
  write_test_file(folder.file("own.gguf"),
                  {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const ServiceRig rig(
      [&](ServiceOptions& options) { options.models.models = {folder.file("own.gguf")}; });
  const Json asked = {{"model", "own"},
                      {"messages", {{{"role", "user"}, {"content", "hi"}}}},
                      {"options", {{"num_predict", 2}}},
                      {"stream", false}};
  rig.post_json("/api/chat", asked);
  EXPECT_EQ(rig.get_json("/api/ps")["models"][0]["name"], "own:latest");
  EXPECT_EQ(rig.post_json("/api/show", {{"model", "own"}})["details"]["quantization_level"], "F32");
  EXPECT_THAT(rig.send("DELETE", "/api/delete", R"({"model":"own"})").body,
              HasSubstr("a file that the server was started with"));
  EXPECT_EQ(rig.post("/api/copy", {{"source", "own"}, {"destination", "kept"}}).status, 200);
  const Json built = {{"model", "built"}, {"from", "own"}, {"system", "x"}, {"stream", false}};
  EXPECT_EQ(rig.post_json("/api/create", built)["status"], "success");
  EXPECT_EQ(rig.post_json("/api/show", {{"model", "built"}})["system"], "x");
}

TEST_F(StoreChangesTest, pulling_what_is_here_is_done_at_once_and_what_nobody_has_is_not_found) {
  EXPECT_EQ(statuses("/api/pull", {{"model", "tiny"}, {"insecure", true}}).back(), "success");
  EXPECT_EQ(rig_.post_json("/api/pull", {{"name", "tiny"}, {"stream", false}})["status"],
            "success");
  EXPECT_THAT(error_of("/api/pull", {{"model", "nobody"}}, 404), HasSubstr("nobody"));
  EXPECT_THAT(error_of("/api/push", {{"model", "tiny"}}, 400), HasSubstr("push is not supported"));
}

}  // namespace
}  // namespace sparrow::ollama
