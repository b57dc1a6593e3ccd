// What the chat says about itself: help, the model, the parameters.
#pragma once

#include <string>
#include <string_view>

#include "apps/cli/chat_session.h"
#include "sparrow/error.h"

namespace sparrow::cli {

inline constexpr std::string_view kFormatRefusal =
    "'format' needs constrained decoding, which this version does not have: nothing was set. "
    "Asking for JSON in the message often does it.";

// The first line of a chat: the model and its context.
std::string greeting(const ChatSession& session);

// `/? topic`: "", "set", "show", "shortcuts", "parameters".
std::string help_text(std::string_view topic);

// `/show what`: "info", "license", "parameters", "system", "template".
std::string show_text(const ChatSession& session, std::string_view what);

// Broken into lines that fit the terminal.
std::string wrapped(std::string_view text);

// "Error: …", wrapped, with control characters spelled out.
std::string error_text(const Error& error);

}  // namespace sparrow::cli
