#include "server/exposure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace sparrow {
namespace {

using testing::HasSubstr;

TEST(Exposure, loopback_needs_no_key) {
  http::ServerOptions options;
  options.addresses = {"127.0.0.1:1", "[::1]:1", "localhost:1", "127.8.0.1:1"};
  EXPECT_FALSE(check_exposure(options, false));
}

TEST(Exposure, other_addresses_need_a_key_or_the_word_that_none_is_wanted) {
  for (const char* address : {"0.0.0.0:11434", "[::]:1", "192.168.1.7:80", "example.org:80"}) {
    http::ServerOptions options;
    options.addresses = {"127.0.0.1:1", address};
    try {
      check_exposure(options, false);
      ADD_FAILURE() << address;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(address));
      EXPECT_THAT(error.what(), HasSubstr("--keys FILE"));
      EXPECT_THAT(error.what(), HasSubstr("--allow-anonymous"));
    }
    EXPECT_TRUE(check_exposure(options, true));
    options.access.keys.emplace_back();
    EXPECT_FALSE(check_exposure(options, false));
  }
}

}  // namespace
}  // namespace sparrow
