#include "tensor/tensor.h"

namespace sparrow {

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (int axis = 0; axis < shape.rank; ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string(shape[axis]);
  }
  return text + "]";
}

std::vector<float> dequantize(const Tensor& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.shape.count()));
  tensor.format->dequantize(tensor.data, values.data(),
                            tensor.shape.count() / tensor.format->block_values);
  return values;
}

void dequantize_row(const Tensor& tensor, int64_t row, float* out) {
  tensor.format->dequantize(tensor.row(row), out, tensor.shape[0] / tensor.format->block_values);
}

}  // namespace sparrow
