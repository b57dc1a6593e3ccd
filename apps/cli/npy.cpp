#include "apps/cli/npy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

namespace sparrow::cli {
namespace {

// The header ends with a line break at a multiple of 64 bytes, padded with spaces.
std::string npy_header(const std::vector<int64_t>& shape) {
  constexpr size_t kStart = 10;  // magic, version, length
  const std::string dims =
      fmt::format("{}{}", fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  std::string text =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", dims);
  text.append(63 - (kStart + text.size()) % 64, ' ');
  text += '\n';
  std::string header = "\x93NUMPY\x01";
  header += '\0';
  header += static_cast<char>(text.size() & 0xff);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

}  // namespace

NpyWriter::NpyWriter(const std::string& path, const std::vector<int64_t>& shape)
    : path_(path), file_(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC) {
  for (const int64_t dim : shape) missing_count_ *= dim;
  const std::string header = npy_header(shape);
  write_all(file_, header.data(), header.size(), path_);
}

NpyWriter::~NpyWriter() {
  if (!file_.is_open()) return;
  struct stat status {};
  const bool is_file = ::fstat(file_.descriptor(), &status) == 0 && S_ISREG(status.st_mode);
  file_.close();
  if (is_file) ::unlink(path_.c_str());
}

void NpyWriter::write(std::span<const float> values) {
  missing_count_ -= static_cast<int64_t>(values.size());
  SPARROW_CHECK(missing_count_ >= 0);
  write_all(file_, values.data(), values.size_bytes(), path_);
}

void NpyWriter::finish() {
  SPARROW_CHECK(missing_count_ == 0);
  file_.close();
}

}  // namespace sparrow::cli
