// sparrow dequantize: one tensor of a model file as 32-bit floats that NumPy reads.
#include <algorithm>
#include <memory>

#include "api/model_source.h"
#include "apps/cli/command.h"
#include "apps/cli/npy.h"
#include "base/error.h"
#include "gguf/gguf_file.h"

namespace sparrow::cli {
namespace {

struct DequantizeOptions {
  std::string model;
  std::string tensor;
  std::string output;
};

Tensor find_tensor(const GgufFile& file, const std::string& name) {
  if (file.find_tensor(name) != nullptr) return file.tensor(name);
  std::vector<std::string> known;
  for (const TensorInfo& info : file.tensors()) known.emplace_back(info.name);
  std::string nearest;
  for (const std::string& other : nearest_names(name, known, 3))
    nearest += (nearest.empty() ? "; did you mean " : ", ") + other;
  fail(ErrorCode::not_found, "{}: no tensor '{}'{}; 'sparrow inspect --tensors' lists all {}",
       file.path(), name, nearest, known.size());
}

void dequantize_to_file(const DequantizeOptions& options) {
  const StoredModel model = find_model(options.model);
  const std::shared_ptr<const GgufFile> file = GgufFile::open(model.model_path);
  const Tensor tensor = find_tensor(*file, options.tensor);
  std::vector<int64_t> shape;  // GGUF has the fastest dimension first
  for (int axis = tensor.shape.rank - 1; axis >= 0; --axis) shape.push_back(tensor.shape[axis]);
  NpyWriter npy(options.output, shape);
  std::vector<float> row(static_cast<size_t>(tensor.shape[0]));
  for (int64_t index = 0; index < tensor.shape.row_count(); ++index) {
    dequantize_row(tensor, index, row.data());
    npy.write(row);
  }
  npy.finish();
}

}  // namespace

void set_up_dequantize(CLI::App& app) {
  const auto options = std::make_shared<DequantizeOptions>();
  app.add_option("file", options->model, "A .gguf file, or a model by name")->required();
  app.add_option("tensor", options->tensor, "Its name, such as blk.0.attn_q.weight")->required();
  app.add_option("-o,--output", options->output, "The .npy file to write")->required();
  app.callback([options] { dequantize_to_file(*options); });
}

}  // namespace sparrow::cli
