// What tests of files need: a folder that is gone afterwards, an environment that is as before, and
// bytes that look random and never differ.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "base/config_env.h"

namespace sparrow {

class TestFolder {
 public:
  TestFolder() {
    std::string pattern = std::filesystem::temp_directory_path() / "sparrow-test-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TestFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

class TestVariable {
 public:
  TestVariable(std::string name, const std::string& value)
      : name_(std::move(name)), former_(config_env(name_.c_str())) {
    ::setenv(name_.c_str(), value.c_str(), 1);
  }
  ~TestVariable() {
    if (former_) {
      ::setenv(name_.c_str(), former_->c_str(), 1);
    } else {
      ::unsetenv(name_.c_str());
    }
  }
  TestVariable(const TestVariable&) = delete;
  TestVariable& operator=(const TestVariable&) = delete;

 private:
  std::string name_;
  std::optional<std::string> former_;
};

inline std::string test_bytes(size_t count, uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  std::string bytes(count, '\0');
  for (size_t i = 0; i < count; i += 8) {
    const uint64_t word = random();
    for (size_t j = i; j < count && j < i + 8; ++j)
      bytes[j] = static_cast<char>(word >> (8 * (j - i)));
  }
  return bytes;
}

inline void write_test_file(const std::string& path, std::string_view text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_test_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace sparrow
