#include "server/openai/response_output.h"

#include "server/wire.h"

namespace sparrow::openai {
namespace {

Json text_part(std::string text, Json logprobs) {
  return {{"type", "output_text"},
          {"text", std::move(text)},
          {"annotations", Json::array()},
          {"logprobs", std::move(logprobs)}};
}

Json reasoning_part(std::string text) {
  return {{"type", "reasoning_text"}, {"text", std::move(text)}};
}

}  // namespace

void ResponseOutput::add(const ChatDelta& gained, const Json& logprobs) {
  if (!gained.reasoning.empty()) add_text(Open::reasoning, gained.reasoning, Json::array());
  if (!gained.content.empty()) add_text(Open::message, gained.content, logprobs);
  for (const IndexedToolCall& indexed : gained.tool_calls) add_call(indexed.call);
}

void ResponseOutput::finish(std::string_view status) {
  if (items_.empty()) open(Open::message);
  close(status);
}

Json ResponseOutput::place() const {
  return {{"item_id", items_.back()["id"]}, {"output_index", open_index()}, {"content_index", 0}};
}

void ResponseOutput::open(Open kind) {
  if (open_ == kind) return;
  close("completed");
  open_ = kind;
  text_.clear();
  logprobs_ = Json::array();
  if (kind == Open::message) {
    items_.push_back({{"id", "msg_" + random_hex(32)},
                      {"type", "message"},
                      {"status", "in_progress"},
                      {"role", "assistant"},
                      {"content", Json::array()}});
  } else {
    items_.push_back({{"id", "rs_" + random_hex(32)},
                      {"type", "reasoning"},
                      {"status", "in_progress"},
                      {"summary", Json::array()},
                      {"content", Json::array()}});
  }
  emit_("response.output_item.added", {{"output_index", open_index()}, {"item", items_.back()}});
  Json added = place();
  added["part"] = kind == Open::message ? text_part("", Json::array()) : reasoning_part("");
  emit_("response.content_part.added", std::move(added));
}

void ResponseOutput::add_text(Open kind, const std::string& text, const Json& logprobs) {
  open(kind);
  text_ += text;
  logprobs_.insert(logprobs_.end(), logprobs.begin(), logprobs.end());
  Json delta = place();
  delta["delta"] = text;
  if (kind == Open::message) {
    message_.content += text;
    delta["logprobs"] = logprobs;
    emit_("response.output_text.delta", std::move(delta));
  } else {
    message_.reasoning += text;
    emit_("response.reasoning_text.delta", std::move(delta));
  }
}

void ResponseOutput::close(std::string_view status) {
  if (open_ == Open::none) return;
  const bool is_message = open_ == Open::message;
  Json done = place();
  done["text"] = text_;
  if (is_message) done["logprobs"] = logprobs_;
  emit_(is_message ? "response.output_text.done" : "response.reasoning_text.done", std::move(done));
  const Json part = is_message ? text_part(text_, logprobs_) : reasoning_part(text_);
  Json part_done = place();
  part_done["part"] = part;
  emit_("response.content_part.done", std::move(part_done));
  items_.back()["content"].push_back(part);
  items_.back()["status"] = status;
  emit_("response.output_item.done", {{"output_index", open_index()}, {"item", items_.back()}});
  open_ = Open::none;
}

void ResponseOutput::add_call(const ToolCall& call) {
  close("completed");
  const std::string arguments = call.arguments.empty() ? "{}" : call.arguments;
  message_.tool_calls.push_back({.id = call.id, .name = call.name, .arguments = arguments});
  items_.push_back({{"id", "fc_" + random_hex(32)},
                    {"type", "function_call"},
                    {"status", "in_progress"},
                    {"call_id", call.id},
                    {"name", call.name},
                    {"arguments", ""}});
  emit_("response.output_item.added", {{"output_index", open_index()}, {"item", items_.back()}});
  const Json at = {{"item_id", items_.back()["id"]}, {"output_index", open_index()}};
  Json delta = at;
  delta["delta"] = arguments;
  emit_("response.function_call_arguments.delta", std::move(delta));
  Json done = at;
  done["name"] = call.name;
  done["arguments"] = arguments;
  emit_("response.function_call_arguments.done", std::move(done));
  items_.back()["arguments"] = arguments;
  items_.back()["status"] = "completed";
  emit_("response.output_item.done", {{"output_index", open_index()}, {"item", items_.back()}});
}

}  // namespace sparrow::openai
