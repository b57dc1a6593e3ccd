#include "gguf/metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "gguf/gguf_file.h"
#include "gguf/writer.h"
#include "sparrow/error.h"

namespace sparrow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Metadata metadata_of(std::vector<GgufEntry> entries) { return Metadata(std::move(entries)); }

std::string refusal(const std::function<void()>& read) {
  try {
    read();
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_file);
    return error.what();
  }
}

TEST(Metadata, integers_of_any_width_convert_where_the_value_fits) {
  const Metadata metadata = metadata_of({{"small", GgufType::uint8, uint64_t{255}},
                                         {"signed", GgufType::int16, int64_t{7}},
                                         {"negative", GgufType::int32, int64_t{-1}},
                                         {"huge", GgufType::uint64, UINT64_MAX}});
  EXPECT_EQ(metadata.get_uint("small"), 255u);
  EXPECT_EQ(metadata.find_int("small"), 255);
  EXPECT_EQ(metadata.get_uint("signed"), 7u);
  EXPECT_EQ(metadata.find_int("negative"), -1);
  EXPECT_EQ(metadata.get_uint("huge"), UINT64_MAX);
  EXPECT_EQ(refusal([&] { metadata.get_uint("negative"); }),
            "key 'negative' must be a whole number from 0 on, is -1");
  EXPECT_EQ(refusal([&] { metadata.find_int("huge"); }),
            "key 'huge' must be a whole number of 64 bits, is 18446744073709551615");
}

TEST(Metadata, a_read_of_the_wrong_type_names_both) {
  const std::vector<uint8_t> bytes = {1, 2};
  const GgufNumberArray array{GgufType::uint8, reinterpret_cast<const std::byte*>(bytes.data()), 2};
  const Metadata metadata =
      metadata_of({{"text", GgufType::string, std::string_view("x")},
                   {"number", GgufType::float32, 1.5},
                   {"flag", GgufType::boolean, true},
                   {"words", GgufType::array, std::vector<std::string_view>{"a"}},
                   {"bytes", GgufType::array, array}});
  EXPECT_EQ(refusal([&] { metadata.get_uint("text"); }),
            "key 'text' must be a whole number from 0 on, is a string");
  EXPECT_EQ(refusal([&] { metadata.get_uint("number"); }),
            "key 'number' must be a whole number from 0 on, is a float32");
  EXPECT_EQ(refusal([&] { metadata.get_uint("flag"); }),
            "key 'flag' must be a whole number from 0 on, is a bool");
  EXPECT_EQ(refusal([&] { metadata.get_float("text"); }),
            "key 'text' must be a float32 or float64, is a string");
  EXPECT_EQ(refusal([&] { metadata.find_bool("number"); }),
            "key 'number' must be a bool, is a float32");
  EXPECT_EQ(refusal([&] { metadata.get_string("words"); }),
            "key 'words' must be a string, is an array of string");
  EXPECT_EQ(refusal([&] { metadata.get_strings("bytes"); }),
            "key 'bytes' must be an array of string, is an array of uint8");
  EXPECT_EQ(refusal([&] { metadata.find_floats("bytes"); }),
            "key 'bytes' must be an array of float32 or float64, is an array of uint8");
  EXPECT_EQ(refusal([&] { metadata.find_ints("words"); }),
            "key 'words' must be an array of whole numbers, is an array of string");
}

TEST(Metadata, what_is_absent_is_empty_or_said_to_be_missing) {
  const Metadata metadata;
  EXPECT_FALSE(metadata.has("a"));
  EXPECT_EQ(metadata.find_uint("a"), std::nullopt);
  EXPECT_EQ(metadata.find_string("a"), std::nullopt);
  EXPECT_EQ(metadata.find_strings("a"), nullptr);
  EXPECT_EQ(metadata.find_floats("a"), std::nullopt);
  EXPECT_EQ(refusal([&] { metadata.get_uint("a"); }), "key 'a' is missing");
  EXPECT_EQ(refusal([&] { metadata.get_float("a"); }), "key 'a' is missing");
  EXPECT_EQ(refusal([&] { metadata.get_string("a"); }), "key 'a' is missing");
  EXPECT_EQ(refusal([&] { metadata.get_strings("a"); }), "key 'a' is missing");
}

TEST(Metadata, arrays_are_read_at_any_alignment_and_width) {
  std::vector<std::byte> storage(64);
  const auto put = [&](size_t at, auto value) {
    std::memcpy(storage.data() + at, &value, sizeof(value));
    return storage.data() + at;
  };
  put(1, int16_t{-5});
  const std::byte* shorts = storage.data() + 1;
  put(3, int16_t{300});
  const std::byte* floats = put(7, 0.5f);
  const std::byte* doubles = put(13, 0.25);
  const std::byte* huge = put(23, UINT64_MAX);
  const Metadata metadata =
      metadata_of({{"shorts", GgufType::array, GgufNumberArray{GgufType::int16, shorts, 2}},
                   {"floats", GgufType::array, GgufNumberArray{GgufType::float32, floats, 1}},
                   {"doubles", GgufType::array, GgufNumberArray{GgufType::float64, doubles, 1}},
                   {"huge", GgufType::array, GgufNumberArray{GgufType::uint64, huge, 1}}});
  EXPECT_THAT(*metadata.find_ints("shorts"), ElementsAre(-5, 300));
  EXPECT_THAT(*metadata.find_floats("floats"), ElementsAre(0.5f));
  EXPECT_THAT(*metadata.find_floats("doubles"), ElementsAre(0.25f));
  EXPECT_THAT(refusal([&] { metadata.find_ints("huge"); }),
              HasSubstr("element 0 of key 'huge' is 18446744073709551615"));
}

TEST(Metadata, types_have_the_names_of_the_specification) {
  EXPECT_EQ(gguf_type_name(GgufType::boolean), "bool");
  EXPECT_EQ(gguf_type_name(GgufType::float64), "float64");
  EXPECT_EQ(gguf_type_name(static_cast<GgufType>(13)), "unknown type");
}

}  // namespace
}  // namespace sparrow
