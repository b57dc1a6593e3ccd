#include "model/lora.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include "base/error.h"
#include "base/memory_info.h"
#include "base/quoted.h"
#include "gguf/named_errors.h"

namespace sparrow {
namespace {

constexpr int64_t kMaxRank = 4096;
constexpr std::string_view kSuffixA = ".lora_a";
constexpr std::string_view kSuffixB = ".lora_b";

struct Pair {
  const TensorInfo* a = nullptr;
  const TensorInfo* b = nullptr;
};

void check_kind(const Metadata& metadata, const ModelConfig& config) {
  const auto check = [&](std::string_view key, std::string_view right) {
    const std::string_view value = metadata.get_string(key);
    if (value != right)
      fail(ErrorCode::invalid_file, "{} must be '{}', is {}", key, right, quoted_text(value));
  };
  check("general.type", "adapter");
  check("adapter.type", "lora");
  check("general.architecture", config.architecture);
  constexpr std::string_view kInvocation = "adapter.alora.invocation_tokens";
  if (metadata.has(kInvocation)) {
    fail(ErrorCode::unsupported, "{}: adapters that wait for tokens are not supported",
         kInvocation);
  }
}

float read_alpha(const Metadata& metadata) {
  constexpr std::string_view kAlpha = "adapter.lora.alpha";
  const float alpha = static_cast<float>(metadata.get_float(kAlpha));
  if (!std::isfinite(alpha))
    fail(ErrorCode::invalid_file, "{} must be finite, is {}", kAlpha, alpha);
  return alpha;
}

// By the name of the base matrix.
std::map<std::string_view, Pair> find_pairs(const GgufFile& file) {
  std::map<std::string_view, Pair> pairs;
  for (const TensorInfo& info : file.tensors()) {
    if (info.name.ends_with(kSuffixA)) {
      pairs[info.name.substr(0, info.name.size() - kSuffixA.size())].a = &info;
    } else if (info.name.ends_with(kSuffixB)) {
      pairs[info.name.substr(0, info.name.size() - kSuffixB.size())].b = &info;
    } else {
      fail(ErrorCode::invalid_file,
           "tensor {} is not one of a LoRA pair, whose names end in {} or {}",
           quoted_text(info.name), kSuffixA, kSuffixB);
    }
  }
  return pairs;
}

int64_t find_matrix(std::span<const MatrixInfo> matrices, std::string_view base,
                    const TensorInfo& tensor, const std::string& architecture) {
  for (size_t i = 0; i < matrices.size(); ++i) {
    if (matrices[i].name == base) return static_cast<int64_t>(i);
  }
  if (base == "token_embd.weight" || base.ends_with("_exps.weight")) {
    fail(ErrorCode::unsupported, "tensor {}: adapters of {} are not supported",
         quoted_text(tensor.name), base == "token_embd.weight" ? "token embeddings" : "experts");
  }
  fail(ErrorCode::invalid_file, "tensor {}: this {} model has no matrix {} that can be adapted",
       quoted_text(tensor.name), architecture, quoted_text(base));
}

void check_pair(std::string_view base, const Pair& pair, const MatrixInfo& matrix) {
  if (pair.a == nullptr || pair.b == nullptr) {
    fail(ErrorCode::invalid_file, "tensor {} is there, but {} is missing",
         quoted_text((pair.a != nullptr ? pair.a : pair.b)->name),
         quoted_text(fmt::format("{}{}", base, pair.a != nullptr ? kSuffixB : kSuffixA)));
  }
  const Shape& a = pair.a->shape;
  const Shape& b = pair.b->shape;
  const int64_t rank = a[1];
  const bool are_matrices = a.count() == a[0] * a[1] && b.count() == b[0] * b[1];
  if (!are_matrices || a[0] != matrix.in || b[1] != matrix.out || b[0] != rank) {
    fail(ErrorCode::invalid_file,
         "tensor {} has shape {} and {} has {}; the base matrix of {} needs [{}, rank] and "
         "[rank, {}]",
         quoted_text(pair.a->name), to_string(a), quoted_text(pair.b->name), to_string(b),
         to_string(Shape{{matrix.in, matrix.out, 1, 1}, 2}), matrix.in, matrix.out);
  }
  if (rank > kMaxRank) {
    fail(ErrorCode::invalid_file, "tensor {} has shape {}; its rank must be at most {}",
         quoted_text(pair.a->name), to_string(a), kMaxRank);
  }
}

std::shared_ptr<const LoraAdapter> load(const GgufFile& file, const Model& model, Backend& backend,
                                        int64_t available_bytes) {
  check_kind(file.metadata(), model.config());
  const float alpha = read_alpha(file.metadata());
  const std::map<std::string_view, Pair> pairs = find_pairs(file);
  if (pairs.empty()) fail(ErrorCode::invalid_file, "the adapter has no tensors");

  std::vector<size_t> indices;
  int64_t wanted_bytes = 0;
  for (const auto& [base, pair] : pairs) {
    const int64_t index = find_matrix(model.matrices(), base, pair.a != nullptr ? *pair.a : *pair.b,
                                      model.config().architecture);
    indices.push_back(static_cast<size_t>(index));
    check_pair(base, pair, model.matrices()[indices.back()]);
    wanted_bytes += backend.low_rank_bytes(file.tensor(pair.a->name), file.tensor(pair.b->name));
  }
  if (wanted_bytes > available_bytes) {
    fail(ErrorCode::out_of_memory, "the adapter needs {}, but {} of memory is available",
         format_bytes(wanted_bytes), format_bytes(std::max<int64_t>(0, available_bytes)));
  }

  std::vector<std::unique_ptr<LowRank>> matrices(model.matrices().size());
  auto index = indices.begin();
  for (const auto& [base, pair] : pairs) {
    const float factor = alpha == 0 ? 1 : alpha / static_cast<float>(pair.a->shape[1]);
    matrices[*index++] =
        backend.load_low_rank(file.tensor(pair.a->name), file.tensor(pair.b->name), factor);
  }
  return std::make_shared<const LoraAdapter>(std::move(matrices));
}

}  // namespace

int64_t LoraAdapter::size_bytes() const {
  int64_t size = 0;
  for (const std::unique_ptr<LowRank>& matrix : matrices_)
    size += matrix == nullptr ? 0 : matrix->size_bytes();
  return size;
}

std::shared_ptr<const LoraAdapter> load_lora(const GgufFile& file, const Model& model,
                                             Backend& backend, int64_t available_bytes) {
  return with_path_in_errors(file.path(),
                             [&] { return load(file, model, backend, available_bytes); });
}

}  // namespace sparrow
