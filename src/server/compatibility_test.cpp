// What clients rely on in every dialect at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/service_rig.h"

namespace sparrow {
namespace {

using test_support::ServiceRig;
using testing::HasSubstr;
using testing::Not;

const Json kUser = Json::array({{{"role", "user"}, {"content", "hello"}}});

class Compatibility : public testing::Test {
 protected:
  // A short request to each dialect.
  static std::vector<std::pair<std::string, Json>> requests() {
    const Json options = {{"num_predict", 2}};
    return {
        {"/api/chat", {{"model", "thinker"}, {"messages", kUser}, {"options", options}}},
        {"/api/generate", {{"model", "thinker"}, {"prompt", "hello"}, {"options", options}}},
        {"/v1/chat/completions", {{"model", "thinker"}, {"messages", kUser}, {"max_tokens", 2}}},
        {"/v1/completions", {{"model", "thinker"}, {"prompt", "hello"}, {"max_tokens", 2}}},
        {"/v1/responses", {{"model", "thinker"}, {"input", "hello"}, {"max_output_tokens", 2}}},
        {"/v1/messages", {{"model", "thinker"}, {"messages", kUser}, {"max_tokens", 2}}},
        {"/completion", {{"model", "thinker"}, {"prompt", "hello"}, {"n_predict", 2}}}};
  }

  int status(const std::string& path, const Json& body) { return rig_.post(path, body).status; }

  ServiceRig rig_;
};

TEST_F(Compatibility, unknown_fields_are_ignored_and_known_ones_of_a_wrong_type_refused) {
  for (const auto& [path, request] : requests()) {
    Json body = request;
    body["nobody_knows_this"] = {{"a", 1}};
    EXPECT_EQ(status(path, body), 200) << path;
    body["stream"] = "yes";
    EXPECT_EQ(status(path, body), 400) << path;
  }
}

TEST_F(Compatibility, tool_arguments_are_an_object_a_string_or_an_input_as_the_dialect_has_them) {
  const Json object = {{"a", 1}};
  const Json text = "{\"a\": 1}";
  const auto called = [](const Json& arguments) {
    return Json::array(
        {{{"role", "user"}, {"content", "go"}},
         {{"role", "assistant"},
          {"content", ""},
          {"tool_calls", {{{"id", "c"}, {"function", {{"name", "f"}, {"arguments", arguments}}}}}}},
         {{"role", "tool"}, {"content", "done"}, {"tool_call_id", "c"}}});
  };
  const auto used = [](const Json& input) {
    return Json::array(
        {{{"role", "user"}, {"content", "go"}},
         {{"role", "assistant"},
          {"content", {{{"type", "tool_use"}, {"id", "c"}, {"name", "f"}, {"input", input}}}}},
         {{"role", "user"},
          {"content", {{{"type", "tool_result"}, {"tool_use_id", "c"}, {"content", "done"}}}}}});
  };
  const auto ask = [&](const std::string& path, const Json& messages) {
    Json body = {{"model", "thinker"}, {"messages", messages}, {"max_tokens", 1}};
    body["options"] = {{"num_predict", 1}};
    return status(path, body);
  };
  EXPECT_EQ(ask("/api/chat", called(object)), 200);
  EXPECT_EQ(ask("/api/chat", called(text)), 400);
  EXPECT_EQ(ask("/v1/chat/completions", called(text)), 200);
  EXPECT_EQ(ask("/v1/chat/completions", called(object)), 400);
  EXPECT_EQ(ask("/v1/messages", used(object)), 200);
  EXPECT_EQ(ask("/v1/messages", used(text)), 400);
}

// A model that makes a call in each of its answers, cut in the middle of everything.
class CallAnswers : public testing::Test {
 protected:
  CallAnswers() {
    rig_.add("caller", test_support::kToolTemplate,
             test_support::scripted_gguf({"Let me ", "see.\n", "<tool_", "call>\n{\"name\": \"f\",",
                                          " \"arguments\"", ": {\"a\": [1,", " 2]}}\n",
                                          "</tool_call>"}));
  }

