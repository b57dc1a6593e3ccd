// What cannot be taken ends in one clear line and its own exit code.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "tests/cli/cli_case.h"

namespace sparrow {
namespace {

using test_support::ProgramResult;
using testing::HasSubstr;
using testing::StartsWith;

class BadInputTest : public CliTest {
 protected:
  void expect_error(const std::vector<std::string>& arguments, int exit_code,
                    const std::string& part, const std::string& input = {}) const {
    const ProgramResult result = sparrow(arguments, input);
    EXPECT_EQ(result.exit_code, exit_code) << result.errors;
    EXPECT_THAT(result.errors, HasSubstr(part));
    EXPECT_EQ(result.output, "");
    // One line, and nothing that moves a terminal's cursor.
    EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 1) << result.errors;
    EXPECT_THAT(result.errors, StartsWith("Error: "));
    EXPECT_TRUE(std::none_of(result.errors.begin(), result.errors.end(),
                             [](char c) { return c != '\n' && c >= 0 && c < ' '; }));
  }

  std::vector<std::byte> tiny_bytes() const {
    const std::string text = read_test_file(tiny());
    std::vector<std::byte> bytes(text.size());
    std::memcpy(bytes.data(), text.data(), text.size());
    return bytes;
  }

  std::string file_with(const std::string& name, const std::vector<std::byte>& bytes) const {
    write_bytes(folder_.file(name), bytes);
    return folder_.file(name);
  }

  // The tiny model with some metadata entry of another value or type.
  std::string changed(const std::string& name, const std::function<void(GgufWriter&)>& add,
                      const std::string& architecture = "qwen2") const {
    test_support::TinyModel model = test_support::tiny_model("qwen2");
    model.architecture = architecture;
    GgufWriter writer = test_support::tiny_writer(model);
    add(writer);
    for (const auto& [tensor, shape] : test_support::tiny_tensors(model)) {
      writer.add_tensor_f32(tensor, shape, test_support::tiny_weights(tensor, shape.count()));
    }
    return file_with(name, writer.to_bytes());
  }
};

TEST_F(BadInputTest, files_that_are_not_there_or_no_files) {
  expect_error({"run", folder_.file("none.gguf"), "hi"}, 3, "there is no file");
  expect_error({"run", folder_.path(), "hi"}, 2, "is a folder");
  expect_error({"run", "/dev/null", "hi"}, 6, "/dev/null: not a regular file");
  expect_error({"run", file_with("empty.gguf", {}), "hi"}, 4, "empty.gguf");
}

TEST_F(BadInputTest, names_that_nobody_knows) {
  expect_error({"run", "smolm2:135m", "hi"}, 3, "did you mean smollm2:135m");
  expect_error({"run", "no such model!", "hi"}, 2, "no such model!");
  expect_error({"run", "../../etc/passwd", "hi"}, 3, "there is no file");
}

TEST_F(BadInputTest, a_file_cut_off_anywhere) {
  const std::vector<std::byte> whole = tiny_bytes();
  for (const size_t size : {size_t{3}, size_t{4}, size_t{20}, size_t{100}, size_t{1000},
                            size_t{5000}, whole.size() / 2, whole.size() - 1}) {
    const std::vector<std::byte> cut(whole.begin(),
                                     whole.begin() + static_cast<std::ptrdiff_t>(size));
    expect_error({"run", file_with("cut.gguf", cut), "hi"}, 4, "cut.gguf");
  }
}

TEST_F(BadInputTest, a_file_whose_header_lies) {
  const auto with = [&](size_t offset, uint64_t value, size_t size_bytes) {
    std::vector<std::byte> bytes = tiny_bytes();
    std::memcpy(bytes.data() + offset, &value, size_bytes);
    return file_with("lying.gguf", bytes);
  };
  expect_error({"run", with(0, 0x12345678, 4), "hi"}, 4, "lying.gguf");
  expect_error({"run", with(4, 0x03000000, 4), "hi"}, 5, "big-endian");
  expect_error({"run", with(8, UINT64_MAX, 8), "hi"}, 4, "lying.gguf");
  expect_error({"run", with(16, UINT64_MAX, 8), "hi"}, 4, "lying.gguf");
  expect_error({"run", with(24, UINT64_MAX, 8), "hi"}, 4, "lying.gguf");
}

TEST_F(BadInputTest, models_that_nothing_here_runs) {
  expect_error({"run",
                changed(
                    "other.gguf", [](GgufWriter&) {}, "mamba"),
                "hi"},
               5, "mamba");
  // A file's words do not reach the terminal as they are.
  expect_error({"run",
                changed(
                    "evil.gguf", [](GgufWriter&) {}, "a\x1b[2J\nb"),
                "hi"},
               5, "a\\x1b[2J\\nb");
}

TEST_F(BadInputTest, flags_that_cannot_be_taken) {
  const auto run = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"run", tiny(), "hi"});
    return flags;
  };
  expect_error(run({"--temperature", "hot"}), 2, "temperature must be in [0, 100], got 'hot'");
  expect_error(run({"--temperature", "nan"}), 2, "temperature must be");
  expect_error(run({"--top-p", "1.7"}), 2, "top_p must be in (0, 1], got 1.7");
  expect_error(run({"--seed", "99999999999999999999"}), 2, "seed");
  expect_error(run({"--kv-type", "q4_1"}), 2,
               "kv_type must be f32, f16, bf16, q8_0 or q4_0, got 'q4_1'");
  expect_error(run({"--format", "json"}), 2, "constrained decoding");
  expect_error(run({"--contxt", "5"}), 2, "there is no flag --contxt");
  expect_error(run({"--context", "32769"}), 2, "32769");
  expect_error(run({"--logit-bias", "999999=1"}), 2, "logit_bias");
}

