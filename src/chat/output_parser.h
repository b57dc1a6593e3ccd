// A model's text, while it streams, into content, reasoning and tool calls.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/segment.h"
#include "chat/chat_template.h"
#include "sparrow/chat.h"
#include "text/tokenizer.h"

namespace sparrow {

class CallParser;

// How a family of models writes tool calls. A row of the table in parsers/registry.cpp.
struct OutputFormat {
  std::string_view name;  // "hermes"
  // Whether a chat template with this source teaches the format.
  bool (*is_taught_by)(std::string_view template_source);
  std::unique_ptr<CallParser> (*make)();
  std::array<std::string_view, 3> markers;  // that may be control tokens of a vocabulary
};

// In the order they are asked; the last one, "plain", takes every template and knows no calls.
std::span<const OutputFormat> output_formats();
const OutputFormat& output_format_of(const ChatTemplate& chat_template);
// Throws Error{invalid_argument} with the names there are.
const OutputFormat& find_output_format(std::string_view name);

// Whether the model may think between <think> and </think> before it answers.
bool has_reasoning(const ChatTemplate& chat_template);

// Whether it tells the model of tools, in a format whose calls are found in answers.
bool has_tools(const ChatTemplate& chat_template);
// Whether the prompt has opened <think>, so that the answer begins inside of it.
bool opens_reasoning(std::span<const Segment> prompt);

// For Request::shown_tokens: the control tokens that the format and reasoning are written with.
// Ascending; empty where the vocabulary has them as plain text, as Qwen's has. A request without
// tools wants those of "plain".
std::vector<TokenId> marker_tokens(const OutputFormat& format, const Tokenizer& tokenizer);

struct OutputParserOptions {
  std::vector<std::string> tool_names;  // of the request; none: no calls are looked for
  bool has_reasoning = false;           // of the template; else <think> is content
  bool is_reasoning_open = false;       // by the prompt; counts only with has_reasoning
  uint64_t seed = 0;                    // of the ids that calls get: same seed, same ids
};

// What `more` has gained comes behind.
void append(ChatDelta& to, ChatDelta more);

// Per request; one thread. What it gives does not depend on how the text is cut: it is read byte by
// byte, in time linear in its length, and only what may still become markup is held back.
//
// Calls. A call is given when its JSON is complete: an object with `name`, a string, and
// `arguments` or `parameters`, an object, or one written into a string; none, null and "" are {}.
// The arguments are the model's own bytes. A closing tag may be missing. White space around a call
// belongs to its markup. What turns out to be no call is content, as it was written, and reading
// goes on behind it: nothing is lost. A call behind a marker may name a tool that the request does
// not have: vLLM gives it too, and only the caller can tell the model that there is no such tool.
//
// Bare calls. JSON without a marker is a call where it is the answer: nothing but other calls
// stands before it, alone or in a Markdown fence, and it is an object of name and arguments and
// nothing more. Qwen2.5-Coder writes its calls as ```json … ```, and examples for the user in the
// same way, but those behind a sentence. vLLM takes no such call, llama.cpp's former parser took it
// anywhere. A bare call must name a tool of the request, so that data like {"name": "Ann", …} stays
// content; in llama3_json, where bare is the format, any name will do, as in vLLM.
//
// Reasoning. <think>…</think> at the beginning; white space at its edges and behind it is dropped.
// Calls in it are reasoning. Unclosed, it goes on to the end.
class OutputParser {
 public:
  OutputParser(const OutputFormat& format, OutputParserOptions options);
  ~OutputParser();

  ChatDelta push(std::string_view text);
  ChatDelta finish();  // what was held back; nothing may be pushed afterwards

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sparrow
