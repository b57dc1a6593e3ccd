// The checkout as the lint tests see it: files, their lines, their includes.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sparrow::lint {

struct Include {
  int line = 0;
  std::string path;
  bool is_quoted = false;  // "x" rather than <x>
};

struct SourceFile {
  std::string path;  // relative to the root, with '/'
  std::vector<std::string> lines;
  std::vector<Include> includes;
};

// C and C++ files below the given top folders of `root`, sorted by path.
std::vector<SourceFile> source_files(const std::filesystem::path& root,
                                     const std::vector<std::string>& folders);

std::string read_text(const std::filesystem::path& path);

}  // namespace sparrow::lint
