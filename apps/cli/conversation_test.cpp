#include "apps/cli/conversation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/cli/numbers.h"
#include "sparrow/error.h"

namespace sparrow::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// One token for each byte of a message, and one to end it.
std::vector<TokenId> encode(const std::vector<Message>& messages) {
  std::vector<TokenId> ids;
  for (const Message& message : messages) {
    ids.insert(ids.end(), message.content.size(), message.content.empty() ? 0 : message.content[0]);
    ids.push_back(0);
  }
  return ids;
}

// As a session does it: what is dropped stays away.
FittedPrompt fit(Conversation& conversation, const ContextRoom& room) {
  FittedPrompt prompt = fit_messages(conversation.seen(), room, encode);
  conversation.drop(prompt.dropped);
  return prompt;
}

// Turns of 10 tokens each, and a last message of 5.
Conversation talk(int turns) {
  Conversation conversation;
  for (int i = 0; i < turns; ++i) {
    conversation.add("user", "uuuu");
    conversation.add("assistant", "aaaa");
  }
  conversation.add("user", "last");
  return conversation;
}

TEST(Conversation, a_talk_that_fits_is_kept_whole) {
  Conversation conversation = talk(3);
  const FittedPrompt prompt = fit(conversation, {43, 8});
  EXPECT_EQ(prompt.ids.size(), 35u);
  EXPECT_EQ(prompt.dropped, 0);
}

TEST(Conversation, the_oldest_turns_go_whole_until_there_is_room) {
  Conversation conversation = talk(3);
  FittedPrompt prompt = fit(conversation, {42, 8});
  EXPECT_EQ(prompt.ids.size(), 25u);
  EXPECT_EQ(prompt.dropped, 2);
  EXPECT_EQ(conversation.dropped_count(), 2);
  EXPECT_EQ(conversation.messages().size(), 7u);  // to be saved, all of them
  // Once gone they stay away, so that what follows finds its beginning in the cache.
  prompt = fit(conversation, {1000, 8});
  EXPECT_EQ(prompt.ids.size(), 25u);
  EXPECT_EQ(prompt.dropped, 0);
}

TEST(Conversation, the_system_message_stays) {
  Conversation conversation = talk(3);
  conversation.set_system_message("sss");
  const FittedPrompt prompt = fit(conversation, {30, 8});
  EXPECT_EQ(prompt.ids.size(), 19u);
  EXPECT_EQ(prompt.ids.front(), 's');
  EXPECT_EQ(prompt.dropped, 4);
}

TEST(Conversation, the_last_message_may_take_the_answer_s_room_but_not_all) {
  Conversation conversation = talk(1);
  EXPECT_EQ(fit(conversation, {6, 3}).ids.size(), 5u);
  Conversation again = talk(0);
  try {
    fit(again, {5, 3});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::context_full);
    EXPECT_THAT(error.what(), HasSubstr("has 5 tokens"));
    EXPECT_THAT(error.what(), HasSubstr("the context has 5"));
  }
}

TEST(Conversation, a_message_taken_back_or_cleared_leaves_nothing_behind) {
  Conversation conversation = talk(3);
  fit(conversation, {10, 1});
  EXPECT_EQ(conversation.dropped_count(), 6);
  conversation.remove_last();
  EXPECT_EQ(conversation.dropped_count(), 6);
  conversation.remove_last();
  EXPECT_EQ(conversation.dropped_count(), 5);
  conversation.clear();
  EXPECT_EQ(conversation.dropped_count(), 0);
  EXPECT_TRUE(conversation.is_empty());
}

TEST(Conversation, room_for_the_answer_is_a_share_of_the_context) {
  EXPECT_EQ(answer_room(32768, -1), 1024);
  EXPECT_EQ(answer_room(512, -1), 64);
  EXPECT_EQ(answer_room(32768, 10), 10);
  EXPECT_EQ(answer_room(512, 100), 64);
}

TEST(Conversation, saved_messages_come_back) {
  const Conversation conversation = talk(1);
  const Json json = messages_to_json(conversation.messages());
  EXPECT_EQ(json.dump(),
            R"([{"role":"user","content":"uuuu"},{"role":"assistant","content":"aaaa"},)"
            R"({"role":"user","content":"last"}])");
  EXPECT_EQ(messages_to_json(messages_from_json(json, "m")), json);
  for (const char* bad : {"[1]", "[{}]", R"([{"role":"user"}])", R"([{"role":1,"content":""}])"}) {
    EXPECT_THROW(messages_from_json(parse_json(bad, "test"), "m"), Error) << bad;
  }
}

TEST(Numbers, are_what_people_read) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(32768), "32,768");
  EXPECT_EQ(grouped(-1234567), "-1,234,567");
  EXPECT_EQ(short_time(0.0123), "12ms");
  EXPECT_EQ(short_time(1.526), "1.53s");
  EXPECT_EQ(short_time(125), "2m05s");
}

}  // namespace
}  // namespace sparrow::cli
