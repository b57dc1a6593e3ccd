// Writes arrays of floats as NumPy's .npy files (format 1.0), row by row, so that an array never
// has to fit into memory.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "store/disk.h"

namespace sparrow::cli {

// Used by one thread.
class NpyWriter {
 public:
  // `shape` in NumPy's order: slowest dimension first. Throws Error{io}, as write() and finish().
  NpyWriter(const std::string& path, const std::vector<int64_t>& shape);
  // A file that was not finished is deleted.
  ~NpyWriter();
  NpyWriter(const NpyWriter&) = delete;
  NpyWriter& operator=(const NpyWriter&) = delete;

  // The next values, in C order: all calls together give as many as the shape has.
  void write(std::span<const float> values);
  void finish();

 private:
  std::string path_;
  OpenFile file_;
  int64_t missing_count_ = 1;
};

}  // namespace sparrow::cli
