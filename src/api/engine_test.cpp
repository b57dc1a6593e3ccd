// The public engine on a tiny model in a file.
#include "sparrow/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sparrow/error.h"
#include "tests/support/test_folder.h"
#include "tests/support/tiny_model.h"

namespace sparrow {
namespace {

using testing::HasSubstr;

class PublicEngine : public testing::Test {
 protected:
  PublicEngine() {
    const auto bytes = test_support::tiny_gguf(test_support::tiny_model("qwen2"));
    write_test_file(path_, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  std::shared_ptr<Engine> load(EngineOptions options = {}) const {
    options.thread_count = 1;
    return Engine::load(path_, options);
  }
  static std::string read(OutputStream& stream) {
    std::string text;
    while (const auto delta = stream.next()) text += delta->text;
    return text;
  }

  TestFolder folder_;
  std::string path_ = folder_.path() + "/tiny.gguf";
};

TEST_F(PublicEngine, answers_a_prompt_and_says_what_it_is) {
  const std::shared_ptr<Engine> engine = load({.context_length = 200});
  EXPECT_EQ(engine->info().name, "tiny.gguf");
  EXPECT_EQ(engine->info().architecture, "qwen2");
  EXPECT_EQ(engine->info().context_length, 200);
  EXPECT_EQ(engine->info().vocabulary_size, test_support::kTinyVocabulary);
  EXPECT_EQ(engine->info().control_tokens, (std::vector<int32_t>{260, 261, 262}));
  EXPECT_TRUE(engine->info().chat_template.starts_with("{% for message in messages %}"));
  SamplingParams params = engine->default_sampling();
  params.temperature = 0;
  params.max_tokens = 12;
  params.ignore_eos = true;
  const std::vector<int32_t> ids = engine->encode("hello");
  const auto first = engine->submit({ids, params});
  const auto second = engine->submit({ids, params});
  const std::string text = read(*first);
  EXPECT_EQ(text, read(*second));
  EXPECT_EQ(first->stats().output_tokens, 12);
}

TEST_F(PublicEngine, who_has_read_an_answers_end_finds_it_gone_from_the_stats) {
  const std::shared_ptr<Engine> engine = load({.context_length = 200});
  SamplingParams params = engine->default_sampling();
  params.max_tokens = 1;
  const std::vector<int32_t> ids = engine->encode("hello");
  for (int i = 0; i < 1000; ++i) {
    read(*engine->submit({ids, params}));
    ASSERT_EQ(engine->stats().running_count, 0);
  }
}

TEST_F(PublicEngine, control_tokens_count_in_raw_text_and_not_in_plain) {
  const std::shared_ptr<Engine> engine = load();
  EXPECT_EQ(engine->encode("<|im_end|>"), std::vector<int32_t>{test_support::kTinyImEnd});
  EXPECT_GT(engine->encode("<|im_end|>", true).size(), 5u);
  EXPECT_EQ(engine->decode(engine->encode("he <|im_end|>")), "he ");
  EXPECT_EQ(engine->decode(engine->encode("he <|im_end|>"), true), "he <|im_end|>");
  EXPECT_THROW(engine->decode(std::vector<int32_t>{100000}), Error);
}

TEST_F(PublicEngine, a_conversation_goes_through_the_models_template_or_another) {
  const std::shared_ptr<Engine> engine = load();
  ChatRequest request;
  request.messages = {{.role = "user", .content = "hi"}};
  EXPECT_THAT(engine->decode(engine->encode_chat(request), true), HasSubstr("hi"));
  request.chat_template = "[{{ messages[0].content }}{{ mark }}]";
  request.variables = R"({"mark": "!"})";
  EXPECT_EQ(engine->decode(engine->encode_chat(request), true), "[hi!]");
  request.variables = "[1]";
  EXPECT_THROW(engine->encode_chat(request), Error);
}

TEST_F(PublicEngine, loading_tells_how_far_it_is_and_can_be_stopped) {
  std::vector<std::string> statuses;
  load({.on_progress = [&](const LoadProgress& progress) {
    statuses.push_back(progress.status);
    return true;
  }});
  EXPECT_THAT(statuses, testing::Contains("loading"));
  try {
    load({.on_progress = [](const LoadProgress&) { return false; }});
    ADD_FAILURE() << "was not stopped";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
}

TEST_F(PublicEngine, wrong_options_and_models_are_named) {
  const auto refusal = [&](const std::string& model, const EngineOptions& options) {
    try {
      Engine::load(model, options);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("loaded");
  };
  EXPECT_THAT(refusal(path_, {.kv_cache_type = "f8"}), HasSubstr("f8"));
  EXPECT_THAT(refusal(path_, {.max_sequences = 0}),
              HasSubstr("max_sequences must be in [1, 1024]"));
  EXPECT_THAT(refusal(path_, {.activations = "fast"}), HasSubstr("fast"));
  EXPECT_THAT(refusal(folder_.path() + "/none.gguf", {}), HasSubstr("none.gguf"));
}

TEST_F(PublicEngine, destroying_it_ends_what_is_in_flight) {
  std::shared_ptr<Engine> engine = load();
  SamplingParams params;
  params.ignore_eos = true;
  const auto stream = engine->submit({engine->encode("hello"), params});
  engine.reset();
  read(*stream);
  EXPECT_TRUE(stream->is_finished());
}

}  // namespace
}  // namespace sparrow
