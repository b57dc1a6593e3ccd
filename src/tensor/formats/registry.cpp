// The table of weight formats, and the facts about GGUF's other tensor types, which are not read.
#include <algorithm>
#include <array>

#include "tensor/formats/format.h"
#include "tensor/formats/reference.h"

namespace sparrow {
namespace {

constexpr std::array kFormats = {
    Format{0, "F32", 1, 4, dequantize_f32},
    Format{1, "F16", 1, 2, dequantize_f16},
    Format{30, "BF16", 1, 2, dequantize_bf16},
    Format{2, "Q4_0", kSmallBlock, sizeof(BlockQ4_0), dequantize_q4_0},
    Format{3, "Q4_1", kSmallBlock, sizeof(BlockQ4_1), dequantize_q4_1},
    Format{6, "Q5_0", kSmallBlock, sizeof(BlockQ5_0), dequantize_q5_0},
    Format{7, "Q5_1", kSmallBlock, sizeof(BlockQ5_1), dequantize_q5_1},
    Format{8, "Q8_0", kSmallBlock, sizeof(BlockQ8_0), dequantize_q8_0},
    Format{10, "Q2_K", kSuperBlock, sizeof(BlockQ2_K), dequantize_q2_k},
    Format{11, "Q3_K", kSuperBlock, sizeof(BlockQ3_K), dequantize_q3_k},
    Format{12, "Q4_K", kSuperBlock, sizeof(BlockQ4_K), dequantize_q4_k},
    Format{13, "Q5_K", kSuperBlock, sizeof(BlockQ5_K), dequantize_q5_k},
    Format{14, "Q6_K", kSuperBlock, sizeof(BlockQ6_K), dequantize_q6_k},
    Format{20, "IQ4_NL", kSmallBlock, sizeof(BlockIQ4_NL), dequantize_iq4_nl},
    Format{23, "IQ4_XS", kSuperBlock, sizeof(BlockIQ4_XS), dequantize_iq4_xs},
};

// Types that other programs write: known by size, so that a file holding them can be listed.
constexpr std::array kOtherLayouts = {
    BlockLayout{9, "Q8_1", 32, 36},        BlockLayout{15, "Q8_K", 256, 292},
    BlockLayout{16, "IQ2_XXS", 256, 66},   BlockLayout{17, "IQ2_XS", 256, 74},
    BlockLayout{18, "IQ3_XXS", 256, 98},   BlockLayout{19, "IQ1_S", 256, 50},
    BlockLayout{21, "IQ3_S", 256, 110},    BlockLayout{22, "IQ2_S", 256, 82},
    BlockLayout{24, "I8", 1, 1},           BlockLayout{25, "I16", 1, 2},
    BlockLayout{26, "I32", 1, 4},          BlockLayout{27, "I64", 1, 8},
    BlockLayout{28, "F64", 1, 8},          BlockLayout{29, "IQ1_M", 256, 56},
    BlockLayout{31, "Q4_0_4_4", 32, 18},   BlockLayout{32, "Q4_0_4_8", 32, 18},
    BlockLayout{33, "Q4_0_8_8", 32, 18},   BlockLayout{34, "TQ1_0", 256, 54},
    BlockLayout{35, "TQ2_0", 256, 66},     BlockLayout{36, "IQ4_NL_4_4", 32, 18},
    BlockLayout{37, "IQ4_NL_4_8", 32, 18}, BlockLayout{38, "IQ4_NL_8_8", 32, 18},
    BlockLayout{39, "MXFP4", 32, 17},      BlockLayout{40, "NVFP4", 64, 36},
    BlockLayout{41, "Q1_0", 128, 18},
};

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

}  // namespace

std::span<const Format> formats() { return kFormats; }

const Format* find_format(uint32_t gguf_id) {
  const auto row = std::ranges::find(kFormats, gguf_id, &Format::gguf_id);
  return row == kFormats.end() ? nullptr : &*row;
}

const Format* find_format(std::string_view name) {
  const auto same = [&](const Format& format) {
    return std::ranges::equal(format.name, name, {}, lower, lower);
  };
  const auto row = std::ranges::find_if(kFormats, same);
  return row == kFormats.end() ? nullptr : &*row;
}

std::optional<BlockLayout> find_block_layout(uint32_t gguf_id) {
  if (const Format* format = find_format(gguf_id)) {
    return BlockLayout{format->gguf_id, format->name, format->block_values, format->block_bytes};
  }
  const auto row = std::ranges::find(kOtherLayouts, gguf_id, &BlockLayout::gguf_id);
  if (row == kOtherLayouts.end()) return std::nullopt;
  return *row;
}

std::string format_name(uint32_t gguf_id) {
  const std::optional<BlockLayout> layout = find_block_layout(gguf_id);
  return layout ? std::string(layout->name) : "type " + std::to_string(gguf_id);
}

std::string format_names() {
  std::string names;
  for (const Format& format : kFormats) {
    if (!names.empty()) names += ", ";
    names += format.name;
  }
  return names;
}

}  // namespace sparrow
