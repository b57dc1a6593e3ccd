#include "chat/parsers/call_parser.h"

#include <algorithm>
#include <utility>

namespace sparrow {
namespace {

// Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014.
uint64_t splitmix64(uint64_t state) {
  state += 0x9E3779B97F4A7C15;
  state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
  state = (state ^ (state >> 27)) * 0x94D049BB133111EB;
  return state ^ (state >> 31);
}

bool is_mistral_id(std::string_view id) {
  return id.size() == 9 && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
         });
}

}  // namespace

AnswerSink::AnswerSink(std::vector<std::string> tool_names, uint64_t seed)
    : tool_names_(std::move(tool_names)), seed_(seed) {}

bool AnswerSink::has_tool(std::string_view name) const {
  return std::find(tool_names_.begin(), tool_names_.end(), name) != tool_names_.end();
}

void AnswerSink::add_call(ToolCall call) {
  call.id = "call_" + new_id(8);
  add(std::move(call));
}

void AnswerSink::add_mistral_call(ToolCall call) {
  if (!is_mistral_id(call.id) || !model_ids_.insert(call.id).second) call.id = new_id(9);
  add(std::move(call));
}

void AnswerSink::add(ToolCall call) {
  delta_.tool_calls.push_back({call_count_++, std::move(call)});
}

std::string AnswerSink::new_id(size_t size) const {
  constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz0123456789";
  uint64_t number = splitmix64(splitmix64(seed_) + static_cast<uint64_t>(call_count_));
  std::string id;
  for (size_t i = 0; i < size; ++i) {
    id += kDigits[number % kDigits.size()];
    number /= kDigits.size();
  }
  return id;
}

ChatDelta AnswerSink::take() { return std::exchange(delta_, {}); }

std::string_view HeldText::text_from_first_word() const {
  std::string_view text = text_;
  while (!text.empty() && is_markup_space(text.front())) text.remove_prefix(1);
  return text;
}

}  // namespace sparrow
