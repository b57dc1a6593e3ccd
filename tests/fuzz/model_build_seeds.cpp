// Seeds of model_build: the smallest network of each architecture, and of each RoPE scaling.
#include <fstream>
#include <string>

#include "tests/support/tiny_model.h"

namespace {

using sparrow::test_support::smallest_model;
using sparrow::test_support::TinyModel;

void write_model(const std::string& path, const TinyModel& model) {
  const std::vector<std::byte> bytes = sparrow::test_support::tiny_network(model);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  const std::string folder = std::string(argv[1]) + "/";
  for (const char* architecture : {"llama", "qwen2", "qwen3", "qwen3moe"})
    write_model(folder + architecture, smallest_model(architecture));
  for (const char* scaling : {"linear", "yarn"}) {
    TinyModel model = smallest_model("llama");
    model.rope_scaling = scaling;
    model.rope_scaling_factor = 4;
    model.rope_original_context = 8;
    write_model(folder + "llama-" + scaling, model);
  }
  TinyModel model = smallest_model("llama");
  model.rope_divisors = {1, 8};
  write_model(folder + "llama3", model);
  return 0;
}
