// Model files broken field by field, through the program itself: each ends in exit code 0 or in one
// line and the code of a bad file (or of a context too short for two tokens), never in a signal, a
// hang or more than 512 MiB. More of them than usual: SPARROW_TEST_MUTATIONS=30000
// build/model_file_process_test
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <thread>

#include "base/config_env.h"
#include "tests/cli/cli_case.h"
#include "tests/support/gguf_mutator.h"

namespace sparrow {
namespace {

using test_support::ProgramResult;

uint64_t mutation_count() {
  const std::optional<std::string> wanted = config_env("SPARROW_TEST_MUTATIONS");
  uint64_t count = 150;
  if (wanted) std::from_chars(wanted->data(), wanted->data() + wanted->size(), count);
  return count;
}

// What the programs that are started meanwhile may allocate.
class MemoryLimit {
 public:
  MemoryLimit() {
    ::getrlimit(RLIMIT_DATA, &former_);
    rlimit limit = former_;
    limit.rlim_cur = rlim_t{512} << 20;
    ::setrlimit(RLIMIT_DATA, &limit);
  }
  ~MemoryLimit() { ::setrlimit(RLIMIT_DATA, &former_); }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  rlimit former_ = {};
};

class HostileModelTest : public CliTest {
 protected:
  // One to three changes to a good file.
  std::string broken_file(const std::vector<std::byte>& good, uint64_t seed) const {
    std::vector<uint8_t> bytes(good.size());
    std::ranges::transform(good, bytes.begin(),
                           [](std::byte b) { return std::to_integer<uint8_t>(b); });
    for (uint64_t i = 0; i <= seed % 3; ++i)
      bytes = test_support::mutate_gguf(std::move(bytes), 3 * seed + i);
    const std::string path = folder_.file("broken.gguf");
    std::vector<std::byte> written(bytes.size());
    std::ranges::transform(bytes, written.begin(), [](uint8_t b) { return std::byte{b}; });
    write_bytes(path, written);
    return path;
  }

  void expect_clean_end(const std::vector<std::string>& arguments, uint64_t seed) const {
    const MemoryLimit limit;
    const ProgramResult result = sparrow(arguments);
    EXPECT_THAT(result.exit_code, testing::AnyOf(0, 4, 5, 9))
        << arguments[0] << " with seed " << seed << ": " << result.errors;
    if (result.exit_code == 0) return;
    EXPECT_THAT(result.errors, testing::HasSubstr("Error: ")) << seed;
    EXPECT_TRUE(std::ranges::none_of(result.errors, [](char c) {
      return c != '\n' && c >= 0 && c < ' ';
    })) << seed;
  }
};

TEST_F(HostileModelTest, a_broken_network_ends_cleanly) {
  constexpr const char* kArchitectures[] = {"llama", "qwen2", "qwen3", "qwen3moe"};
  for (uint64_t seed = 0; seed < mutation_count(); ++seed) {
    const std::string path = broken_file(
        test_support::tiny_network(test_support::smallest_model(kArchitectures[seed % 4])), seed);
    expect_clean_end({"inspect", path, "--tensors"}, seed);
    expect_clean_end({"logits", path, "--ids", "0,1", "-o", folder_.file("out.npy")}, seed);
  }
}

TEST_F(HostileModelTest, a_broken_model_with_its_vocabulary_ends_cleanly) {
  const std::vector<std::byte> good = test_support::tiny_gguf(test_support::tiny_model("qwen2"));
  for (uint64_t seed = 0; seed < mutation_count(); ++seed) {
    const std::string path = broken_file(good, seed);
    expect_clean_end({"tokenize", path, "hello, world"}, seed);
    expect_clean_end({"run", path, "hello", "--max-tokens", "1"}, seed);
  }
}

// The output is a pipe that is not read at first: the program is in the middle of the tensor, its
// file mapped, when the file shrinks.
TEST_F(HostileModelTest, a_file_that_shrinks_while_it_is_read_ends_in_one_line) {
  const std::string model = folder_.file("shrinking.gguf");
  const std::string pipe = folder_.file("pipe");
  GgufWriter writer;
  writer.add_tensor_f32("t", {{1 << 20, 4, 1, 1}, 2}, std::vector<float>(4 << 20));
  writer.write(model);
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  ProgramResult result;
  std::thread program([&] { result = sparrow({"dequantize", model, "t", "-o", pipe}); });
  const int reader = ::open(pipe.c_str(), O_RDONLY);  // returns when the program opens its end
  ASSERT_GE(reader, 0);
  std::filesystem::resize_file(model, 4096);
  char buffer[4096];
  while (::read(reader, buffer, sizeof(buffer)) > 0) {
  }
  ::close(reader);
  program.join();
  EXPECT_EQ(result.exit_code, 6);
  EXPECT_EQ(result.errors,
            "Error: the model file was cut short or its disk failed while it was being read\n");
}

}  // namespace
}  // namespace sparrow
