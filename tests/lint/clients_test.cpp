// The table of clients in docs/server.md against the one that scripts/test_clients reads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/lint/source_tree.h"

namespace sparrow::lint {
namespace {

const std::filesystem::path kRoot = SPARROW_SOURCE_DIR;

// "| `ollama-js` | ollama 0.6.4 |" of "ollama-js  ollama@0.6.4".
std::string documented(const std::string& row) {
  std::istringstream words(row);
  std::string name, packages;
  words >> name;
  for (std::string package; words >> package;) {
    package[package.rfind('@')] = ' ';  // a package of npm may begin with one, too
    packages += (packages.empty() ? "" : ", ") + package;
  }
  return "| `" + name + "` | " + packages + " |";
}

TEST(Clients, every_client_is_documented_in_the_version_that_is_tested) {
  const std::string docs = read_text(kRoot / "docs/server.md");
  std::istringstream table(read_text(kRoot / "tests/server/clients/clients.txt"));
  int count = 0;
  for (std::string row; std::getline(table, row);) {
    if (row.empty() || row[0] == '#') continue;
    ++count;
    EXPECT_THAT(docs, testing::HasSubstr(documented(row)));
    const std::string script =
        row.substr(0, row.find(' ')) + (row.find("-js ") < row.find('@') ? ".mjs" : ".py");
    EXPECT_TRUE(std::filesystem::exists(kRoot / "tests/server/clients" / script)) << script;
  }
  EXPECT_GT(count, 0);
}

}  // namespace
}  // namespace sparrow::lint
