// Python's str methods on texts that know their writers. Indices count characters; every result
// keeps who wrote what. All take time linear in their texts.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "jinja/text.h"

namespace sparrow::jinja {

// Case (strings_case.cpp).
Text to_upper(const Text& text);
Text to_lower(const Text& text);
Text to_folded(const Text& text);
Text to_title(const Text& text);
Text to_capitalized(const Text& text);
Text swap_case(const Text& text);
bool is_all_upper(std::string_view text);
bool is_all_lower(std::string_view text);
bool is_titled(std::string_view text);
// Not empty and every character has one of the properties.
bool has_only(std::string_view text, uint16_t any_of);
bool is_all_space(std::string_view text);
bool is_identifier(std::string_view text);

// Parts (strings.cpp).
enum class Side { left, right, both };
// Without `characters`: white space.
Text strip(const Text& text, Side side, std::optional<std::string_view> characters = std::nullopt);
// Without a separator: at runs of white space. `most` splits at the most; negative: all.
std::vector<Text> split(const Text& text, std::optional<std::string_view> separator, int64_t most,
                        bool from_right);
std::vector<Text> split_lines(const Text& text, bool keep_ends);
// Always three: before, the separator, after.
std::vector<Text> partition(const Text& text, const Text& separator, bool from_right);
// `size_limit` bounds the result in bytes; throws past it.
Text replace(const Text& text, std::string_view old, const Text& replacement, int64_t most,
             size_t size_limit);
// Characters [start, stop) by `step`, as Python slices; negative indices count from the end.
Text slice(const Text& text, std::optional<int64_t> start, std::optional<int64_t> stop,
           int64_t step);

// Byte offsets at or behind `from`; npos if there is none.
size_t find_first(std::string_view text, std::string_view part, size_t from = 0);
size_t find_last(std::string_view text, std::string_view part);
int64_t count_occurrences(std::string_view text, std::string_view part);

// Where a slice of a sequence of `size` begins and how many items it has.
struct SliceRange {
  int64_t start;
  int64_t count;
};
SliceRange slice_range(int64_t size, std::optional<int64_t> start, std::optional<int64_t> stop,
                       int64_t step);

}  // namespace sparrow::jinja
