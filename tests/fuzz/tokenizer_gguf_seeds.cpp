// Seeds of tokenizer_gguf_fuzz: one small vocabulary of each kind.
#include <fstream>
#include <string>
#include <vector>

#include "gguf/writer.h"

namespace sparrow {
namespace {

GgufWriter byte_level(const std::string& pre) {
  GgufWriter writer;
  writer.add_string("tokenizer.ggml.model", "gpt2");
  writer.add_string("tokenizer.ggml.pre", pre);
  writer.add_strings("tokenizer.ggml.tokens",
                     std::vector<std::string>{"a", "b", "c", "Ġ", "ab", "Ġa", "abc", "1", "ä½ł",
                                              "<|im_end|>", "<x>", "[PAD11]"});
  writer.add_int32s("tokenizer.ggml.token_type",
                    std::vector<int32_t>{1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 4, 5});
  writer.add_strings("tokenizer.ggml.merges", std::vector<std::string>{"a b", "Ġ a", "ab c"});
  writer.add_uint32("tokenizer.ggml.eos_token_id", 9);
  writer.add_uint32("tokenizer.ggml.bos_token_id", 9);
  writer.add_bool("tokenizer.ggml.add_bos_token", true);
  return writer;
}

GgufWriter sentencepiece() {
  GgufWriter writer;
  writer.add_string("tokenizer.ggml.model", "llama");
  writer.add_strings("tokenizer.ggml.tokens",
                     std::vector<std::string>{"<unk>", "<s>", "</s>", "<0x41>", "▁", "a", "b", "ab",
                                              "▁a", "▁ab", "<x>", "你好", "[INST]"});
  writer.add_float32s("tokenizer.ggml.scores",
                      std::vector<float>{0, 0, 0, 0, -4, -5, -6, -1, -2, -3, 0, -2, 0});
  writer.add_int32s("tokenizer.ggml.token_type",
                    std::vector<int32_t>{2, 3, 3, 6, 1, 1, 1, 1, 1, 1, 4, 1, 3});
  writer.add_bool("tokenizer.ggml.add_space_prefix", true);
  return writer;
}

void write(const std::string& path, const GgufWriter& writer) {
  const std::vector<std::byte> bytes = writer.to_bytes();
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

}  // namespace
}  // namespace sparrow

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  const std::string folder = std::string(argv[1]) + "/";
  for (const char* pre : {"qwen2", "llama-bpe", "smollm", "deepseek-coder", "deepseek-llm", "gpt-2",
                          "starcoder", "default"}) {
    sparrow::write(folder + pre, sparrow::byte_level(pre));
  }
  sparrow::write(folder + "sentencepiece", sparrow::sentencepiece());
  return 0;
}
