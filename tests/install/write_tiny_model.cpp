// write_tiny_model FILE [ADAPTER]: a model, and a LoRA adapter of it, for what runs against an
// installed sparrow.
#include <fstream>
#include <vector>

#include "tests/support/tiny_lora.h"
#include "tests/support/tiny_model.h"

namespace {

bool write(const char* path, const std::vector<std::byte>& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  return file.good();
}

}  // namespace

int main(int argc, char** argv) {
  using namespace sparrow::test_support;  // NOLINT: a program of one file
  if (argc != 2 && argc != 3) return 2;
  const TinyModel model = tiny_model("qwen2");
  if (!write(argv[1], tiny_gguf(model))) return 1;
  return argc == 2 || write(argv[2], tiny_lora_gguf(model, {})) ? 0 : 1;
}
