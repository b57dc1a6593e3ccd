// Where the fields of a (possibly broken) GGUF file are, for mutations that know the format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sparrow::test_support {

enum class FieldGroup { header, metadata, tensors };

// A number in the file.
struct Field {
  FieldGroup group = FieldGroup::header;
  size_t offset = 0;
  size_t width = 0;  // bytes
};

// One key with its value, or one line of the tensor directory.
struct Item {
  FieldGroup group = FieldGroup::metadata;
  size_t begin = 0;
  size_t end = 0;
};

struct Layout {
  std::vector<Field> fields;
  std::vector<Item> items;
  size_t data_begin = 0;  // after the directory, before its padding
};

// As far as the bytes make sense; what follows is unknown and left out.
Layout find_fields(const std::vector<uint8_t>& bytes);

}  // namespace sparrow::test_support
