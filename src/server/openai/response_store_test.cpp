#include "server/openai/response_store.h"

#include <gtest/gtest.h>

namespace sparrow::openai {
namespace {

KeptResponse response(const std::string& id, size_t size_bytes = 10, const std::string& key = "") {
  return {.id = id,
          .key_name = key,
          .response = {{"id", id}},
          .messages = {{.role = "user", .content = std::string(size_bytes, 'x')}}};
}

TEST(ResponseStore, forgets_the_oldest_where_room_is_short) {
  ResponseStore store(10'000);
  for (const char* id : {"a", "b", "c"}) store.put(response(id, 4000));
  EXPECT_FALSE(store.find("a", ""));
  EXPECT_TRUE(store.find("b", ""));
  EXPECT_TRUE(store.find("c", ""));
  EXPECT_LE(store.size_bytes(), 10'000);
  store.put(response("d", 20'000));
  EXPECT_FALSE(store.find("d", ""));
  EXPECT_TRUE(store.find("c", ""));
}

TEST(ResponseStore, shows_a_response_to_its_key_only) {
  ResponseStore store;
  store.put(response("a", 10, "ann"));
  EXPECT_FALSE(store.find("a", "bob"));
  EXPECT_FALSE(store.remove("a", "bob"));
  EXPECT_TRUE(store.find("a", "ann"));
  EXPECT_TRUE(store.remove("a", "ann"));
  EXPECT_FALSE(store.remove("a", "ann"));
  EXPECT_EQ(store.size_bytes(), 0);
}

}  // namespace
}  // namespace sparrow::openai
