// Server-sent events (HTML standard, section 9.2): the text that one event, or a comment, becomes.
#pragma once

#include <string>
#include <string_view>

namespace sparrow::http {

inline constexpr std::string_view kSseContentType = "text/event-stream";

// "data: DATA\n\n", each line of `data` in a field of its own; with an event's name (one line,
// which is the caller's to see to) "event: NAME\n" in front.
std::string sse_event(std::string_view data, std::string_view name = {});

// Clients skip it; it keeps a connection in use. Line ends in it become spaces.
std::string sse_comment(std::string_view text);

// How OpenAI's streams end.
std::string sse_done();

}  // namespace sparrow::http