TEST_F(BadInputTest, flags_that_are_no_numbers_are_refused_before_the_model_is_looked_for) {
  for (const char* bad : {"0", "-1", "abc", "1e9", "99999999999999999999", ""}) {
    const ProgramResult result = sparrow({"run", "nothing", "hi", "--context", bad});
    EXPECT_EQ(result.exit_code, 2) << bad;
    EXPECT_THAT(result.errors, HasSubstr("--context")) << bad;
  }
  EXPECT_EQ(sparrow({"run"}).exit_code, 2);
  EXPECT_EQ(sparrow({}).exit_code, 2);
  EXPECT_EQ(sparrow({"walk"}).exit_code, 2);
}

TEST_F(BadInputTest, prompts_that_cannot_be_taken) {
  expect_error({"run", tiny()}, 2, "there is no prompt");
  expect_error({"run", tiny(), ""}, 2, "there is no prompt");
  expect_error({"run", tiny(), "--context", "64"}, 9, "the context has 64", std::string(500, 'x'));
  expect_error({"run", tiny(), "--raw", "--context", "64"}, 9, "the context has 64",
               std::string(500, 'x'));
  expect_error({"run", tiny()}, 2, "too many for any prompt", std::string((8 << 20) + 1, 'x'));
}

TEST_F(BadInputTest, a_prompt_that_is_no_utf8_is_answered_as_if_it_had_been_repaired) {
  const auto answer = [&](const std::string& prompt) {
    return sparrow({"run", tiny(), "--temperature", "0", "--max-tokens", "8"}, prompt).output;
  };
  EXPECT_EQ(answer("a\xff\xc3(b"), answer("a\uFFFD\uFFFD(b"));
  EXPECT_NE(answer(std::string("nul \0 byte", 10)), "");
}

TEST_F(BadInputTest, a_context_that_memory_cannot_hold) {
  test_support::TinyModel model = test_support::tiny_model("qwen2");
  model.context_length = int64_t{1} << 24;
  model.kv_head_count = model.head_count = 64;
  model.layer_count = 16;
  model.hidden_size = 64 * 16;
  const std::string path = file_with("long.gguf", test_support::tiny_gguf(model));
  expect_error({"run", path, "hi", "--context", "16777216", "--kv-type", "f32"}, 8, "GiB");
}

}  // namespace
}  // namespace sparrow
