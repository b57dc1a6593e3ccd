// Any bytes as a model's answer: calls, content and reasoning are the same however the answer is
// cut, calls are whole, and every byte is content, reasoning, or markup of a call that was given.
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "chat/output_parser.h"

namespace sparrow::fuzz {
namespace {

bool is_space(char byte) {
  return std::string_view(" \t\r\n").find(byte) != std::string_view::npos;
}

std::string written(const ChatDelta& delta) {
  Json calls = Json::array();
  for (const IndexedToolCall& one : delta.tool_calls) {
    calls.push_back({one.index, one.call.id, one.call.name, one.call.arguments});
  }
  return calls.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n" + delta.content + "\n" +
         delta.reasoning;
}

void check_calls(const std::vector<IndexedToolCall>& calls) {
  std::set<std::string> ids;
  for (size_t i = 0; i < calls.size(); ++i) {
    SPARROW_CHECK(calls[i].index == static_cast<int64_t>(i));
    SPARROW_CHECK(!calls[i].call.name.empty());
    SPARROW_CHECK(ids.insert(calls[i].call.id).second);
    SPARROW_CHECK(
        parse_json(calls[i].call.arguments, "arguments", {.object_keys = SIZE_MAX}).is_object());
  }
}

// Follows an answer that is pushed byte by byte: where each byte went.
class Ledger {
 public:
  explicit Ledger(std::string_view text) : text_(text) {}

  // `delta` came of the byte before `end`.
  void add(const ChatDelta& delta, size_t end) {
    SPARROW_CHECK(delta.tool_calls.size() <= 1 && delta.reasoning.empty());
    if (!delta.tool_calls.empty()) {
      SPARROW_CHECK(delta.content.empty() && text_[end - 1] == '}');
      begin_ = end;
      follows_call_ = true;
    }
    if (delta.content.empty()) return;
    // The last bytes may be held as the beginning of other markup.
    for (size_t held = 0; held <= 2 && delta.content.size() + held <= end - begin_; ++held) {
      const size_t at = end - held - delta.content.size();
      if (text_.substr(at, delta.content.size()) != delta.content || !may_skip_to(at)) continue;
      begin_ = end - held;
      follows_call_ = false;
      return;
    }
    SPARROW_CHECK(false);
  }

  void finish(const ChatDelta& delta) {
    SPARROW_CHECK(delta.tool_calls.empty() && delta.content.size() <= text_.size() - begin_);
    const size_t at = text_.size() - delta.content.size();
    SPARROW_CHECK(text_.substr(at) == delta.content && may_skip_to(at));
  }

 private:
  // Whether nothing but the end of a call stands before this.
  bool may_skip_to(size_t end) const {
    std::string_view rest = text_.substr(begin_, end - begin_);
    if (!follows_call_) return rest.empty();
    while (!rest.empty()) {
      size_t size = is_space(rest[0]) ? 1 : 0;
      for (const std::string_view mark : {"</tool_call>", "```", "]"})
        if (rest.starts_with(mark)) size = mark.size();
      if (size == 0) return false;
      rest.remove_prefix(size);
    }
    return true;
  }

  std::string_view text_;
  size_t begin_ = 0;  // of what has not come out yet
  bool follows_call_ = false;
};

void check(const OutputFormat& format, const OutputParserOptions& options, uint32_t seed,
           std::string_view text) {
  OutputParser at_once(format, options);
  ChatDelta whole = at_once.push(text);
  append(whole, at_once.finish());
  check_calls(whole.tool_calls);
  if (options.tool_names.empty()) SPARROW_CHECK(whole.tool_calls.empty());

  OutputParser in_pieces(format, options);
  ChatDelta pieces;
  std::minstd_rand random(seed);
  for (size_t at = 0; at < text.size();) {
    const size_t size = random() % 16;
    append(pieces, in_pieces.push(text.substr(at, size)));
    at += size;
  }
  append(pieces, in_pieces.finish());
  SPARROW_CHECK(written(pieces) == written(whole));

  OutputParser by_bytes(format, options);
  ChatDelta bytes;
  Ledger ledger(text);
  for (size_t at = 0; at < text.size(); ++at) {
    const ChatDelta delta = by_bytes.push(text.substr(at, 1));
    if (!options.has_reasoning) ledger.add(delta, at + 1);
    append(bytes, delta);
  }
  const ChatDelta last = by_bytes.finish();
  if (!options.has_reasoning) ledger.finish(last);
  append(bytes, last);
  SPARROW_CHECK(written(bytes) == written(whole));
}

}  // namespace
}  // namespace sparrow::fuzz

// The first byte chooses format and options, the second how the answer is cut.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const auto formats = sparrow::output_formats();
  sparrow::OutputParserOptions options;
  if (data[0] % 8 != 7) options.tool_names = {"f", "now"};
  options.has_reasoning = (data[0] & 32) != 0;
  options.is_reasoning_open = (data[0] & 64) != 0;
  options.seed = data[1];
  sparrow::fuzz::check(formats[data[0] % 4], options, data[1],
                       {reinterpret_cast<const char*>(data + 2), size - 2});
  return 0;
}
