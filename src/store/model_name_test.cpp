#include "store/model_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sparrow/error.h"

namespace sparrow {
namespace {

std::string error_of(std::string_view text) {
  try {
    parse_model_name(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return "no error";
}

TEST(ModelName, fills_in_ollamas_defaults) {
  const ModelName name = parse_model_name("qwen2.5-coder");
  EXPECT_EQ(name.full_text(), "registry.ollama.ai/library/qwen2.5-coder:latest");
  EXPECT_EQ(name.short_text(), "qwen2.5-coder");
}

TEST(ModelName, keeps_every_part_that_is_given) {
  const ModelName name = parse_model_name("localhost:5000/me/My_Model.v2:Q4_K_M");
  EXPECT_EQ(name.host, "localhost:5000");
  EXPECT_EQ(name.name_space, "me");
  EXPECT_EQ(name.model, "My_Model.v2");
  EXPECT_EQ(name.tag, "Q4_K_M");
  EXPECT_EQ(name.short_text(), "localhost:5000/me/My_Model.v2:Q4_K_M");
  EXPECT_EQ(parse_model_name("Qwen/Qwen3-4B").short_text(), "Qwen/Qwen3-4B");
  EXPECT_EQ(parse_model_name("https://hf.co/a/b").host, "hf.co");
}

TEST(ModelName, takes_a_digest_and_refuses_a_broken_one) {
  const std::string hex(64, 'a');
  EXPECT_EQ(parse_model_name("m:t@sha256:" + hex).digest, hex);
  EXPECT_EQ(parse_model_name("m@sha256:" + std::string(64, 'A')).digest, hex);
  for (const std::string bad : {"m@", "m@sha256:", "m@md5:00", "m@sha256:12", "m@@"}) {
    EXPECT_THAT(error_of(bad), testing::HasSubstr("64 hex digits")) << bad;
  }
}

TEST(ModelName, compares_without_case) {
  EXPECT_TRUE(same_model(parse_model_name("QWEN/Qwen3:Q4"), parse_model_name("qwen/qwen3:q4")));
  EXPECT_FALSE(same_model(parse_model_name("qwen3:a"), parse_model_name("qwen3:b")));
}

TEST(ModelName, refuses_what_could_leave_the_store) {
  for (const std::string bad :
       {"",        "..",   ".",  "../x",      "a/../b",    "a/b/../c",        "/etc/passwd", "a//b",
        "a/b/c/d", "a:",   ":a", "-a",        "a:-b",      "a:.hidden",       "a:..",        "a\\b",
        "a b",     "a\nb", "é",  "a:b/c:d:e", "a%2e%2e/b", "host:1/ns/m:t:u", "~/x"}) {
    EXPECT_NE(error_of(bad), "no error") << bad;
  }
  EXPECT_NE(error_of(std::string("a\0b", 3)), "no error");
}

TEST(ModelName, has_limits_on_each_part) {
  EXPECT_NO_THROW(parse_model_name(std::string(80, 'm') + ":" + std::string(80, 't')));
  EXPECT_THAT(error_of(std::string(81, 'm')), testing::HasSubstr("81 characters, at most 80"));
  EXPECT_THAT(error_of("m:" + std::string(81, 't')), testing::HasSubstr("the tag"));
  EXPECT_THAT(error_of(std::string(81, 'n') + "/m"), testing::HasSubstr("the namespace"));
  EXPECT_NO_THROW(parse_model_name(std::string(350, 'h') + "/n/m"));
  EXPECT_THAT(error_of(std::string(351, 'h') + "/n/m"), testing::HasSubstr("the host"));
  EXPECT_THAT(error_of(std::string(100000, 'm')), testing::HasSubstr("at most 1024"));
}

}  // namespace
}  // namespace sparrow
