// write_tiny_model FILE: a model for what runs against an installed sparrow.
#include <fstream>

#include "tests/support/tiny_model.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto bytes = sparrow::test_support::tiny_gguf(sparrow::test_support::tiny_model("qwen2"));
  std::ofstream file(argv[1], std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  return file.good() ? 0 : 1;
}
