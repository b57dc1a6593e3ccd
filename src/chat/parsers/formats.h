// What the table of output formats is made of: two functions from each format's file. teaches_…
// says whether a chat template with this source makes a model write the format.
#pragma once

#include <memory>
#include <string_view>

#include "chat/parsers/call_parser.h"

namespace sparrow {

bool teaches_mistral(std::string_view template_source);
bool teaches_hermes(std::string_view template_source);
bool teaches_llama3_json(std::string_view template_source);
bool teaches_plain(std::string_view template_source);

std::unique_ptr<CallParser> make_mistral_parser();
std::unique_ptr<CallParser> make_hermes_parser();
std::unique_ptr<CallParser> make_llama3_json_parser();
std::unique_ptr<CallParser> make_plain_parser();

}  // namespace sparrow
