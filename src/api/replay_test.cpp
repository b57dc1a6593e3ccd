#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/json.h"
#include "sparrow/engine.h"
#include "sparrow/error.h"
#include "tests/support/test_folder.h"
#include "tests/support/tiny_model.h"

namespace sparrow {
namespace {

using testing::HasSubstr;

class ReplayTest : public testing::Test {
 protected:
  ReplayTest() : bytes_(test_support::tiny_gguf(test_support::tiny_model("qwen2"))) {
    write_test_file(path_, {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()});
  }
  std::shared_ptr<Engine> load(EngineOptions options = {}) const {
    options.thread_count = 1;
    return Engine::load(path_, options);
  }
  std::string make_receipt(Engine& engine, ReceiptKind kind) const {
    Request request = {.prompt = prompt_, .receipt = kind};
    request.params.max_tokens = 15;
    request.params.temperature = 1.1;
    const auto stream = engine.submit(request);
    std::string receipt;
    while (const auto delta = stream->next()) receipt = delta->receipt;
    return receipt;
  }

  TestFolder folder_;
  std::string path_ = folder_.path() + "/tiny.gguf";
  std::vector<std::byte> bytes_;
  const std::vector<int32_t> prompt_ = {5, 17, 99, 3, 42, 8};
};

TEST_F(ReplayTest, gives_the_answer_again_in_another_engine) {
  const std::string receipt = make_receipt(*load(), ReceiptKind::full);
  const Replay replay = load({.max_sequences = 3, .prefill_chunk = 2})->replay(receipt);
  EXPECT_TRUE(replay.is_same);
  EXPECT_EQ(replay.first_difference, -1);
  EXPECT_EQ(replay.receipt, receipt);
  EXPECT_TRUE(replay.differences.empty());
}

TEST_F(ReplayTest, the_receipt_names_the_file_and_the_template) {
  const std::shared_ptr<Engine> engine = load();
  const Json receipt = parse_json(make_receipt(*engine, ReceiptKind::digests), "receipt");
  EXPECT_EQ(receipt["model"]["sha256"],
            sha256_hex({reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}));
  EXPECT_EQ(receipt["model"]["name"], "tiny.gguf");
  EXPECT_EQ(receipt["template"]["sha256"].get<std::string>().size(), 64u);
}

TEST_F(ReplayTest, of_digests_alone_needs_the_prompt) {
  const std::shared_ptr<Engine> engine = load();
  const std::string receipt = make_receipt(*engine, ReceiptKind::digests);
  EXPECT_TRUE(engine->replay(receipt, prompt_).is_same);
  EXPECT_THROW(engine->replay(receipt), Error);
  EXPECT_THROW(engine->replay(receipt, {1, 2, 3}), Error);
}

TEST_F(ReplayTest, says_where_an_answer_differs_and_what_of_the_engine_does) {
  Json receipt = parse_json(make_receipt(*load(), ReceiptKind::full), "receipt");
  receipt["params"]["temperature"] = 5;
  const Replay replay = load({.kv_cache_type = "f32"})->replay(receipt.dump());
  EXPECT_FALSE(replay.is_same);
  EXPECT_GE(replay.first_difference, 0);
  EXPECT_EQ(replay.differences,
            std::vector<std::string>{"kv_cache_type was \"f16\", here it is \"f32\""});
}

TEST_F(ReplayTest, of_another_model_is_refused) {
  const std::shared_ptr<Engine> engine = load();
  Json receipt = parse_json(make_receipt(*engine, ReceiptKind::full), "receipt");
  receipt["model"]["sha256"] = "0123";
  try {
    engine->replay(receipt.dump());
    ADD_FAILURE() << "was replayed";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("0123"));
  }
}

}  // namespace
}  // namespace sparrow
