#include "sampling/sampling_docs.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace sparrow {
namespace {

TEST(SamplingDocs, the_page_is_what_the_tables_say) {
  std::ifstream file(std::string(SPARROW_SOURCE_DIR) + "/docs/sampling.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), sampling_docs()) << "run scripts/make_docs";
}

}  // namespace
}  // namespace sparrow
