#include "server/ollama/models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "tensor/formats/format.h"
#include "tests/support/service_rig.h"

namespace sparrow::ollama {
namespace {

using test_support::ServiceRig;
using testing::HasSubstr;

class ModelsTest : public testing::Test {
 protected:
  ServiceRig rig_;
};

TEST_F(ModelsTest, the_root_says_that_ollama_is_running_and_shows_a_page_to_browsers) {
  EXPECT_EQ(rig_.get("/", "Accept: */*\r\n").body, "Ollama is running");
  EXPECT_EQ(rig_.send("HEAD", "/", "").status, 200);
  const RawResponse page = rig_.get("/", "Accept: text/html,*/*\r\n");
  EXPECT_THAT(page.header("content-type"), HasSubstr("text/html"));
  EXPECT_THAT(page.body, HasSubstr("tiny"));
}

TEST_F(ModelsTest, the_version_is_three_bare_numbers) {
  const std::string version = rig_.get_json("/api/version")["version"];
  EXPECT_THAT(version, testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
  EXPECT_EQ(rig_.send("HEAD", "/api/version", "").status, 200);
}

TEST_F(ModelsTest, tags_describe_every_model) {
  const Json models = rig_.get_json("/api/tags")["models"];
  ASSERT_EQ(models.size(), 2U);
  for (const Json& model : models) {
    EXPECT_EQ(model["name"], model["model"]);
    EXPECT_THAT(model["name"].get<std::string>(), testing::EndsWith(":latest"));
    EXPECT_THAT(model["digest"].get<std::string>(), testing::MatchesRegex("[0-9a-f]+"));
    EXPECT_EQ(model["digest"].get<std::string>().size(), 64U);
    EXPECT_GT(model["size"], 0);
    EXPECT_EQ(model["details"], Json({{"parent_model", ""},
                                      {"format", "gguf"},
                                      {"family", "qwen2"},
                                      {"families", {"qwen2"}},
                                      {"parameter_size", "1K"},
                                      {"quantization_level", "F32"}}));
    const bool is_tiny = model["name"] == "tiny:latest";
    EXPECT_EQ(model["capabilities"],
              is_tiny ? Json({"completion"}) : Json({"completion", "tools", "thinking"}));
  }
  EXPECT_EQ(rig_.send("HEAD", "/api/tags", "").status, 200);
}

TEST_F(ModelsTest, ps_has_first_what_stays_longest) {
  EXPECT_EQ(rig_.get_json("/api/ps"), Json({{"models", Json::array()}}));
  rig_.post_json("/api/generate", {{"model", "thinker"}, {"keep_alive", -1}});
  rig_.post_json("/api/generate", {{"model", "tiny"}, {"keep_alive", "5m"}});
  const Json models = rig_.get_json("/api/ps")["models"];
  ASSERT_EQ(models.size(), 2U);
  EXPECT_EQ(models[0]["name"], "thinker:latest");
  EXPECT_EQ(models[1]["model"], "tiny:latest");
  EXPECT_THAT(models[1]["expires_at"].get<std::string>(),
              testing::MatchesRegex("[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+Z"));
  EXPECT_EQ(models[1]["size_vram"], 0);
  EXPECT_GT(models[1]["context_length"], 0);
  EXPECT_GT(models[1]["size"], 0);
}

TEST_F(ModelsTest, show_has_what_clients_look_for) {
  const Json shown = rig_.post_json("/api/show", {{"model", "thinker"}});
  EXPECT_THAT(shown["template"].get<std::string>(), HasSubstr("tools"));
  EXPECT_EQ(shown["capabilities"], Json({"completion", "tools", "thinking"}));
  EXPECT_EQ(shown["license"], "Apache-2.0");
  EXPECT_THAT(shown["modelfile"].get<std::string>(), HasSubstr("FROM thinker"));
  EXPECT_EQ(shown["details"]["family"], "qwen2");
  EXPECT_EQ(shown["details"]["context_length"], 512);
  const Json& info = shown["model_info"];
  EXPECT_EQ(info["general.architecture"], "qwen2");
  EXPECT_EQ(info["qwen2.context_length"], 512);
  EXPECT_GT(info["general.parameter_count"], 0);
  EXPECT_TRUE(info.at("tokenizer.ggml.tokens").is_null());
  EXPECT_FALSE(info.contains("tokenizer.chat_template"));
  EXPECT_FALSE(shown.contains("tensors"));
  EXPECT_TRUE(shown["modified_at"].is_string());
  EXPECT_EQ(rig_.post_json("/api/show", {{"name", "thinker"}})["template"], shown["template"]);
}

TEST_F(ModelsTest, show_has_the_model_s_own_name_and_all_its_sampling_parameters) {
  const Json shown = rig_.post_json("/api/show", {{"model", "THINKER:latest"}});
  EXPECT_EQ(shown["model"], "thinker");
  EXPECT_EQ(shown["sampling"]["top_p"], 0.95);
  EXPECT_TRUE(shown["sampling"].contains("xtc_threshold"));
}

TEST_F(ModelsTest, show_gives_arrays_and_tensors_when_asked_for_all) {
  const Json shown = rig_.post_json("/api/show", {{"model", "tiny"}, {"verbose", true}});
  EXPECT_EQ(shown["model_info"]["tokenizer.ggml.tokens"].size(), 263U);
  ASSERT_GT(shown["tensors"].size(), 0U);
  EXPECT_TRUE(shown["tensors"][0]["name"].is_string());
  EXPECT_EQ(shown["tensors"][0]["type"], "F32");
  EXPECT_TRUE(shown["tensors"][0]["shape"].is_array());
}

// The golden templates have Qwen2.5-Coder's, which teaches tools in the same words and, like
// Qwen3-4B-Instruct-2507's, no thinking.
std::string qwen_template() {
  std::ifstream file(SPARROW_SOURCE_DIR "/tests/golden/chat/templates.json");
  const Json golden = Json::parse(file);
  for (const Json& entry : golden.at("templates"))
    if (entry.at("name") == "Qwen2.5-Coder") return entry.at("template");
  return "";
}

// The metadata of Qwen3-4B-Instruct-2507 over a tiny vocabulary, and of its tensors the one without
// which there is none: what is shown of a model is read and not computed.
std::vector<std::byte> qwen3_4b_metadata() {
  test_support::TinyModel shape = test_support::tiny_model("qwen3");
  shape.layer_count = 36;
  shape.hidden_size = 2560;
  shape.head_count = 32;
  shape.kv_head_count = 8;
  shape.head_size = 128;
  shape.ffn_size = 9728;
  shape.context_length = 262144;
  shape.rope_base = 5e6f;
  shape.rms_norm_epsilon = 1e-6f;
  GgufWriter writer = test_support::tiny_writer(shape);
  writer.add_string("general.basename", "Qwen3-4B-Instruct-2507");
  writer.add_string("general.size_label", "4B");
  const Format& format = *find_format("Q4_0");
  const Shape embeddings = {{shape.hidden_size, test_support::kTinyVocabulary, 1, 1}, 2};
  const std::vector<std::byte> zeros(static_cast<size_t>(embeddings.count() / format.block_values) *
                                     format.block_bytes);
  writer.add_tensor("token_embd.weight", format, embeddings, zeros);
  return writer.to_bytes();
}

// VS Code's Copilot, litellm and open-webui decide by these whether they offer a model, and for
// what.
TEST_F(ModelsTest, show_of_qwen3_4b_has_tools_its_architecture_and_its_whole_context) {
  rig_.add("qwen3:4b-instruct", qwen_template(), qwen3_4b_metadata());
  const Json shown = rig_.post_json("/api/show", {{"model", "qwen3:4b-instruct"}});
  EXPECT_THAT(shown["template"].get<std::string>(), HasSubstr("tools"));
  EXPECT_EQ(shown["capabilities"], Json({"completion", "tools"}));
  const Json& info = shown["model_info"];
  EXPECT_EQ(info["general.architecture"], "qwen3");
  EXPECT_EQ(info["general.basename"], "Qwen3-4B-Instruct-2507");
  EXPECT_EQ(info["qwen3.context_length"], 262144);
  EXPECT_EQ(info["qwen3.embedding_length"], 2560);
  EXPECT_EQ(info["qwen3.block_count"], 36);
  EXPECT_EQ(shown["details"]["family"], "qwen3");
  EXPECT_EQ(shown["details"]["context_length"], 262144);
  EXPECT_EQ(shown["details"]["embedding_length"], 2560);
}

TEST_F(ModelsTest, copilot_is_shown_the_name_it_asked_for) {
  const RawResponse response = rig_.send("POST", "/api/show", R"({"model":"TINY"})",
                                         "User-Agent: GitHubCopilotChat/0.30\r\n");
  EXPECT_EQ(Json::parse(response.body)["model_info"]["general.basename"], "TINY");
}

TEST_F(ModelsTest, a_name_is_found_in_any_case_and_shown_with_its_tag) {
  for (const char* name : {"thinker", "THINKER", "Thinker:Latest"}) {
    EXPECT_EQ(rig_.post_json("/api/show", {{"model", name}})["model"], "thinker");
    rig_.post_json("/api/generate", {{"model", name}});
    const Json models = rig_.get_json("/api/ps")["models"];
    ASSERT_EQ(models.size(), 1U);
    EXPECT_EQ(models[0]["name"], "thinker:latest");
    EXPECT_EQ(models[0]["digest"], rig_.get_json("/api/tags")["models"][0]["digest"]);
  }
  EXPECT_EQ(rig_.send("DELETE", "/api/delete", R"({"model":"THINKER:LATEST"})").status, 200);
  EXPECT_EQ(rig_.post("/api/show", {{"model", "thinker"}}).status, 404);
}

// As in Ollama, which shows the first 12 digits as an ID and takes names only.
TEST_F(ModelsTest, a_digest_is_no_name) {
  const std::string digest = rig_.get_json("/api/tags")["models"][0]["digest"];
  for (const std::string& name :
       {digest.substr(0, 12), digest, "sha256:" + digest, "tiny@sha256:" + digest.substr(0, 12)}) {
    for (const char* path : {"/api/show", "/api/generate"}) {
      const int status = rig_.post(path, {{"model", name}}).status;
      EXPECT_TRUE(status == 404 || status == 400) << path << name << status;
    }
    const int status = rig_.send("DELETE", "/api/delete", Json{{"model", name}}.dump()).status;
    EXPECT_TRUE(status == 404 || status == 400) << name << status;
  }
  EXPECT_EQ(rig_.get_json("/api/tags")["models"].size(), 2U);
}

TEST_F(ModelsTest, an_unknown_model_is_not_found) {
  for (const char* name : {"nobody", "/etc/passwd", "../x", "~/x.gguf", "x.gguf"}) {
    EXPECT_EQ(rig_.post_json("/api/show", {{"model", name}}, 404)["error"],
              std::string("model '") + name + "' not found");
  }
  EXPECT_EQ(rig_.post_json("/api/show", Json::object(), 400)["error"], "model is required");
}

TEST_F(ModelsTest, the_cloud_is_refused_in_its_own_way) {
  EXPECT_EQ(rig_.get_json("/api/status")["cloud"]["disabled"], true);
  EXPECT_EQ(rig_.send("POST", "/api/me", "").status, 401);
  EXPECT_EQ(rig_.send("POST", "/api/signout", "").status, 401);
  EXPECT_EQ(rig_.send("DELETE", "/api/user/keys/x", "").status, 401);
  EXPECT_EQ(rig_.post("/api/experimental/web_search", {}).status, 403);
  EXPECT_EQ(rig_.get("/api/experimental/model-recommendations").status, 403);
  EXPECT_EQ(rig_.get("/api/nothing").status, 404);
  EXPECT_EQ(rig_.get("/api/chat").status, 405);
}

TEST_F(ModelsTest, embeddings_have_length_one_and_come_in_order) {
  const Json one = rig_.post_json("/api/embed", {{"model", "tiny"}, {"input", "hello"}});
  const Json two = rig_.post_json("/api/embed", {{"model", "tiny"}, {"input", {"other", "hello"}}});
  ASSERT_EQ(two["embeddings"].size(), 2U);
  EXPECT_EQ(one["embeddings"][0], two["embeddings"][1]);
  EXPECT_NE(two["embeddings"][0], two["embeddings"][1]);
  EXPECT_GT(two["prompt_eval_count"], one["prompt_eval_count"]);
  EXPECT_TRUE(two["total_duration"].is_number_integer());
  const auto length = [](const Json& vector) {
    double squares = 0;
    for (const Json& value : vector) squares += value.get<double>() * value.get<double>();
    return std::sqrt(squares);
  };
  EXPECT_NEAR(length(one["embeddings"][0]), 1, 1e-5);
  const Json cut =
      rig_.post_json("/api/embed", {{"model", "tiny"}, {"input", "hello"}, {"dimensions", 8}});
  EXPECT_EQ(cut["embeddings"][0].size(), 8U);
  EXPECT_NEAR(length(cut["embeddings"][0]), 1, 1e-5);
}

TEST_F(ModelsTest, embeddings_of_texts_that_are_too_long_are_cut_or_refused) {
  Json body = {{"model", "tiny"}, {"input", std::string(900, 'z')}};
  EXPECT_GT(rig_.post_json("/api/embed", body)["truncation"]["dropped_tokens"], 0);
  body["truncate"] = false;
  EXPECT_THAT(rig_.post_json("/api/embed", body, 400)["error"].get<std::string>(),
              HasSubstr("the input length exceeds the context length"));
}

TEST_F(ModelsTest, embeddings_take_no_other_input_and_an_empty_one) {
  const auto ask = [&](const Json& input, int status) {
    return rig_.post_json("/api/embed", {{"model", "tiny"}, {"input", input}}, status);
  };
  EXPECT_THAT(ask(5, 400)["error"].get<std::string>(), HasSubstr("invalid input type"));
  EXPECT_EQ(ask(Json::array({5}), 400)["error"], "input[0] must be a string, got a number");
  EXPECT_EQ(ask("", 200)["embeddings"], Json::array());
  EXPECT_EQ(ask(nullptr, 200)["embeddings"], Json::array());
  const Json old = rig_.post_json("/api/embeddings", {{"model", "tiny"}, {"prompt", "hello"}});
  EXPECT_EQ(old["embedding"].size(), 64U);
  EXPECT_EQ(rig_.post_json("/api/embeddings", {{"model", "tiny"}})["embedding"], Json::array());
}

}  // namespace
}  // namespace sparrow::ollama
