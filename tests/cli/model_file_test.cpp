// The commands that look into a model file: inspect, dequantize, logits.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>

#include "base/json.h"
#include "tests/cli/cli_case.h"

namespace sparrow {
namespace {

using test_support::ProgramResult;
using testing::HasSubstr;
using testing::StartsWith;

class ModelFileTest : public CliTest {
 protected:
  std::string output() const { return folder_.file("out.npy"); }

  // What stands behind the header of an .npy file.
  std::vector<float> values() const {
    const std::string text = read_test_file(output());
    const size_t start = text.find('\n') + 1;
    std::vector<float> floats((text.size() - start) / sizeof(float));
    std::memcpy(floats.data(), text.data() + start, floats.size() * sizeof(float));
    return floats;
  }

  std::vector<float> logits(std::vector<std::string> more) const {
    std::vector<std::string> call = {"logits", tiny(), "--ids", "1,2,3,4,5,6,7", "-o", output()};
    call.insert(call.end(), more.begin(), more.end());
    const ProgramResult result = sparrow(call);
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    return values();
  }
};

TEST_F(ModelFileTest, inspect_tells_a_person) {
  const ProgramResult result = sparrow({"inspect", tiny(), "--tensors"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.errors, "");
  EXPECT_THAT(result.output, StartsWith(tiny() + "\nGGUF version 3, "));
  for (const char* part :
       {"  architecture    qwen2\n", "  context         32,768 tokens\n", "  eos             262  ",
        "  blk.1.ffn_up.weight", "[64, 96]", "at a context of 32,768 with f16"}) {
    EXPECT_THAT(result.output, HasSubstr(part));
  }
}

TEST_F(ModelFileTest, inspect_tells_a_program_in_one_object_on_one_line) {
  const ProgramResult result = sparrow({"inspect", tiny(), "--json", "--tensors"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output.find('\n'), result.output.size() - 1);
  const Json json = parse_json(result.output, "output");
  EXPECT_EQ(json.at("architecture"), "qwen2");
  EXPECT_EQ(json.at("config").at("layer_count"), 2);
  EXPECT_EQ(json.at("tokenizer").at("special_tokens").at("eos").at("id"), 262);
  EXPECT_EQ(json.at("metadata").at("qwen2.block_count"), 2);
  EXPECT_EQ(json.at("memory").at("default_context"), 32768);
  EXPECT_EQ(json.at("tensors").size(), json.at("tensor_count"));
}

TEST_F(ModelFileTest, dequantize_writes_a_tensor_in_numpys_order) {
  const std::string name = "blk.0.ffn_up.weight";
  const ProgramResult result = sparrow({"dequantize", tiny(), name, "-o", output()});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(result.output, "");
  EXPECT_THAT(read_test_file(output()), HasSubstr("'shape': (96, 64), }"));
  EXPECT_EQ(values(), test_support::tiny_weights(name, 64 * 96));
}

TEST_F(ModelFileTest, dequantize_suggests_tensors_that_are_there) {
  const ProgramResult result = sparrow({"dequantize", tiny(), "blk.0.ffn_up", "-o", output()});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.errors, HasSubstr("did you mean blk.0.ffn_up.weight"));
}

TEST_F(ModelFileTest, logits_are_the_same_bits_in_any_chunk_and_thread_count) {
  const std::vector<float> all = logits({});
  EXPECT_EQ(all.size(), 7u * test_support::kTinyVocabulary);
  EXPECT_EQ(logits({"--chunk", "1"}), all);
  EXPECT_EQ(logits({"--chunk", "3", "--threads", "2"}), all);
  EXPECT_NE(logits({"--kv-type", "bf16"}), all);
}

TEST_F(ModelFileTest, logits_go_on_greedily_as_one_would_by_hand) {
  const ProgramResult result =
      sparrow({"logits", tiny(), "--ids", "1,2,3", "-o", output(), "--greedy", "4"});
  const std::vector<int32_t> answer = parse_json(result.output, "output").at("ids");
  ASSERT_EQ(answer.size(), 4u);
  std::string ids = "1,2,3";
  for (const int32_t id : answer) {
    ASSERT_EQ(sparrow({"logits", tiny(), "--ids", ids, "-o", output()}).exit_code, 0);
    const std::vector<float> all = values();
    const auto row = all.end() - test_support::kTinyVocabulary;
    EXPECT_EQ(std::max_element(row, all.end()) - row, id);
    ids.append(",").append(std::to_string(id));
  }
}

TEST_F(ModelFileTest, logits_refuse_what_is_outside) {
  const auto refused = [&](std::vector<std::string> more) {
    std::vector<std::string> call = {"logits", tiny(), "-o", output()};
    call.insert(call.end(), more.begin(), more.end());
    return sparrow(call);
  };
  EXPECT_THAT(refused({"--ids", "1,263"}).errors, HasSubstr("--ids must be 0 to 262, got 263"));
  EXPECT_THAT(refused({"--ids", "1,-1"}).errors, HasSubstr("got -1"));
  for (const char* bad : {"", "x", "1,x", "1,", ",1", "1,,2", "1 2", "+1", "1.0", "0x1"}) {
    const ProgramResult result = refused({"--ids", bad});
    EXPECT_EQ(result.exit_code, 2) << bad;
    EXPECT_THAT(result.errors, HasSubstr("--ids must be token ids with commas between them"));
  }
  EXPECT_THAT(refused({"--ids", "99999999999999999999"}).errors, HasSubstr("--ids"));
  EXPECT_EQ(refused({}).exit_code, 2);
  EXPECT_EQ(refused({"--ids", "1", "--kv-type", "q8"}).exit_code, 2);
  EXPECT_EQ(refused({"--ids", "1", "--greedy", "32768"}).exit_code, 9);
}

}  // namespace
}  // namespace sparrow
