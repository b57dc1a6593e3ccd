// The formats against the gguf package: tests/golden/formats/blocks.json, made by
// scripts/compare_formats.py, which also says how both sides make the same blocks.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include "base/hash.h"
#include "base/json.h"
#include "tensor/formats/format.h"
#include "tensor/tensor.h"

namespace sparrow {
namespace {

using Bytes = std::vector<std::byte>;

Json golden() {
  std::ifstream file(std::string(SPARROW_SOURCE_DIR) + "/tests/golden/formats/blocks.json");
  std::stringstream text;
  text << file.rdbuf();
  return parse_json(text.str(), "blocks.json");
}

Bytes from_hex(const std::string& hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  Bytes bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  return bytes;
}

// SplitMix64's output function (Steele, Lea and Flood 2014).
uint64_t mix(uint64_t state) {
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;
  state = (state ^ (state >> 27)) * 0x94d049bb133111ebu;
  return state ^ (state >> 31);
}

// As make_blocks() of the script: random bytes, every fourth block with extreme scales.
Bytes make_blocks(const Format& format, int64_t count, uint64_t seed,
                  const std::vector<size_t>& scale_offsets, const std::vector<uint16_t>& halves) {
  const size_t block_bytes = static_cast<size_t>(format.block_bytes);
  const size_t size = static_cast<size_t>(count) * block_bytes;
  Bytes bytes(size + 8);
  for (size_t word = 0; 8 * word < size; ++word) {
    const uint64_t value = mix(seed + (word + 1) * 0x9e3779b97f4a7c15u);
    std::memcpy(bytes.data() + 8 * word, &value, 8);
  }
  bytes.resize(size);
  for (size_t index = 0; index < static_cast<size_t>(count); index += 4) {
    size_t turn = index / 4;
    for (const size_t offset : scale_offsets) {
      std::memcpy(bytes.data() + index * block_bytes + offset, &halves[turn % halves.size()], 2);
      turn /= halves.size();
    }
  }
  return bytes;
}

// The values' bits, with one NaN for all.
Bytes values_of(const Format& format, const Bytes& blocks) {
  const int64_t count = static_cast<int64_t>(blocks.size()) / format.block_bytes;
  std::vector<float> values(static_cast<size_t>(count * format.block_values));
  format.dequantize(blocks.data(), values.data(), count);
  for (float& value : values) {
    if (std::isnan(value)) value = std::bit_cast<float>(0x7fc00000u);
  }
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

TEST(Formats, give_the_values_of_the_reference_for_each_block) {
  const Json json = golden();
  for (const Format& format : formats()) {
    const Json& row = json.at("formats").at(std::string(format.name));
    const Bytes blocks = from_hex(row.at("blocks"));
    const Bytes expected = from_hex(row.at("values"));
    const Bytes values = values_of(format, blocks);
    ASSERT_EQ(values.size(), expected.size()) << format.name;
    for (size_t i = 0; i < values.size(); i += 4) {
      ASSERT_EQ(std::memcmp(&values[i], &expected[i], 4), 0) << format.name << ": value " << i / 4;
    }
  }
}

TEST(Formats, give_the_values_of_the_reference_for_extreme_scales_and_many_blocks) {
  const Json json = golden();
  const std::vector<uint16_t> halves = json.at("halves");
  for (const Format& format : formats()) {
    const std::string name(format.name);
    const Json& row = json.at("formats").at(name);
    const std::vector<size_t> offsets = json.at("scales").value(name, std::vector<size_t>());
    const Bytes blocks =
        make_blocks(format, row.at("block_count"), row.at("seed"), offsets, halves);
    const Bytes values = values_of(format, blocks);
    const std::string_view text(reinterpret_cast<const char*>(values.data()), values.size());
    EXPECT_EQ(sha256_hex(text), row.at("sha256").get<std::string>()) << name;
  }
}

TEST(Formats, read_blocks_at_any_address) {
  for (const Format& format : formats()) {
    const Bytes blocks = make_blocks(format, 3, 5, {}, {});
    const Bytes expected = values_of(format, blocks);
    for (size_t shift = 1; shift < 8; ++shift) {
      Bytes shifted(shift);
      shifted.insert(shifted.end(), blocks.begin(), blocks.end());
      std::vector<float> values(static_cast<size_t>(3 * format.block_values));
      format.dequantize(shifted.data() + shift, values.data(), 3);
      for (float& value : values) {
        if (std::isnan(value)) value = std::bit_cast<float>(0x7fc00000u);
      }
      ASSERT_EQ(std::memcmp(values.data(), expected.data(), expected.size()), 0) << format.name;
    }
  }
}

TEST(Formats, a_row_alone_is_the_row_of_the_whole) {
  for (const Format& format : formats()) {
    const int64_t columns = 2 * format.block_values;
    const Bytes blocks = make_blocks(format, 6, 9, {}, {});
    const Tensor tensor = {blocks.data(), &format, {{columns, 3, 1, 1}, 2}};
    const std::vector<float> all = dequantize(tensor);
    std::vector<float> row(static_cast<size_t>(columns));
    for (int64_t index = 0; index < 3; ++index) {
      dequantize_row(tensor, index, row.data());
      EXPECT_EQ(std::memcmp(row.data(), all.data() + index * columns, row.size() * sizeof(float)),
                0)
          << format.name;
    }
  }
}

TEST(Formats, are_the_fifteen_that_sparrow_reads) {
  EXPECT_EQ(format_names(),
            "F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, "
            "IQ4_XS");
  std::set<uint32_t> ids;
  for (const Format& format : formats()) {
    EXPECT_TRUE(ids.insert(format.gguf_id).second) << format.name;
    EXPECT_EQ(find_format(format.gguf_id), &format);
    EXPECT_EQ(find_format(format.name), &format);
    EXPECT_NE(format.dequantize, nullptr);
  }
}

TEST(Formats, are_found_by_name_in_any_case) {
  EXPECT_EQ(find_format("q4_K")->gguf_id, 12u);
  EXPECT_EQ(find_format("bf16")->gguf_id, 30u);
  EXPECT_EQ(find_format("q4"), nullptr);
}

TEST(Formats, others_have_a_name_and_a_size_but_no_row) {
  EXPECT_EQ(find_format(16u), nullptr);
  EXPECT_EQ(format_name(16), "IQ2_XXS");
  EXPECT_EQ(find_block_layout(16)->block_bytes, 66);
  EXPECT_EQ(format_name(99), "type 99");
  EXPECT_FALSE(find_block_layout(99));
  EXPECT_FALSE(find_block_layout(4));  // Q4_2, gone before GGUF
}

}  // namespace
}  // namespace sparrow
