// Small things that several dialects spell alike.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "server/json_fields.h"
#include "sparrow/chat.h"

namespace sparrow {

// Compact, bytes that are not UTF-8 as U+FFFD.
std::string to_wire(const Json& value);

// Bytes as numbers: of a token that need not be whole characters.
Json byte_numbers(std::string_view bytes);

// `count` characters of [a-z0-9], or of hex digits, drawn anew each time.
std::string random_word(size_t count);
std::string random_hex(size_t count);

// Now, in seconds since 1970; and as RFC 3339 with `fraction_digits` (0 to 9) in UTC.
int64_t unix_seconds();
std::string rfc3339_now(int fraction_digits);
std::string rfc3339(int64_t unix_s);

// The text of a message's `content`: a string, or parts of type text (input_text, output_text) one
// after another. Throws Error{invalid_argument} for parts of other kinds: "… is an image, and this
// model reads text".
std::string content_text(const Json& content, const std::string& path);

// The types of these two in the notation of schema_text.h.
inline constexpr std::string_view kContentType =
    "string|[string|{type! 'text'|'input_text'|'output_text', text string}]";
inline constexpr std::string_view kToolType =
    "{type 'function' = \"function\", "
    "function! {name! string, description string, parameters object, strict false}}";

// OpenAI's list of tools, which Ollama's is too: {"type": "function", "function": {…}}. Throws
// Error{unsupported} for strict ones.
std::vector<Tool> parse_tools(const Json& tools);

// What every dialect's conversation keeps to. Throws Error{invalid_argument}.
inline constexpr size_t kMostMessages = 4096;
inline constexpr size_t kMostTools = 128;
inline constexpr size_t kMostSchemaBytes = size_t{64} << 10;  // of one tool
inline constexpr size_t kMostSchemaBytesInAll = size_t{512} << 10;
void check_message_count(const Json& messages);
void check_tool_count(const Json& tools);
// `schema`: where a tool has it, "function.parameters".
void check_schema_sizes(const std::vector<Tool>& tools, std::string_view schema);

}  // namespace sparrow
