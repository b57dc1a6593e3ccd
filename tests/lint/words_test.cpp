// What must not stand in the code: calls that break on hostile input, the environment read in
// passing, intrinsics outside the kernels, unfinished work.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/lint/source_tree.h"

namespace sparrow::lint {
namespace {

const std::filesystem::path kRoot = SPARROW_SOURCE_DIR;

struct BannedWord {
  const char* word;
  const char* reason;
  std::vector<const char*> allowed_in;  // path prefixes
};

bool is_word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Whole words only: "getenv" is not found in "forgetenvy".
bool has_word(const std::string& line, const std::string& word) {
  for (size_t at = line.find(word); at != std::string::npos; at = line.find(word, at + 1)) {
    const bool starts =
        at == 0 || !is_word_character(line[at - 1]) || !is_word_character(word.front());
    const size_t end = at + word.size();
    const bool ends =
        end == line.size() || !is_word_character(line[end]) || !is_word_character(word.back());
    if (starts && ends) return true;
  }
  return false;
}

TEST(Words, dangerous_calls_and_unfinished_work_stand_nowhere) {
  const std::vector<BannedWord> banned = {
      {"getenv", "read the environment through base/config_env.h", {"src/base/config_env.cpp"}},
      {"std::regex", "it recurses once per character", {}},
      {"stoi", "it takes signs and throws foreign exceptions", {}},
      {"stol", "it takes signs and throws foreign exceptions", {}},
      {"stoul", "it takes signs and wraps", {}},
      {"strtoul", "it takes signs and wraps", {}},
      {"atoi", "it has no error", {}},
      {"sprintf", "it has no bound", {}},
      {"strcpy", "it has no bound", {}},
      {"system(", "no shell is ever started", {}},
      {"popen(", "no shell is ever started", {}},
      {"std::terminate", "a library never ends its caller", {}},
      {"immintrin.h", "intrinsics live in src/kernels", {"src/kernels/"}},
      {"arm_neon.h", "intrinsics live in src/kernels", {"src/kernels/"}},
      {"TODO", "finish it or file an issue", {}},
      {"FIXME", "finish it or file an issue", {}},
      {"GTEST_SKIP",
       "a check that is skipped is a defect; select it by the table instead",
       {"src/kernels/", "tests/conformance/"}},
  };
  for (const SourceFile& file : source_files(kRoot, {"include", "src", "apps", "tests", "bench"})) {
    if (file.path == "tests/lint/words_test.cpp" || file.path == "tests/lint/layers_test.cpp")
      continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      for (const BannedWord& row : banned) {
        const bool is_allowed =
            std::any_of(row.allowed_in.begin(), row.allowed_in.end(),
                        [&](const char* prefix) { return file.path.starts_with(prefix); });
        if (is_allowed) continue;
        EXPECT_FALSE(has_word(file.lines[i], row.word))
            << file.path << ":" << i + 1 << ": " << row.word << ": " << row.reason;
      }
    }
  }
}

TEST(Words, headers_say_pragma_once_and_nobody_uses_a_whole_namespace) {
  for (const SourceFile& file : source_files(kRoot, {"include", "src", "apps", "tests", "bench"})) {
    bool has_pragma = false;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      has_pragma = has_pragma || file.lines[i] == "#pragma once";
      EXPECT_FALSE(file.lines[i].starts_with("using namespace")) << file.path << ":" << i + 1;
    }
    if (file.path.ends_with(".h")) {
      EXPECT_TRUE(has_pragma || file.path.ends_with("c_api.h"))
          << file.path << " lacks #pragma once";
    }
  }
}

TEST(Words, every_file_of_src_opens_by_saying_what_it_is) {
  for (const SourceFile& file : source_files(kRoot, {"include", "src", "apps"})) {
    if (!file.path.ends_with(".h")) continue;  // the header speaks for its .cpp
    ASSERT_FALSE(file.lines.empty()) << file.path;
    const std::string& first = file.lines[0];
    EXPECT_TRUE(first.starts_with("//") || first.starts_with("/*"))
        << file.path << " opens without a comment";
  }
}

}  // namespace
}  // namespace sparrow::lint