  // `tool` and `more` are the dialect's own.
  std::pair<Json, ServiceRig::Answer> ask(const std::string& path, const Json& tool, Json more) {
    more["model"] = "caller";
    more["tools"] = Json::array({tool});
    more["stream"] = false;
    const ServiceRig::Answer whole = rig_.post(path, more);
    EXPECT_EQ(whole.status, 200) << whole.body;
    more["stream"] = true;
    const ServiceRig::Answer streamed = rig_.post(path, more);
    EXPECT_EQ(streamed.status, 200) << streamed.body;
    return {whole.json, streamed};
  }

  static Json function_tool() { return {{"type", "function"}, {"function", {{"name", "f"}}}}; }

  ServiceRig rig_;
  const Json arguments_ = {{"a", {1, 2}}};
};

TEST_F(CallAnswers, have_their_arguments_as_an_object_in_ollamas_dialect) {
  const auto [whole, streamed] = ask("/api/chat", function_tool(), {{"messages", kUser}});
  EXPECT_EQ(whole["message"]["tool_calls"][0]["function"]["name"], "f");
  EXPECT_EQ(whole["message"]["tool_calls"][0]["function"]["arguments"], arguments_);
  EXPECT_EQ(whole["message"]["content"], "Let me see.");
  Json calls = Json::array();
  for (const Json& line : ServiceRig::lines_of(streamed))
    for (const Json& call : line["message"].value("tool_calls", Json::array()))
      calls.push_back(call);
  ASSERT_EQ(calls.size(), 1u) << streamed.body;
  EXPECT_EQ(calls[0]["function"]["arguments"], arguments_);
}

TEST_F(CallAnswers, have_their_arguments_as_a_string_in_openais_chats) {
  const auto [whole, streamed] =
      ask("/v1/chat/completions", function_tool(), {{"messages", kUser}});
  const Json& choice = whole["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "tool_calls");
  const Json& function = choice["message"]["tool_calls"][0]["function"];
  EXPECT_EQ(function["name"], "f");
  ASSERT_TRUE(function["arguments"].is_string());
  EXPECT_EQ(Json::parse(function["arguments"].get<std::string>()), arguments_);
  std::string text;
  for (const auto& [name, event] : streamed.events) {
    for (const Json& call : event["choices"][0]["delta"].value("tool_calls", Json::array())) {
      ASSERT_TRUE(call["function"]["arguments"].is_string()) << call;
      text += call["function"]["arguments"].get<std::string>();
    }
  }
  EXPECT_EQ(Json::parse(text, nullptr, false), arguments_) << streamed.body;
}

TEST_F(CallAnswers, have_their_arguments_as_a_string_in_openais_responses) {
  const auto [whole, streamed] =
      ask("/v1/responses", {{"type", "function"}, {"name", "f"}}, {{"input", "go"}});
  const Json& item = whole["output"].back();
  EXPECT_EQ(item["type"], "function_call");
  EXPECT_EQ(item["name"], "f");
  ASSERT_TRUE(item["arguments"].is_string());
  EXPECT_EQ(Json::parse(item["arguments"].get<std::string>()), arguments_);
  std::string pieces;
  std::string done;
  Json last_item;
  for (const auto& [name, event] : streamed.events) {
    if (name == "response.function_call_arguments.delta")
      pieces += event["delta"].get<std::string>();
    if (name == "response.function_call_arguments.done")
      done = event["arguments"].get<std::string>();
    if (name == "response.output_item.done") last_item = event["item"];
  }
  EXPECT_EQ(Json::parse(pieces, nullptr, false), arguments_) << streamed.body;
  EXPECT_EQ(done, pieces);
  EXPECT_EQ(last_item["arguments"], pieces);
}

TEST_F(CallAnswers, have_their_input_as_an_object_in_anthropics_dialect) {
  const Json tool = {{"name", "f"}, {"input_schema", {{"type", "object"}}}};
  const auto [whole, streamed] =
      ask("/v1/messages", tool, {{"messages", kUser}, {"max_tokens", 50}});
  EXPECT_EQ(whole["stop_reason"], "tool_use");
  const Json& block = whole["content"].back();
  EXPECT_EQ(block["type"], "tool_use");
  EXPECT_EQ(block["name"], "f");
  EXPECT_EQ(block["input"], arguments_);
  std::string text;
  for (const auto& [name, event] : streamed.events) {
    if (name == "content_block_start" && event["content_block"]["type"] == "tool_use") {
      EXPECT_EQ(event["content_block"]["input"], Json::object());
    }
    if (name == "content_block_delta" && event["delta"]["type"] == "input_json_delta")
      text += event["delta"]["partial_json"].get<std::string>();
  }
  EXPECT_EQ(Json::parse(text, nullptr, false), arguments_) << streamed.body;
}

// The table of docs/server.md.
TEST_F(Compatibility, each_dialect_has_its_own_defaults) {
  struct Row {
    const char* path;
    double temperature;
    double top_p;
    int64_t top_k;
    double min_p;
    double repeat_penalty;
  };
  const Json document = rig_.get_json("/openapi.json");
  for (const Row& row :
       {Row{"/api/chat", 0.8, 0.9, 40, 0, 1}, Row{"/api/generate", 0.8, 0.9, 40, 0, 1},
        Row{"/v1/chat/completions", 1, 1, 0, 0, 1}, Row{"/v1/completions", 1, 1, 0, 0, 1},
        Row{"/v1/responses", 1, 1, 0, 0, 1}, Row{"/v1/messages", 1, 1, 0, -1, -1},
        Row{"/completion", 0.8, 0.95, 40, 0.05, 1}}) {
    Json fields = document["paths"][row.path]["post"]["requestBody"]["content"]["application/json"]
                          ["schema"]["properties"];
    if (fields.contains("options")) fields = fields["options"]["properties"];
    const auto value = [&](const char* name) { return fields[name]["default"].get<double>(); };
    EXPECT_EQ(value("temperature"), row.temperature) << row.path;
    EXPECT_EQ(value("top_p"), row.top_p) << row.path;
    EXPECT_EQ(value("top_k"), static_cast<double>(row.top_k)) << row.path;
    if (row.min_p < 0) continue;  // Anthropic has no such fields
    EXPECT_EQ(value("min_p"), row.min_p) << row.path;
    EXPECT_EQ(value("repeat_penalty"), row.repeat_penalty) << row.path;
  }
  // What is said back is what was used.
  const Json response = Json::parse(rig_.post("/v1/responses", requests()[4].second).body);
  EXPECT_EQ(response["temperature"], 1);
  EXPECT_EQ(response["top_p"], 1);
  const Json completion = Json::parse(rig_.post("/completion", requests()[6].second).body);
  EXPECT_EQ(completion["generation_settings"]["temperature"], 0.8);
  EXPECT_EQ(completion["generation_settings"]["top_p"], 0.95);
  EXPECT_EQ(completion["generation_settings"]["top_k"], 40);
  EXPECT_EQ(completion["generation_settings"]["min_p"], 0.05);
}

TEST_F(Compatibility, streams_are_lines_or_events_and_done_is_openais_word) {
  for (const auto& [path, request] : requests()) {
    Json body = request;
    body["stream"] = true;
    const RawResponse response = rig_.post(path, body);
    ASSERT_EQ(response.status, 200) << path;
    if (path.starts_with("/api/")) {
      EXPECT_EQ(ServiceRig::lines_of(response).back()["done"], true) << path;
      continue;
    }
    EXPECT_EQ(response.header("content-type"), "text/event-stream") << path;
    EXPECT_THAT(response.body, HasSubstr("data: {")) << path;
    EXPECT_TRUE(response.body.ends_with("\n\n")) << path;
    const bool has_done = path == "/v1/chat/completions" || path == "/v1/completions";
    if (has_done) {
      EXPECT_TRUE(response.body.ends_with("data: [DONE]\n\n")) << path;
    } else {
      EXPECT_THAT(response.body, Not(HasSubstr("[DONE]"))) << path;
    }
  }
}

TEST_F(Compatibility, dead_options_never_fail_a_request) {
  const std::vector<Json> values = {true, false, 0, -1, 0.5, "x", Json::array(), nullptr};
  for (const char* name : {"numa", "low_vram", "f16_kv", "tfs_z", "penalize_newline", "vocab_only",
                           "use_mlock", "logits_all", "embedding_only", "rope_frequency_base"}) {
    for (const Json& value : values) {
      Json body = requests()[0].second;
      body["options"][name] = value;
      EXPECT_EQ(status("/api/chat", body), 200) << name << value;
    }
  }
  Json body = requests()[0].second;
  body["options"].update({{"mirostat", 0}, {"mirostat_tau", 5}, {"mirostat_eta", 0.1}});
  EXPECT_EQ(status("/api/chat", body), 200);
}

}  // namespace
}  // namespace sparrow
