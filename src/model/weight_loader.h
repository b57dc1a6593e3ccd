// Takes weights out of a file by their exact names and shapes.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "model/model.h"
#include "model/rope.h"

namespace sparrow {

class GgufFile;

// A matrix and the bias some files have with it.
struct Linear {
  std::shared_ptr<const Weight> weight;  // the last one may be the token embeddings too
  std::unique_ptr<Weight> bias;          // may be null
  int64_t matrix_index = -1;             // in Model::matrices()
};

// Lives while a model loads. Every call throws Error{invalid_file|unsupported} naming the tensor,
// what it is and what is right.
class WeightLoader {
 public:
  WeightLoader(std::shared_ptr<const GgufFile> file, Backend& backend, const ModelConfig& config,
               std::function<void(double)> on_progress);

  Backend& backend() const { return backend_; }
  const std::shared_ptr<const GgufFile>& file() const { return file_; }

  // "blk.3.attn_norm.weight", [size].
  std::unique_ptr<Weight> vector(const std::string& name, int64_t size);
  // Null if the file has no such tensor.
  std::unique_ptr<Weight> optional_vector(const std::string& name, int64_t size);
  // The numbers of a vector that is taken anyway, as f32.
  std::vector<float> numbers(const std::string& name, int64_t size);
  std::unique_ptr<Weight> matrix(const std::string& name, int64_t in, int64_t out);
  std::unique_ptr<Weight> experts(const std::string& name, int64_t in, int64_t out, int64_t count);
  // `name`.weight and, if the file has it, `name`.bias.
  Linear linear(const std::string& name, int64_t in, int64_t out);
  // The same with a bias that must be there.
  Linear biased_linear(const std::string& name, int64_t in, int64_t out);
  // token_embd.weight.
  std::shared_ptr<const Weight> embeddings();
  // output.weight, or the token embeddings once more where the file ties them (has none).
  Linear output_matrix(std::shared_ptr<const Weight> embeddings);

  // By the configuration and, for llama3 scaling, the file's rope_freqs.weight, [rope_size / 2].
  const Rope& rope();

  // Tells the caller how far loading is.
  void layer_is_loaded(int64_t layer);
  // Warns of tensors that nothing asked for: the network is not quite the one this code knows.
  void finish();

  // Of all linears and the output matrix so far.
  std::span<const MatrixInfo> matrices() const { return matrices_; }
  // Of all tensors taken so far, each once.
  int64_t weight_bytes() const { return weight_bytes_; }

 private:
  Tensor take(const std::string& name, const Shape& expected);
  std::unique_ptr<Weight> load(const std::string& name, const Shape& shape);
  int64_t add_matrix(const std::string& name, int64_t in, int64_t out);

  std::shared_ptr<const GgufFile> file_;
  Backend& backend_;
  const ModelConfig& config_;
  std::function<void(double)> on_progress_;
  std::set<std::string, std::less<>> taken_;
  std::vector<MatrixInfo> matrices_;
  std::optional<Rope> rope_;
  int64_t weight_bytes_ = 0;
};

// The name of a layer's tensor: "blk.3." + part.
std::string layer_name(int64_t layer, std::string_view part);

}  // namespace sparrow
