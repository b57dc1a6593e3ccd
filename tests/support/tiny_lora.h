// Random LoRA adapters for the tiny models, and the same models with an adapter merged into their
// weights.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "gguf/writer.h"
#include "tests/support/tiny_model.h"

namespace sparrow::test_support {

struct TinyLora {
  std::string seed = "a";  // other numbers for each
  float alpha = 8;
  // Which base matrices it has a pair for.
  std::function<bool(const std::string&)> adapts = [](const std::string&) { return true; };
};

// Ranks differ from matrix to matrix.
inline int64_t tiny_lora_rank(const std::string& base) {
  return 3 + static_cast<int64_t>(base.size() % 4);
}

inline std::vector<float> tiny_lora_a(const TinyLora& lora, const std::string& base, int64_t in) {
  return tiny_weights(lora.seed + base + ".lora_a", in * tiny_lora_rank(base));
}

inline std::vector<float> tiny_lora_b(const TinyLora& lora, const std::string& base, int64_t out) {
  return tiny_weights(lora.seed + base + ".lora_b", out * tiny_lora_rank(base));
}

// The base matrices it has, by name.
inline std::map<std::string, Shape> tiny_lora_bases(const TinyModel& model, const TinyLora& lora) {
  std::map<std::string, Shape> bases;
  std::map<std::string, Shape> all = tiny_tensors(model);
  all["output.weight"] = all.at("token_embd.weight");
  for (const auto& [name, shape] : all) {
    if (shape.rank == 2 && name != "token_embd.weight" && lora.adapts(name)) bases[name] = shape;
  }
  return bases;
}

// Metadata alone.
inline GgufWriter tiny_lora_writer(const TinyModel& model, float alpha) {
  GgufWriter writer;
  writer.add_string("general.type", "adapter");
  writer.add_string("adapter.type", "lora");
  writer.add_string("general.architecture", model.architecture);
  writer.add_float32("adapter.lora.alpha", alpha);
  return writer;
}

// The bytes must outlive what is parsed from them.
inline std::vector<std::byte> tiny_lora_gguf(const TinyModel& model, const TinyLora& lora) {
  GgufWriter writer = tiny_lora_writer(model, lora.alpha);
  for (const auto& [base, shape] : tiny_lora_bases(model, lora)) {
    const int64_t rank = tiny_lora_rank(base);
    writer.add_tensor_f32(base + ".lora_a", {{shape[0], rank, 1, 1}, 2},
                          tiny_lora_a(lora, base, shape[0]));
    writer.add_tensor_f32(base + ".lora_b", {{rank, shape[1], 1, 1}, 2},
                          tiny_lora_b(lora, base, shape[1]));
  }
  return writer.to_bytes();
}

// W + scale * alpha / rank * B A in place of each W.
inline std::vector<std::byte> merged_gguf(const TinyModel& model, const TinyLora& lora,
                                          float scale = 1) {
  GgufWriter writer = tiny_writer(model);
  const std::map<std::string, Shape> bases = tiny_lora_bases(model, lora);
  std::map<std::string, Shape> tensors = tiny_tensors(model);
  tensors.insert(bases.begin(), bases.end());  // a tied output matrix gets its own
  const bool is_tied = !tiny_tensors(model).contains("output.weight");
  for (const auto& [name, shape] : tensors) {
    const bool is_embedding = is_tied && name == "output.weight";
    std::vector<float> w = tiny_weights(is_embedding ? "token_embd.weight" : name, shape.count());
    if (bases.contains(name)) {
      const int64_t rank = tiny_lora_rank(name);
      const std::vector<float> a = tiny_lora_a(lora, name, shape[0]);
      const std::vector<float> b = tiny_lora_b(lora, name, shape[1]);
      const double factor = double{scale} * double{lora.alpha} / static_cast<double>(rank);
      for (int64_t row = 0; row < shape[1]; ++row) {
        for (int64_t column = 0; column < shape[0]; ++column) {
          double sum = 0;
          for (int64_t r = 0; r < rank; ++r) {
            sum += double{b[static_cast<size_t>(row * rank + r)]} *
                   double{a[static_cast<size_t>(r * shape[0] + column)]};
          }
          float& value = w[static_cast<size_t>(row * shape[0] + column)];
          value = static_cast<float>(double{value} + factor * sum);
        }
      }
    }
    writer.add_tensor_f32(name, shape, w);
  }
  return writer.to_bytes();
}

}  // namespace sparrow::test_support
