#include "apps/cli/model_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sparrow::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kDigest = "0123456789abcdef" + std::string(48, 'f');

TEST(ModelTable, shows_the_first_12_digits_of_a_digest_as_its_id) {
  const std::string table = model_table({{.name = "tiny:1", .digest = kDigest}}, "");
  EXPECT_THAT(table, testing::MatchesRegex("NAME +ID +SIZE +MODIFIED\ntiny:1 +0123456789ab +.*\n"));
}

TEST(ModelTable, has_the_names_that_begin_so_in_any_case) {
  const std::vector<ListedModel> models = {{.name = "Tiny:1", .digest = kDigest},
                                           {.name = "other:1", .digest = kDigest}};
  const std::string table = model_table(models, "tINY");
  EXPECT_THAT(table, HasSubstr("Tiny:1"));
  EXPECT_THAT(table, Not(HasSubstr("other")));
}

}  // namespace
}  // namespace sparrow::cli
