// The table of output formats: which there are, and how a model's is found.
#include <algorithm>

#include "base/error.h"
#include "chat/output_parser.h"
#include "chat/parsers/formats.h"

namespace sparrow {
namespace {

// The first that a template teaches is its model's.
constexpr OutputFormat kFormats[] = {
    {"mistral", teaches_mistral, make_mistral_parser, {"[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"}},
    {"hermes", teaches_hermes, make_hermes_parser, {"<tool_call>", "</tool_call>"}},
    {"llama3_json", teaches_llama3_json, make_llama3_json_parser, {"<|python_tag|>"}},
    {"plain", teaches_plain, make_plain_parser, {}},
};

}  // namespace

std::span<const OutputFormat> output_formats() { return kFormats; }

const OutputFormat& output_format_of(const ChatTemplate& chat_template) {
  return *std::find_if(std::begin(kFormats), std::end(kFormats), [&](const OutputFormat& format) {
    return format.is_taught_by(chat_template.source_for_tools());
  });
}

const OutputFormat& find_output_format(std::string_view name) {
  std::string names;
  for (const OutputFormat& format : kFormats) {
    if (format.name == name) return format;
    names += (names.empty() ? "" : ", ") + std::string(format.name);
  }
  fail(ErrorCode::invalid_argument, "no output format '{}'; there are {}", name, names);
}

}  // namespace sparrow
