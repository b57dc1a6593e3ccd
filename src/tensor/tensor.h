// A view of numbers somewhere in memory: pointer, format and shape. Never owns.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tensor/formats/format.h"

namespace sparrow {

// Fastest dimension first, as in GGUF: a weight matrix of `out` rows and `in` columns is {in, out}.
struct Shape {
  std::array<int64_t, 4> dims = {1, 1, 1, 1};
  int rank = 0;

  int64_t operator[](int axis) const { return dims[static_cast<size_t>(axis)]; }
  int64_t count() const { return dims[0] * dims[1] * dims[2] * dims[3]; }
  int64_t row_count() const { return dims[1] * dims[2] * dims[3]; }
  friend bool operator==(const Shape&, const Shape&) = default;
};

// "[2560, 9728]", fastest dimension first.
std::string to_string(const Shape& shape);

struct Tensor {
  const std::byte* data = nullptr;
  const Format* format = nullptr;
  Shape shape;

  int64_t row_bytes() const { return shape[0] / format->block_values * format->block_bytes; }
  int64_t size_bytes() const { return row_bytes() * shape.row_count(); }
  const std::byte* row(int64_t index) const { return data + index * row_bytes(); }
};

// Every value as f32, in storage order, by the format's reference.
std::vector<float> dequantize(const Tensor& tensor);

// One row (of shape[0] values) into `out`.
void dequantize_row(const Tensor& tensor, int64_t row, float* out);

}  // namespace sparrow
