#include "store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <thread>

#include "base/hash.h"
#include "sparrow/error.h"
#include "store/manifest.h"
#include "tests/support/test_folder.h"

namespace sparrow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <typename Function>
std::string error_of(Function function, ErrorCode code) {
  try {
    function();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  return "no error";
}

class StoreTest : public testing::Test {
 protected:
  // A model whose weights are `bytes`.
  void put(const std::string& name, const std::string& bytes, NewModel model = {}) {
    model.model_digest = sha256_hex(bytes);
    model.verified_file = folder_.file("verified");
    write_test_file(model.verified_file, bytes);
    ASSERT_TRUE(store_.put(parse_model_name(name), model));
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const StoredModel& model : store_.list()) names.push_back(model.name.short_text());
    return names;
  }
  std::vector<std::string> blobs() const {
    std::vector<std::string> names;
    for (const auto& file : std::filesystem::directory_iterator(folder_.file("models/blobs"))) {
      names.push_back(file.path().filename());
    }
    return names;
  }
  std::string manifest(const std::string& rest) const {
    return folder_.file("models/manifests/registry.ollama.ai/library/" + rest);
  }

  TestFolder folder_;
  Store store_{folder_.path()};
};

TEST_F(StoreTest, an_empty_store_is_no_error_and_is_not_made_by_looking) {
  EXPECT_TRUE(store_.list().empty());
  EXPECT_FALSE(store_.find(parse_model_name("x")));
  EXPECT_THAT(error_of([&] { store_.remove(parse_model_name("x:y")); }, ErrorCode::not_found),
              HasSubstr("no model 'x:y'"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(StoreTest, what_is_put_is_found_with_all_its_layers) {
  NewModel model;
  model.chat_template = "{{ messages }}";
  model.system = "Be brief.";
  model.params = Json{{"temperature", 0.5}};
  model.messages = Json::array({{{"role", "user"}, {"content", "你好"}}});
  model.license = "Free.";
  model.config = {{"model_family", "llama"}};
  put("Qwen/Small:Q4", "weights", model);
  const StoredModel found = *store_.find(parse_model_name("qwen/small:q4"));
  EXPECT_EQ(found.name.short_text(), "Qwen/Small:Q4");
  EXPECT_EQ(read_test_file(found.model_path), "weights");
  EXPECT_EQ(found.chat_template, "{{ messages }}");
  EXPECT_EQ(found.system, "Be brief.");
  EXPECT_EQ(found.params["temperature"], 0.5);
  EXPECT_EQ(found.messages[0]["content"], "你好");
  EXPECT_EQ(found.license, "Free.");
  EXPECT_EQ(found.config["model_format"], "gguf");
  EXPECT_EQ(found.config["model_family"], "llama");
  EXPECT_GT(found.modified_unix_s, 0);
  const std::string path = folder_.file("models/manifests/registry.ollama.ai/Qwen/Small/Q4");
  EXPECT_EQ(found.digest, sha256_hex(read_test_file(path)));
}

TEST_F(StoreTest, the_files_on_disk_are_laid_out_as_ollama_does) {
  put("tiny:v1", "weights");
  const Json json = Json::parse(read_test_file(manifest("tiny/v1")));
  EXPECT_EQ(json["schemaVersion"], 2);
  EXPECT_EQ(json["mediaType"], "application/vnd.docker.distribution.manifest.v2+json");
  EXPECT_EQ(json["config"]["mediaType"], "application/vnd.docker.container.image.v1+json");
  EXPECT_EQ(json["layers"][0]["mediaType"], "application/vnd.ollama.image.model");
  EXPECT_EQ(json["layers"][0]["digest"], "sha256:" + sha256_hex("weights"));
  EXPECT_EQ(json["layers"][0]["size"], 7);
  EXPECT_TRUE(
      std::filesystem::exists(folder_.file("models/blobs/sha256-" + sha256_hex("weights"))));
}

TEST_F(StoreTest, a_name_in_other_case_replaces_and_does_not_double) {
  put("Tiny:V1", "one");
  put("tiny:v1", "two");
  EXPECT_THAT(names(), ElementsAre("Tiny:V1"));
  EXPECT_EQ(read_test_file(store_.find(parse_model_name("TINY:v1"))->model_path), "two");
}

TEST_F(StoreTest, a_digest_in_the_name_must_fit) {
  put("tiny:v1", "one");
  const std::string digest = store_.find(parse_model_name("tiny:v1"))->digest;
  EXPECT_TRUE(store_.find(parse_model_name("tiny:v1@sha256:" + digest)));
  EXPECT_FALSE(store_.find(parse_model_name("tiny:v1@sha256:" + std::string(64, 'a'))));
}

TEST_F(StoreTest, blobs_go_when_nothing_names_them) {
  put("a:1", "shared");
  put("b:1", "shared");
  put("c:1", "own");
  EXPECT_EQ(blobs().size(), 3u);  // two models, one config
  store_.remove(parse_model_name("A:1"));
  EXPECT_EQ(blobs().size(), 3u);
  store_.remove(parse_model_name("b:1"));
  EXPECT_EQ(blobs().size(), 2u);
  EXPECT_THAT(names(), ElementsAre("c:1"));
  store_.remove(parse_model_name("c:1"));
  EXPECT_TRUE(blobs().empty());
  EXPECT_TRUE(std::filesystem::is_empty(folder_.file("models/manifests")));
}

TEST_F(StoreTest, no_blob_goes_while_a_manifest_cannot_be_read) {
  put("a:1", "one");
  put("b:1", "two");
  write_test_file(manifest("b/1"), "{ damaged");
  const size_t before = blobs().size();
  store_.remove(parse_model_name("a:1"));
  EXPECT_EQ(blobs().size(), before);
}

TEST_F(StoreTest, unfinished_downloads_survive_the_removal_of_others) {
  put("a:1", "one");
  const std::string partial = store_.blob_path(std::string(64, 'b')) + "-partial";
  write_test_file(partial, "half");
  store_.remove(parse_model_name("a:1"));
  EXPECT_TRUE(std::filesystem::exists(partial));
}

TEST_F(StoreTest, damaged_manifests_are_left_out_of_the_list_and_told_when_asked_for) {
  put("good:1", "one");
  put("bad:1", "two");
  const std::string good_text = read_test_file(manifest("bad/1"));
  const auto damaged = [&](const std::string& text) {
    write_test_file(manifest("bad/1"), text);
    EXPECT_THAT(names(), ElementsAre("good:1")) << text.substr(0, 60);
    EXPECT_NE(error_of([&] { store_.find(parse_model_name("bad:1")); }, ErrorCode::invalid_file),
              "no error")
        << text.substr(0, 60);
  };
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good_text;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    damaged(text.replace(at, from.size(), to));
  };
  damaged("");
  damaged("{");
  damaged("[]");
  damaged("null");
  damaged("{\"schemaVersion\":2}");
  damaged("{\"schemaVersion\":2,\"config\":7,\"layers\":[]}");
  damaged(std::string(70, '['));
  damaged(std::string(3 << 20, ' '));
  damaged(good_text.substr(0, good_text.size() / 2));
  with("\"schemaVersion\":2", "\"schemaVersion\":1");
  with("\"schemaVersion\":2", "\"schemaVersion\":\"2\"");
  with("sha256:", "sha512:");
  with("sha256:", "sha256:../../../../etc/passwd");
  with("\"layers\":[", "\"layers\":{\"x\":[");
  with("image.model", "image.adapter");
  with("\"size\":3", "\"size\":4");
  with("\"size\":3", "\"size\":-3");
  with("\"size\":3", "\"size\":3.5");
  with("\"size\":3", "\"size\":99999999999999999999");
  write_test_file(manifest("bad/1"), good_text);
  EXPECT_THAT(names(), ElementsAre("bad:1", "good:1"));
}

TEST_F(StoreTest, a_missing_or_cut_blob_is_told) {
  put("a:1", "weights");
  const std::string blob = store_.find(parse_model_name("a:1"))->model_path;
  write_test_file(blob, "weigh");
  EXPECT_THAT(error_of([&] { store_.find(parse_model_name("a:1")); }, ErrorCode::invalid_file),
              HasSubstr("incomplete"));
  std::filesystem::remove(blob);
  EXPECT_TRUE(store_.list().empty());
}

TEST_F(StoreTest, strange_files_among_the_manifests_are_no_models) {
  put("a:1", "weights");
  write_test_file(folder_.file("models/manifests/stray"), "x");
  write_test_file(folder_.file("models/manifests/registry.ollama.ai/stray"), "x");
  write_test_file(manifest("a/.1.4711"), "half written");
  write_test_file(manifest("a/with space"), "x");
  std::filesystem::create_directories(manifest("a/folder"));
  write_test_file(manifest("a/deep/er"), "x");
  ASSERT_EQ(::mkfifo(manifest("a/pipe").c_str(), 0600), 0);
  EXPECT_THAT(names(), ElementsAre("a:1"));
}

TEST_F(StoreTest, put_without_its_blob_writes_nothing) {
  NewModel model;
  model.model_digest = std::string(64, 'c');
  EXPECT_FALSE(store_.put(parse_model_name("a:1"), model));
  EXPECT_TRUE(store_.list().empty());
}

TEST_F(StoreTest, save_adds_layers_on_top_of_the_base) {
  NewModel model;
  model.params = Json{{"temperature", 0.5}, {"top_k", 20}};
  model.license = "Free.";
  put("base:1", "weights", model);
  SavedLayers layers;
  layers.system = "Speak like a pirate.";
  layers.params = Json{{"temperature", 0.9}};
  layers.messages = Json::array({{{"role", "user"}, {"content", "hi"}}});
  store_.save(parse_model_name("mine"), *store_.find(parse_model_name("base:1")), layers);
  const StoredModel mine = *store_.find(parse_model_name("mine"));
  EXPECT_EQ(mine.system, "Speak like a pirate.");
  EXPECT_EQ(mine.params, (Json{{"temperature", 0.9}, {"top_k", 20}}));
  EXPECT_EQ(mine.messages.size(), 1u);
  EXPECT_EQ(mine.license, "Free.");
  layers.messages = Json::array();  // a talk that was cleared
  store_.save(parse_model_name("cleared"), mine, layers);
  EXPECT_TRUE(store_.find(parse_model_name("cleared"))->messages.empty());
  store_.remove(parse_model_name("cleared"));
  store_.remove(parse_model_name("base:1"));
  EXPECT_EQ(read_test_file(store_.find(parse_model_name("mine"))->model_path), "weights");
}

TEST_F(StoreTest, save_copies_a_plain_file_in) {
  const std::string path = folder_.file("plain.gguf");
  write_test_file(path, "weights");
  const StoredModel plain = *resolve_model(store_, path);
  EXPECT_EQ(plain.name.model, "plain");
  EXPECT_EQ(plain.size_bytes, 7u);
  store_.save(parse_model_name("mine:1"), plain, {});
  std::filesystem::remove(path);
  EXPECT_EQ(read_test_file(store_.find(parse_model_name("mine:1"))->model_path), "weights");
}

TEST_F(StoreTest, many_writers_and_removers_leave_a_whole_store) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const Store other(folder_.path());
      const std::string name = "model" + std::to_string(i) + ":1";
      for (int round = 0; round < 10; ++round) {
        NewModel model;
        const std::string bytes = "weights" + std::to_string(round % 2);
        model.model_digest = sha256_hex(bytes);
        model.verified_file = folder_.file("verified" + std::to_string(i));
        write_test_file(model.verified_file, bytes);
        Store mine(folder_.path());
        EXPECT_TRUE(mine.put(parse_model_name(name), model));
        if (round < 9) mine.remove(parse_model_name(name));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(names(), ElementsAre("model0:1", "model1:1", "model2:1", "model3:1"));
  EXPECT_EQ(blobs().size(), 2u);
}

TEST_F(StoreTest, models_are_resolved_by_path_name_and_alias) {
  put("qwen3-4b-instruct-2507:q4_k_m", "weights");
  for (const char* name : {"qwen3-4b-instruct-2507:q4_k_m", "qwen3-4b-instruct-2507",
                           "Qwen/Qwen3-4B-Instruct-2507", "qwen3:4b-instruct-2507-q4_K_M"}) {
    ASSERT_TRUE(resolve_model(store_, name)) << name;
    EXPECT_EQ(resolve_model(store_, name)->name.short_text(), "qwen3-4b-instruct-2507:q4_k_m");
  }
  EXPECT_FALSE(resolve_model(store_, "smollm2:135m"));
  EXPECT_FALSE(resolve_model(store_, "never-heard-of"));
  EXPECT_THAT(error_of([&] { resolve_model(store_, "./nothing.gguf"); }, ErrorCode::not_found),
              HasSubstr("no file ./nothing.gguf"));
  EXPECT_THAT(error_of([&] { resolve_model(store_, folder_.path()); }, ErrorCode::invalid_argument),
              HasSubstr("is a folder"));
  EXPECT_NE(error_of([&] { resolve_model(store_, "a b"); }, ErrorCode::invalid_argument),
            "no error");
}

TEST_F(StoreTest, an_own_model_hides_an_alias_of_the_catalog) {
  put("qwen3-4b-instruct-2507", "mine");
  EXPECT_EQ(read_test_file(resolve_model(store_, "qwen3-4b-instruct-2507")->model_path), "mine");
}

TEST(StoreRoot, comes_from_the_environment) {
  {
    const TestVariable home("SPARROW_HOME", "/x/y");
    EXPECT_EQ(Store::default_root(), "/x/y");
  }
  const TestVariable unset("SPARROW_HOME", "");
  const TestVariable home("HOME", "/home/me");
  EXPECT_EQ(Store::default_root(), "/home/me/.sparrow");
}

}  // namespace
}  // namespace sparrow
