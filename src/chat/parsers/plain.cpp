// Models that were taught no format, and requests without tools: all is content.
#include "chat/parsers/formats.h"

namespace sparrow {
namespace {

class PlainParser : public CallParser {
 public:
  void push(char byte, AnswerSink& sink) override { sink.add_content({&byte, 1}); }
  void finish(AnswerSink&) override {}
};

}  // namespace

bool teaches_plain(std::string_view) { return true; }

std::unique_ptr<CallParser> make_plain_parser() { return std::make_unique<PlainParser>(); }

}  // namespace sparrow
