// GPT-2's spelling of bytes as printable characters: a space is Ġ, a newline Ċ.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace sparrow {

// byte_level_spelling()[b]: the character of byte b, in UTF-8.
std::array<std::string, 256> byte_level_spelling();

// The bytes that `piece`, valid UTF-8, spells; nothing if a character of it stands for no byte.
std::optional<std::string> bytes_of_spelling(std::string_view piece);

}  // namespace sparrow
