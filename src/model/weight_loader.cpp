#include "model/weight_loader.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "base/log.h"
#include "gguf/gguf_file.h"

namespace sparrow {

std::string layer_name(int64_t layer, std::string_view part) {
  return fmt::format("blk.{}.{}", layer, part);
}

WeightLoader::WeightLoader(std::shared_ptr<const GgufFile> file, Backend& backend,
                           const ModelConfig& config, std::function<void(double)> on_progress)
    : file_(std::move(file)),
      backend_(backend),
      config_(config),
      on_progress_(std::move(on_progress)) {}

Tensor WeightLoader::take(const std::string& name, const Shape& expected) {
  const TensorInfo* info = file_->find_tensor(name);
  if (info == nullptr) {
    fail(ErrorCode::invalid_file, "tensor '{}' is missing; {} needs it with shape {}", name,
         config_.architecture, to_string(expected));
  }
  bool is_right = true;
  for (int axis = 0; axis < 4; ++axis) is_right = is_right && info->shape[axis] == expected[axis];
  if (!is_right) {
    fail(ErrorCode::invalid_file, "tensor '{}' has shape {}; {} needs {}", name,
         to_string(info->shape), config_.architecture, to_string(expected));
  }
  const Tensor tensor = file_->tensor(name);
  if (taken_.insert(name).second) weight_bytes_ += tensor.size_bytes();
  return tensor;
}

std::unique_ptr<Weight> WeightLoader::load(const std::string& name, const Shape& shape) {
  const Tensor tensor = take(name, shape);
  std::unique_ptr<Weight> weight = backend_.load_weight(tensor);
  if (!weight->reads_tensor()) file_->release(tensor);
  return weight;
}

std::unique_ptr<Weight> WeightLoader::vector(const std::string& name, int64_t size) {
  return backend_.load_weight(take(name, {{size, 1, 1, 1}, 1}));
}

std::unique_ptr<Weight> WeightLoader::optional_vector(const std::string& name, int64_t size) {
  return file_->find_tensor(name) == nullptr ? nullptr : vector(name, size);
}

std::vector<float> WeightLoader::numbers(const std::string& name, int64_t size) {
  const Tensor tensor = take(name, {{size, 1, 1, 1}, 1});
  if (size % tensor.format->block_values != 0) {
    fail(ErrorCode::invalid_file, "tensor '{}' must be F32, is {}", name, tensor.format->name);
  }
  return dequantize(tensor);
}

std::unique_ptr<Weight> WeightLoader::matrix(const std::string& name, int64_t in, int64_t out) {
  return load(name, {{in, out, 1, 1}, 2});
}

std::unique_ptr<Weight> WeightLoader::experts(const std::string& name, int64_t in, int64_t out,
                                              int64_t count) {
  return load(name, {{in, out, count, 1}, 3});
}

int64_t WeightLoader::add_matrix(const std::string& name, int64_t in, int64_t out) {
  matrices_.push_back({name, in, out});
  return static_cast<int64_t>(matrices_.size()) - 1;
}

Linear WeightLoader::linear(const std::string& name, int64_t in, int64_t out) {
  return {matrix(name + ".weight", in, out), optional_vector(name + ".bias", out),
          add_matrix(name + ".weight", in, out)};
}

Linear WeightLoader::biased_linear(const std::string& name, int64_t in, int64_t out) {
  return {matrix(name + ".weight", in, out), vector(name + ".bias", out),
          add_matrix(name + ".weight", in, out)};
}

std::shared_ptr<const Weight> WeightLoader::embeddings() {
  // Where the file ties them they are the output matrix too.
  return matrix("token_embd.weight", config_.hidden_size, config_.vocabulary_size);
}

Linear WeightLoader::output_matrix(std::shared_ptr<const Weight> embeddings) {
  const std::string name = "output.weight";
  const int64_t in = config_.hidden_size;
  const int64_t out = config_.vocabulary_size;
  const int64_t index = add_matrix(name, in, out);
  if (file_->find_tensor(name) == nullptr) return {std::move(embeddings), nullptr, index};
  return {matrix(name, in, out), nullptr, index};
}

const Rope& WeightLoader::rope() {
  if (rope_) return *rope_;
  const std::string name = "rope_freqs.weight";
  std::vector<float> divisors;
  if (config_.has_rope_divisors) divisors = numbers(name, config_.rope_size / 2);
  for (const float divisor : divisors) {
    if (!std::isfinite(divisor) || !(divisor > 0)) {
      fail(ErrorCode::invalid_file, "tensor '{}' must hold numbers above 0, has {}", name, divisor);
    }
  }
  rope_ = make_rope(config_, divisors);
  return *rope_;
}

void WeightLoader::layer_is_loaded(int64_t layer) {
  if (!on_progress_) return;
  on_progress_(static_cast<double>(layer + 1) / static_cast<double>(config_.layer_count));
}

void WeightLoader::finish() {
  int64_t unused_count = 0;
  std::string_view example;
  for (const TensorInfo& info : file_->tensors()) {
    if (taken_.contains(info.name)) continue;
    ++unused_count;
    example = info.name;
  }
  if (unused_count > 0) {
    log().warn("{}: {} tensors are not part of a {} network and are not used, '{}' for one",
               file_->path(), unused_count, config_.architecture, example);
  }
}

}  // namespace sparrow
