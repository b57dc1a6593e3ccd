// What the tests of the program share: a home of its own, and a tiny model whose answers are
// nonsense, always the same.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/support/program.h"
#include "tests/support/test_folder.h"
#include "tests/support/tiny_model.h"

namespace sparrow {

class CliTest : public testing::Test {
 protected:
  CliTest() {
    test_support::TinyModel model = test_support::tiny_model("qwen2");
    model.context_length = int64_t{1} << 15;
    write_bytes(tiny(), test_support::tiny_gguf(model));
  }

  std::string tiny() const { return folder_.file("tiny.gguf"); }
  std::string home() const { return folder_.file("home"); }

  // No source of any model can be reached, and no server that this machine may run is asked.
  std::vector<std::string> variables() const {
    return {"SPARROW_HOME=" + home(),
            "SPARROW_NO_SERVER=1",
            "HOME=" + folder_.path(),
            "HF_ENDPOINT=http://127.0.0.1:9",
            "MODELSCOPE_ENDPOINT=http://127.0.0.1:9",
            "PIP_INDEX_URL=http://127.0.0.1:9",
            "PIP_EXTRA_INDEX_URL=",
            "PIP_RETRIES=0",
            "TERM=xterm-256color",
            "LANG=C.UTF-8",
            "NO_COLOR="};
  }

  test_support::ProgramResult sparrow(std::vector<std::string> arguments,
                                      const std::string& input = {}) const {
    arguments.insert(arguments.begin(), SPARROW_PROGRAM);
    return test_support::run_program({std::move(arguments), input, variables(), false});
  }

  static void write_bytes(const std::string& path, const std::vector<std::byte>& bytes) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }

  // A chat with --max-tokens 30 --context 256 --ignore-eos is told what is dropped, refuses what
  // fits no context with these words, and goes on.
  static void outgrow_context(test_support::Terminal& terminal, const std::string& refusal) {
    constexpr std::string_view kPrompt = ">>> ";
    for (int turn = 0; turn < 4; ++turn) {
      ASSERT_TRUE(terminal.wait_for(kPrompt));
      terminal.type(std::string(60, 'a') + "\r");
    }
    EXPECT_TRUE(terminal.wait_for("The talk has outgrown the context of 256 tokens"));
    ASSERT_TRUE(terminal.wait_for(kPrompt));
    terminal.type(std::string(400, 'b') + "\r");
    EXPECT_TRUE(terminal.wait_for(refusal));
    ASSERT_TRUE(terminal.wait_for(kPrompt));
    terminal.type("/bye\r");
    EXPECT_EQ(terminal.exit_code(), 0);
  }

  const TestFolder folder_;
};

}  // namespace sparrow
