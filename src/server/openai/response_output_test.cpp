#include "server/openai/response_output.h"

#include <gtest/gtest.h>

#include <vector>

namespace sparrow::openai {
namespace {

TEST(ResponseOutput, finishes_each_item_before_the_next) {
  std::vector<std::string> types;
  std::vector<int> places;
  ResponseOutput output([&](std::string_view type, const Json& fields) {
    types.emplace_back(type.substr(std::string_view("response.").size()));
    places.push_back(fields["output_index"].get<int>());
  });
  output.add({.content = "", .reasoning = "hm", .tool_calls = {}}, Json::array());
  output.add({.content = "so", .reasoning = "", .tool_calls = {}}, Json::array());
  output.add({.content = "",
              .reasoning = "",
              .tool_calls = {{.index = 0, .call = {"c1", "f", R"({"a":1})"}},
                             {.index = 1, .call = {"c2", "g", ""}}}},
             Json::array());
  output.finish("completed");
  EXPECT_EQ(types, (std::vector<std::string>{"output_item.added",
                                             "content_part.added",
                                             "reasoning_text.delta",
                                             "reasoning_text.done",
                                             "content_part.done",
                                             "output_item.done",
                                             "output_item.added",
                                             "content_part.added",
                                             "output_text.delta",
                                             "output_text.done",
                                             "content_part.done",
                                             "output_item.done",
                                             "output_item.added",
                                             "function_call_arguments.delta",
                                             "function_call_arguments.done",
                                             "output_item.done",
                                             "output_item.added",
                                             "function_call_arguments.delta",
                                             "function_call_arguments.done",
                                             "output_item.done"}));
  EXPECT_TRUE(std::is_sorted(places.begin(), places.end()));
  ASSERT_EQ(output.items().size(), 4u);
  EXPECT_EQ(output.items()[2]["arguments"], R"({"a":1})");
  EXPECT_EQ(output.items()[3]["arguments"], "{}");
  EXPECT_EQ(output.message().content, "so");
  EXPECT_EQ(output.message().reasoning, "hm");
  EXPECT_EQ(output.message().tool_calls.size(), 2u);
}

TEST(ResponseOutput, is_an_empty_message_where_nothing_was_said) {
  ResponseOutput output([](std::string_view, const Json&) {});
  output.finish("completed");
  ASSERT_EQ(output.items().size(), 1u);
  EXPECT_EQ(output.items()[0]["content"][0]["text"], "");
}

}  // namespace
}  // namespace sparrow::openai
