// What the hubs say about a file, in which order they are asked, and what is pinned.
#include "store/hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"
#include "sparrow/error.h"
#include "store/pull.h"
#include "tests/support/http_server.h"
#include "tests/support/test_folder.h"

namespace sparrow {
namespace {

using testing::HasSubstr;

constexpr const char* kFile = "/me/repo/resolve/main/model.gguf";
constexpr const char* kTree = "/api/models/me/repo/tree/main?recursive=true";
constexpr const char* kList = "/api/v1/models/me/repo/repo/files?Revision=master&Recursive=true";
constexpr const char* kModelScopeFile = "/models/me/repo/resolve/master/model.gguf";

std::string repeated(std::string_view text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

// Two hubs in one server, told apart by their paths. Each field empty: that path is not there.
struct Hubs {
  std::string body = test_bytes(1000);
  std::string sha256 = sha256_hex(body);
  std::string linked_etag = "\"" + sha256 + "\"";  // of Hugging Face
  std::string tree;                                // of Hugging Face
  std::string list;                                // of ModelScope
  int status = 200;                                // of Hugging Face
  bool hangs = false;                              // Hugging Face

  TestFolder folder;
  Store store{folder.path()};
  HttpServer server{[this](const ServerRequest& request, ServerConnection& connection) {
    answer(request, connection);
  }};
  TestVariable hugging_face{"HF_ENDPOINT", server.url() + "/"};
  TestVariable model_scope{"MODELSCOPE_ENDPOINT", server.url()};

  void answer(const ServerRequest& request, ServerConnection& connection) {
    if (request.target == kFile) {
      if (hangs) return connection.hang();
      if (status != 200) return void(connection.respond(status, {}));
      if (request.method == "HEAD") {
        std::vector<std::string> headers = {"Content-Length: " + std::to_string(body.size())};
        if (!linked_etag.empty()) {
          headers.push_back("X-Linked-ETag: " + linked_etag);
          headers.push_back("X-Linked-Size: " + std::to_string(body.size()));
        }
        return void(connection.respond(200, headers));
      }
      return void(connection.respond(200, {}, body));
    }
    if (request.target == kTree && !tree.empty()) return void(connection.respond(200, {}, tree));
    if (request.target == kList && !list.empty()) return void(connection.respond(200, {}, list));
    if (request.target == kModelScopeFile) return void(connection.respond(200, {}, body));
    connection.respond(404, {});
  }

  CatalogEntry entry(bool knows_digest) const {
    CatalogEntry entry;
    entry.name = "test:tiny";
    entry.license = "apache-2.0";
    entry.sampling = Json::object();
    if (knows_digest) {
      entry.size_bytes = body.size();
      entry.sha256 = sha256;
    }
    for (const SourceKind kind : {SourceKind::hugging_face, SourceKind::model_scope}) {
      entry.sources.push_back({kind, "me/repo", "model.gguf", {}, {}, {}});
    }
    return entry;
  }

  std::string try_pull(const CatalogEntry& entry, PullOptions options = {}) {
    options.retry_delay_ms = 1;
    try {
      const StoredModel model = pull(store, entry, options);
      return sha256_hex(read_test_file(model.model_path)) == sha256 ? "ok" : "wrong bytes";
    } catch (const Error& error) {
      return error.what();
    }
  }

  std::string model_scope_list(const std::string& digest) const {
    return Json{{"Code", 200},
                {"Data",
                 {{"Files",
                   {{{"Path", "README.md"}, {"Size", 3}},
                    {{"Path", "model.gguf"}, {"Size", body.size()}, {"Sha256", digest}}}}}}}
        .dump();
  }
};

TEST(Hub, the_digest_comes_from_the_linked_etag) {
  Hubs hubs;
  const HubAnswer answer = ask_hub(hubs.entry(false).sources[0], 5000, nullptr);
  ASSERT_TRUE(answer.file);
  EXPECT_EQ(answer.file->sha256, hubs.sha256);
  EXPECT_EQ(answer.file->size_bytes, hubs.body.size());
  EXPECT_EQ(hubs.try_pull(hubs.entry(false)), "ok");
}

TEST(Hub, the_digest_comes_from_the_tree_when_the_header_is_missing) {
  Hubs hubs;
  hubs.linked_etag.clear();
  hubs.tree = Json::array({{{"path", "model.gguf"},
                            {"size", 1000},
                            {"lfs", {{"oid", hubs.sha256}, {"size", 1000}}}}})
                  .dump();
  EXPECT_EQ(hubs.try_pull(hubs.entry(false)), "ok");
}

TEST(Hub, a_file_that_nothing_vouches_for_is_not_taken) {
  for (const std::string etag : {"", "\"abc\"", "W/\"1234\"", "zzzz"}) {
    Hubs hubs;
    hubs.linked_etag = etag;
    EXPECT_THAT(hubs.try_pull(hubs.entry(false)), HasSubstr("gives no SHA-256")) << etag;
    EXPECT_TRUE(hubs.store.list().empty());
  }
}

TEST(Hub, a_known_digest_needs_none_of_the_hubs_words) {
  Hubs hubs;
  hubs.linked_etag.clear();
  EXPECT_EQ(hubs.try_pull(hubs.entry(true)), "ok");
}

TEST(Hub, another_file_under_the_same_name_is_refused_before_it_is_loaded) {
  Hubs hubs;
  hubs.linked_etag = "\"" + std::string(64, 'a') + "\"";
  EXPECT_THAT(hubs.try_pull(hubs.entry(true)),
              HasSubstr("its file is another one: sha256 aaaaaaaa"));
  for (const ServerRequest& request : hubs.server.requests())
    EXPECT_EQ(request.target == kFile && request.method == "GET", false);
}

TEST(Hub, model_scope_is_next_when_hugging_face_fails) {
  for (const int status : {401, 404, 429, 500}) {
    Hubs hubs;
    hubs.status = status;
    hubs.list = hubs.model_scope_list(hubs.sha256);
    EXPECT_EQ(hubs.try_pull(hubs.entry(false)), "ok") << status;
  }
}

TEST(Hub, a_hub_that_does_not_answer_is_skipped) {
  Hubs hubs;
  hubs.hangs = true;
  hubs.list = hubs.model_scope_list(hubs.sha256);
  PullOptions options;
  options.connect_timeout_ms = 300;
  EXPECT_EQ(hubs.try_pull(hubs.entry(true), options), "ok");
}

TEST(Hub, the_message_lists_what_each_source_answered) {
  Hubs hubs;
  hubs.status = 401;
  const std::string message = hubs.try_pull(hubs.entry(true));
  EXPECT_THAT(message, testing::StartsWith("'test:tiny' could not be had from any source: "));
  EXPECT_THAT(message, HasSubstr("401, it asks for a login; HF_TOKEN can hold a token"));
  EXPECT_THAT(message, HasSubstr("404, it has no such file"));
}

TEST(Hub, lists_of_a_wrong_form_are_a_clear_answer) {
  const std::vector<std::string> lists = {"<html>",
                                          "[]",
                                          "{}",
                                          "null",
                                          "{\"Data\": 5}",
                                          "{\"Data\": {\"Files\": 7}}",
                                          "{\"Data\": {\"Files\": [1, null, {}]}}",
                                          "{\"Data\": {\"Files\": [{\"Path\": \"other\"}]}}",
                                          repeated("[", 100000)};
  for (const std::string& list : lists) {
    Hubs hubs;
    hubs.status = 404;
    hubs.list = list;
    EXPECT_THAT(hubs.try_pull(hubs.entry(true)), testing::ContainsRegex("list of files"))
        << list.substr(0, 50);
  }
}

TEST(Hub, a_token_from_the_environment_is_sent_and_cannot_smuggle_a_header) {
  Hubs hubs;
  {
    const TestVariable token("HF_TOKEN", "hf_secret");
    EXPECT_EQ(hubs.try_pull(hubs.entry(true)), "ok");
    EXPECT_EQ(hubs.server.requests()[0].header("authorization"), "Bearer hf_secret");
  }
  const TestVariable token("HF_TOKEN", "a\r\nX-Evil: 1");
  EXPECT_THAT(ask_hub(hubs.entry(true).sources[0], 5000, nullptr).problem, HasSubstr("line break"));
}

TEST(Hub, any_gguf_of_hugging_face_is_found_by_its_quantization) {
  Hubs hubs;
  const auto tree_of = [&](const std::vector<std::string>& files) {
    Json tree = Json::array();
    for (const std::string& file : files) {
      tree.push_back({{"path", file}, {"lfs", {{"oid", hubs.sha256}, {"size", 1000}}}});
    }
    hubs.tree = tree.dump();
  };
  const auto found = [&](const std::string& name) -> std::string {
    std::string problem;
    const auto entry = find_on_hugging_face(parse_model_name(name), 5000, nullptr, problem);
    return entry ? entry->sources[0].file : problem;
  };
  tree_of({"README.md", "M-Q4_K_M.gguf", "M-IQ4_K_M.gguf", "M-UD-Q4_K_XL.gguf", "m.q8_0.gguf",
           "mmproj-Q8_0.gguf", "BF16/M-BF16.gguf"});
  EXPECT_EQ(found("hf.co/me/repo"), "M-Q4_K_M.gguf");
  EXPECT_EQ(found("huggingface.co/me/repo:q4_k_m"), "M-Q4_K_M.gguf");
  EXPECT_EQ(found("hf.co/me/repo:Q8_0"), "m.q8_0.gguf");
  EXPECT_EQ(found("hf.co/me/repo:bf16"), "BF16/M-BF16.gguf");
  EXPECT_EQ(found("hf.co/me/repo:M-UD-Q4_K_XL.gguf"), "M-UD-Q4_K_XL.gguf");
  EXPECT_THAT(found("hf.co/me/repo:Q5_K_M"),
              HasSubstr("0 files of me/repo fit the tag 'q5_k_m'; it has M-Q4"));
  EXPECT_THAT(found("hf.co/me/other"), HasSubstr("404"));
  tree_of({"a-Q4_K_M.gguf", "b-Q4_K_M.gguf"});
  EXPECT_THAT(found("hf.co/me/repo"), HasSubstr("2 files"));
  tree_of({"README.md"});
  EXPECT_THAT(found("hf.co/me/repo"), HasSubstr("holds no .gguf file"));
  hubs.tree = "{}";
  EXPECT_THAT(found("hf.co/me/repo"), HasSubstr("holds no .gguf file"));
  // All the way: the name stays as it was given.
  tree_of({"model.gguf"});
  const StoredModel model = pull(hubs.store, "huggingface.co/me/repo:model");
  EXPECT_EQ(model.name.short_text(), "hf.co/me/repo:model");
  EXPECT_EQ(read_test_file(model.model_path), hubs.body);
  EXPECT_TRUE(resolve_model(hubs.store, "https://huggingface.co/me/repo:model"));
}

TEST(Pull, the_first_digest_is_pinned_and_later_pulls_are_held_to_it) {
  Hubs hubs;
  EXPECT_EQ(hubs.try_pull(hubs.entry(false)), "ok");
  hubs.store.remove(parse_model_name("test:tiny"));
  const std::string old_digest = hubs.sha256;
  hubs.body = test_bytes(2000, 9);
  hubs.sha256 = sha256_hex(hubs.body);
  hubs.linked_etag = "\"" + hubs.sha256 + "\"";
  const std::string message = hubs.try_pull(hubs.entry(false));
  EXPECT_THAT(message, HasSubstr("pinned is " + old_digest.substr(0, 12)));
  EXPECT_THAT(message, HasSubstr("--accept-new-digest"));
  EXPECT_TRUE(hubs.store.list().empty());
  PullOptions options;
  options.accept_new_digest = true;
  EXPECT_EQ(hubs.try_pull(hubs.entry(false), options), "ok");
  hubs.store.remove(parse_model_name("test:tiny"));
  EXPECT_EQ(hubs.try_pull(hubs.entry(false)), "ok");
}

TEST(Pull, a_damaged_pin_file_is_a_clear_error) {
  for (const char* text :
       {"", "[]", "{", "{\"test:tiny\": {\"sha256\": \"x\", \"size_bytes\": 1}}"}) {
    Hubs hubs;
    write_test_file(hubs.folder.file("models/pins.json"), text);
    EXPECT_THAT(hubs.try_pull(hubs.entry(false)), HasSubstr("delete the file to forget its pins"));
  }
}

TEST(Pull, a_model_that_is_there_is_checked_and_not_loaded_again) {
  Hubs hubs;
  EXPECT_EQ(hubs.try_pull(hubs.entry(true)), "ok");
  const size_t before = hubs.server.requests().size();
  EXPECT_EQ(hubs.try_pull(hubs.entry(true)), "ok");
  EXPECT_EQ(hubs.server.requests().size(), before);
}

TEST(Pull, a_damaged_blob_is_replaced) {
  Hubs hubs;
  EXPECT_EQ(hubs.try_pull(hubs.entry(true)), "ok");
  const std::string blob = hubs.store.blob_path(hubs.sha256);
  for (const std::string& damaged : {test_bytes(1000, 5), test_bytes(10), std::string()}) {
    write_test_file(blob, damaged);
    EXPECT_EQ(hubs.try_pull(hubs.entry(true)), "ok");
    EXPECT_EQ(sha256_hex(read_test_file(blob)), hubs.sha256);
  }
}

TEST(Pull, the_manifest_holds_what_the_catalog_knows) {
  Hubs hubs;
  CatalogEntry entry = hubs.entry(true);
  entry.architecture = "qwen3";
  entry.parameters = "4.0B";
  entry.quantization = "Q4_K_M";
  entry.sampling = Json{{"temperature", 0.7}};
  EXPECT_EQ(hubs.try_pull(entry), "ok");
  const StoredModel model = *hubs.store.find(parse_model_name("TEST:Tiny"));
  EXPECT_EQ(model.params["temperature"], 0.7);
  EXPECT_EQ(model.config["model_family"], "qwen3");
  EXPECT_EQ(model.config["model_type"], "4.0B");
  EXPECT_EQ(model.config["file_type"], "Q4_K_M");
  EXPECT_THAT(model.license, HasSubstr("Apache License"));
  EXPECT_FALSE(model.chat_template);
}

TEST(Pull, a_name_that_is_not_in_the_catalog_lists_those_that_are) {
  const TestFolder folder;
  Store store(folder.path());
  try {
    pull(store, "llama3:8b");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
    EXPECT_THAT(error.what(), HasSubstr("qwen2.5-coder:1.5b"));
  }
  EXPECT_THROW(pull(store, "../../etc/passwd"), Error);
}

TEST(Pull, a_disk_without_room_is_told_before_the_first_byte) {
  Hubs hubs;
  CatalogEntry entry = hubs.entry(true);
  entry.size_bytes = uint64_t{1} << 60;
  hubs.linked_etag.clear();
  const std::string message = hubs.try_pull(entry);
  EXPECT_THAT(message, HasSubstr("is too full: 1176"));
  EXPECT_THAT(message, HasSubstr("bytes) are needed"));
  EXPECT_THAT(message, HasSubstr("bytes) are free"));
}

TEST(Pull, a_folder_that_cannot_be_is_a_clear_error) {
  Hubs hubs;
  write_test_file(hubs.folder.file("file"), "x");
  for (const std::string& root : {hubs.folder.file("file"), std::string("/proc/sparrow")}) {
    Store store(root);
    try {
      pull(store, hubs.entry(true));
      ADD_FAILURE() << root;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::io);
      EXPECT_THAT(error.what(), HasSubstr(root + "/models"));
    }
  }
}

TEST(Probe, one_source_that_has_the_file_is_enough) {
  Hubs hubs;
  EXPECT_TRUE(any_source_answers(hubs.entry(false)));
  hubs.status = 404;
  EXPECT_FALSE(any_source_answers(hubs.entry(false)));
  hubs.list = hubs.model_scope_list(hubs.sha256);
  EXPECT_TRUE(any_source_answers(hubs.entry(false)));
}

TEST(Probe, silence_is_a_no_within_the_time) {
  Hubs hubs;
  hubs.hangs = true;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(any_source_answers(hubs.entry(false), 200));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace sparrow
