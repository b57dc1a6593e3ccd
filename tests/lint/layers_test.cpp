// Includes go down only: every include of the tree against the table in layers.txt.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "tests/lint/source_tree.h"

namespace sparrow::lint {
namespace {

const std::filesystem::path kRoot = SPARROW_SOURCE_DIR;

// "src/gguf/gguf_reader.cpp" -> "gguf"; empty outside src/.
std::string module_of(const std::string& path) {
  if (!path.starts_with("src/")) return "";
  const size_t end = path.find('/', 4);
  return end == std::string::npos ? "" : path.substr(4, end - 4);
}

std::map<std::string, std::set<std::string>> read_layers() {
  std::map<std::string, std::set<std::string>> layers;
  std::istringstream text(read_text(kRoot / "tests/lint/layers.txt"));
  for (std::string line; std::getline(text, line);) {
    if (line.empty() || line[0] == '#') continue;
    const size_t colon = line.find(':');
    std::istringstream allowed(line.substr(colon + 1));
    std::set<std::string>& row = layers[line.substr(0, colon)];
    for (std::string name; allowed >> name;) row.insert(name);
  }
  return layers;
}

bool is_test(const std::string& path) {
  return path.ends_with("_test.cpp") || path.ends_with("_test.c");
}

TEST(Layers, every_include_goes_down) {
  const auto layers = read_layers();
  ASSERT_FALSE(layers.empty());
  for (const SourceFile& file : source_files(kRoot, {"src"})) {
    const std::string from = module_of(file.path);
    ASSERT_TRUE(layers.contains(from))
        << file.path << ": module '" << from << "' has no row in layers.txt";
    for (const Include& include : file.includes) {
      if (!include.is_quoted || include.path.starts_with("sparrow/")) continue;
      const std::string where =
          file.path + ":" + std::to_string(include.line) + " includes \"" + include.path + "\"";
      if (include.path.starts_with("tests/")) {
        EXPECT_TRUE(is_test(file.path)) << where << ": only tests may use tests/";
        continue;
      }
      const size_t slash = include.path.find('/');
      ASSERT_NE(slash, std::string::npos) << where << ": write the path from src/";
      const std::string to = include.path.substr(0, slash);
      if (to == from || is_test(file.path)) continue;
      EXPECT_TRUE(layers.at(from).contains(to))
          << where << ": " << from << " may not include " << to;
    }
  }
}

TEST(Layers, the_table_has_no_cycle) {
  const auto layers = read_layers();
  std::set<std::string> done;
  for (size_t round = 0; round <= layers.size(); ++round) {
    for (const auto& [module, below] : layers) {
      bool is_ready = true;
      for (const std::string& name : below) is_ready = is_ready && done.contains(name);
      if (is_ready) done.insert(module);
    }
  }
  EXPECT_EQ(done.size(), layers.size());
}

TEST(Layers, public_headers_include_only_the_standard_library_and_each_other) {
  for (const SourceFile& file : source_files(kRoot, {"include"})) {
    const size_t most = file.path.ends_with("c_api.h") ? 400 : 200;  // C has but one
    EXPECT_LT(file.lines.size(), most) << file.path;
    for (const Include& include : file.includes) {
      const bool is_own = include.is_quoted && include.path.starts_with("sparrow/");
      const bool is_standard = !include.is_quoted && include.path.find('/') == std::string::npos;
      EXPECT_TRUE(is_own || is_standard)
          << file.path << ":" << include.line << " includes " << include.path;
    }
  }
}

TEST(Layers, kernels_include_nothing_but_intrinsics_integers_and_block_layouts) {
  const std::set<std::string> allowed = {"cstdint", "cstddef", "immintrin.h", "arm_neon.h"};
  for (const SourceFile& file : source_files(kRoot, {"src/kernels"})) {
    // The dispatch and its tests are ordinary code; the leaf folders are what must not leak.
    const bool is_leaf =
        file.path.find('/', std::string("src/kernels/").size()) != std::string::npos;
    if (!is_leaf || is_test(file.path)) continue;
    for (const Include& include : file.includes) {
      const bool is_own = include.is_quoted && (include.path.starts_with("kernels/") ||
                                                include.path == "tensor/formats/blocks.h");
      EXPECT_TRUE(is_own || allowed.contains(include.path))
          << file.path << ":" << include.line << " includes " << include.path;
    }
  }
}

TEST(Layers, every_source_file_is_named_in_its_folders_cmake_list) {
  for (const SourceFile& file : source_files(kRoot, {"src", "apps", "tests", "bench"})) {
    if (file.path.ends_with(".h")) continue;
    // The list may stand in any folder above, then with the path from there.
    bool is_named = false;
    const std::filesystem::path path = file.path;
    for (auto folder = path.parent_path(); !folder.empty() && !is_named;
         folder = folder.parent_path()) {
      const std::string list = read_text(kRoot / folder / "CMakeLists.txt");
      const std::string name = path.lexically_relative(folder).generic_string();
      // Fuzz targets and benches are named by their stem.
      const std::string stem = path.stem().string();
      is_named = list.find(name) != std::string::npos ||
                 (list.find(stem) != std::string::npos &&
                  (file.path.starts_with("tests/fuzz/") || file.path.starts_with("bench/")));
    }
    EXPECT_TRUE(is_named) << file.path << " stands in no CMakeLists.txt";
  }
}

TEST(Layers, architecture_md_names_every_folder_that_stands) {
  const std::string text = read_text(kRoot / "ARCHITECTURE.md");
  const auto layers = read_layers();
  for (const auto& entry : std::filesystem::directory_iterator(kRoot / "src")) {
    if (!entry.is_directory() || !std::filesystem::exists(entry.path() / "CMakeLists.txt"))
      continue;
    const std::string name = entry.path().filename().string();
    EXPECT_NE(text.find("`src/" + name + "`"), std::string::npos)
        << "ARCHITECTURE.md lacks `src/" << name << "`";
  }
  // And names nothing that is not there: each `src/x` it writes exists.
  for (size_t at = text.find("`src/"); at != std::string::npos; at = text.find("`src/", at + 1)) {
    const std::string path = text.substr(at + 1, text.find('`', at + 1) - at - 1);
    if (path.find('<') != std::string::npos) continue;
    EXPECT_TRUE(std::filesystem::exists(kRoot / path)) << "ARCHITECTURE.md names " << path;
  }
}

}  // namespace
}  // namespace sparrow::lint
