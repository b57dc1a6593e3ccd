#include "tests/lint/source_tree.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace sparrow::lint {
namespace {

std::vector<Include> includes_of(const std::vector<std::string>& lines) {
  std::vector<Include> found;
  for (size_t i = 0; i < lines.size(); ++i) {
    std::string_view line = lines[i];
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (!line.starts_with("#include")) continue;
    const size_t open = line.find_first_of("<\"");
    const size_t close = line.find_last_of(">\"");
    if (open == std::string_view::npos || close <= open) continue;
    found.push_back({static_cast<int>(i) + 1, std::string(line.substr(open + 1, close - open - 1)),
                     line[open] == '"'});
  }
  return found;
}

}  // namespace

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<SourceFile> source_files(const std::filesystem::path& root,
                                     const std::vector<std::string>& folders) {
  std::vector<SourceFile> files;
  for (const std::string& folder : folders) {
    if (!std::filesystem::exists(root / folder)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      const std::string extension = entry.path().extension().string();
      if (!entry.is_regular_file() ||
          (extension != ".h" && extension != ".cpp" && extension != ".c"))
        continue;
      SourceFile file;
      file.path = std::filesystem::relative(entry.path(), root).generic_string();
      std::istringstream text(read_text(entry.path()));
      for (std::string line; std::getline(text, line);) file.lines.push_back(line);
      file.includes = includes_of(file.lines);
      files.push_back(std::move(file));
    }
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

}  // namespace sparrow::lint
