#include "chat/output_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>

#include "base/json.h"
#include "sparrow/error.h"
#include "tests/support/fake_tokenizer.h"

namespace sparrow {
namespace {

using testing::ElementsAre;

struct Answer {
  std::string content;
  std::vector<std::string> calls;  // "name arguments"
  std::string reasoning;

  bool operator==(const Answer&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Answer& answer) {
  out << "content '" << answer.content << "', reasoning '" << answer.reasoning << "'";
  for (const std::string& call : answer.calls) out << ", call " << call;
  return out;
}

// What the parts of an answer come to.
class Collector {
 public:
  void add(const ChatDelta& delta) {
    answer.content += delta.content;
    answer.reasoning += delta.reasoning;
    for (const IndexedToolCall& call : delta.tool_calls) {
      EXPECT_EQ(call.index, static_cast<int64_t>(answer.calls.size()));
      answer.calls.push_back(call.call.name + " " + call.call.arguments);
      ids.push_back(call.call.id);
    }
  }

  Answer answer;
  std::vector<std::string> ids;
};

OutputParserOptions with_tools() {
  return {.tool_names = {"get_weather", "search", "now"}, .has_reasoning = true, .seed = 7};
}

// `ends` are where the pieces end; what is behind the last is one more.
Collector read(const std::string& format, const std::string& text, const std::vector<size_t>& ends,
               const OutputParserOptions& options) {
  OutputParser parser(find_output_format(format), options);
  Collector collector;
  size_t begin = 0;
  for (const size_t end : ends) {
    collector.add(parser.push(std::string_view(text).substr(begin, end - begin)));
    begin = end;
  }
  collector.add(parser.push(std::string_view(text).substr(begin)));
  collector.add(parser.finish());
  return collector;
}

// The answer as it is whatever the pieces: one, any two, single bytes, random ones.
Answer parse(const std::string& format, const std::string& text,
             const OutputParserOptions& options = with_tools()) {
  const Collector whole = read(format, text, {}, options);
  const auto check = [&](const std::vector<size_t>& ends) {
    const Collector pieces = read(format, text, ends, options);
    EXPECT_EQ(pieces.answer, whole.answer) << "of " << text << ", first cut at " << ends.front();
    EXPECT_EQ(pieces.ids, whole.ids);
  };
  std::vector<size_t> all;
  for (size_t end = 0; end <= text.size(); ++end) {
    check({end});
    all.push_back(end);
  }
  check(all);
  std::mt19937 random(11);
  for (int round = 0; round < 20; ++round) {
    std::vector<size_t> ends = {0};
    while (ends.back() < text.size())
      ends.push_back(std::min(text.size(), ends.back() + random() % 9));
    check(ends);
  }
  return whole.answer;
}

Answer content(const std::string& text) { return {.content = text}; }

TEST(Hermes, gives_calls_and_the_text_around_them) {
  EXPECT_EQ(parse("hermes",
                  "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln "
                  "🌧\"}}\n</tool_call>"),
            (Answer{.calls = {"get_weather {\"city\": \"Köln 🌧\"}"}}));
  EXPECT_EQ(parse("hermes",
                  "Let me look.\n\n<tool_call>\n{\"name\": \"search\", \"arguments\": {\"query\": "
                  "\"a\"}}\n</tool_call>\n<tool_call>\n{\"name\": \"now\", \"arguments\": "
                  "{}}\n</tool_call>\n\nThat is all. "),
            (Answer{.content = "Let me look.That is all. ",
                    .calls = {"search {\"query\": \"a\"}", "now {}"}}));
}

TEST(Hermes, needs_no_closing_tag) {
  const std::string call = R"(<tool_call>{"name": "now", "arguments": {"a": 1}})";
  const Answer answer = {.calls = {R"(now {"a": 1})"}};
  EXPECT_EQ(parse("hermes", call), answer);
  EXPECT_EQ(parse("hermes", call + "\n"), answer);
  EXPECT_EQ(parse("hermes", call + "\n</tool_cal"),
            (Answer{.content = "</tool_cal", .calls = answer.calls}));
  EXPECT_EQ(parse("hermes", call + "\n" + call),
            (Answer{.calls = {R"(now {"a": 1})", R"(now {"a": 1})"}}));
  EXPECT_EQ(parse("hermes", call + "\n{\"name\": \"search\"}</tool_call> ok"),
            (Answer{.content = "ok", .calls = {R"(now {"a": 1})", "search {}"}}));
}

TEST(Calls, keep_their_arguments_as_the_model_wrote_them) {
  const auto arguments = [](const std::string& value) {
    const Answer answer =
        parse("hermes", "<tool_call>{\"name\": \"now\", \"arguments\": " + value + "}</tool_call>");
    return answer.calls.empty() ? answer.content : answer.calls[0];
  };
  EXPECT_EQ(arguments(R"({"z": 12345678901234567890123, "a":1.10,  "z": [1e2, {"b": null}]})"),
            R"(now {"z": 12345678901234567890123, "a":1.10,  "z": [1e2, {"b": null}]})");
  EXPECT_EQ(arguments("{\n  \"a\": \"\\u00e4 </tool_call> }\"\n}"),
            "now {\n  \"a\": \"\\u00e4 </tool_call> }\"\n}");
  EXPECT_EQ(arguments("null"), "now {}");
  EXPECT_EQ(arguments(R"("")"), "now {}");
  EXPECT_EQ(arguments(R"(" {\"city\":\"Köln\", \"n\": 1.0} ")"),
            R"(now {"city":"Köln", "n": 1.0})");
}

TEST(Calls, come_under_either_name_of_arguments_and_with_members_that_do_not_matter) {
  EXPECT_EQ(parse("hermes", R"(<tool_call>{"parameters": {"a": 1}, "name": "now"})").calls,
            (std::vector<std::string>{R"(now {"a": 1})"}));
  EXPECT_EQ(
      parse("llama3_json", R"({"type": "function", "name": "now", "arguments": {"a": 1}})").calls,
      (std::vector<std::string>{R"(now {"a": 1})"}));
  EXPECT_EQ(parse("hermes", R"(<tool_call>{"n\u0061me": "n\u006Fw", "why": 1, "arguments": {}})"),
            (Answer{.calls = {"now {}"}}));
  EXPECT_EQ(parse("hermes", R"(<tool_call>{"name": "now", "id": 3, "type": "x"})"),
            (Answer{.calls = {"now {}"}}));
}

TEST(Calls, behind_a_marker_may_name_a_tool_that_was_not_given) {
  EXPECT_EQ(parse("hermes", R"(<tool_call>{"name": "fly", "arguments": {}}</tool_call>)"),
            (Answer{.calls = {"fly {}"}}));
  EXPECT_EQ(parse("mistral", R"([TOOL_CALLS][{"name": "fly", "arguments": {}}])"),
            (Answer{.calls = {"fly {}"}}));
}

TEST(Calls, that_are_broken_are_content_as_written) {
  const std::vector<std::string> broken = {
      "<tool_call>\n{\"name\": \"now\", \"arguments\": {\"a\": }}\n</tool_call>\n",
      "<tool_call>\n{\"name\": \"now\", \"arguments\": {\"a\": 1",
      "<tool_call>\n{\"name\": \"now\", \"arguments\": {}",
      "<tool_call>\n{'name': 'now'}\n</tool_call>",
      "<tool_call>\n{\"name\": 5, \"arguments\": {}}\n</tool_call>",
      "<tool_call>\n{\"name\": \"\", \"arguments\": {}}\n</tool_call>",
      "<tool_call>\n{\"arguments\": {}}\n</tool_call>",
      "<tool_call>{\"name\": \"now\", \"arguments\": [1]}</tool_call>",
      "<tool_call>{\"name\": \"now\", \"arguments\": 1}</tool_call>",
      "<tool_call>{\"name\": \"now\", \"arguments\": \"[1]\"}</tool_call>",
      "<tool_call>{\"name\": \"now\", \"arguments\": \"no\"}</tool_call>",
      "<tool_call>{\"name\": \"now\", \"arguments\": {}, \"parameters\": {}}</tool_call>",
      "<tool_call>{\"name\": \"get_weather\", \"city\": \"Rome\"}</tool_call>",
      "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": 01}}</tool_call>",
      "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": \"\\ud800\"}}</tool_call>",
      "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": \"\xff\"}}</tool_call>",
      "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": 1e999}}</tool_call>",
      "<tool_call>{\"name\": \"now\",}</tool_call>",
      "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": \"line\nbreak\"}}</tool_call>",
      "<tool_call>{\"name\" \"now\"}</tool_call>",
      "<tool_call>{\"name\": tru}</tool_call>",
      "<tool_call>{\"name\": \"\\x\"}</tool_call>",
      "<tool_call>{\"name\": \"\\u12g4\"}</tool_call>",
      "<tool_call>{\"name\": \"now\", \"arguments\": {]}</tool_call>",
      "<tool_call>[]</tool_call>",
      "<tool_call>now</tool_call>",
      "<tool_call></tool_call>",
      "<tool_call>\n",
      "<tool_cal",
      "</tool_call>",
      " \n a < b <t <tool <<tool_call  ",
      "   ",
      "",
  };
  for (const std::string& text : broken) {
    EXPECT_EQ(parse("hermes", text), content(text));
    EXPECT_EQ(parse("hermes", "Well: " + text), content("Well: " + text));
    // And reading goes on.
    const std::string call = R"(<tool_call>{"name": "now", "arguments": {"b": 2}}</tool_call>)";
    const Answer next = parse("hermes", text + "x" + call);
    EXPECT_EQ(next, (Answer{.content = text + "x", .calls = {R"(now {"b": 2})"}}));
  }
  EXPECT_EQ(parse("hermes", R"(<tool_call>{"name": <tool_call>{"name": "now"}</tool_call>)"),
            (Answer{.content = R"(<tool_call>{"name": )", .calls = {"now {}"}}));
}

TEST(Calls, may_nest_as_deep_as_json_may_here) {
  const auto call = [](size_t depth) {
    return "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": " + std::string(depth, '[') +
           std::string(depth, ']') + "}}";
  };
  EXPECT_EQ(parse("hermes", call(62)).calls.size(), 1u);
  EXPECT_EQ(parse("hermes", call(63)), content(call(63)));
}

// Answers of qwen2.5-coder:1.5b and :0.5b with the tools of these tests.
TEST(BareCalls, are_calls_where_they_are_the_answer) {
  const std::string call =
      "{\n  \"name\": \"get_weather\",\n  \"arguments\": {\n    \"city\": \"北京\"\n  }\n}";
  const std::string given = "get_weather {\n    \"city\": \"北京\"\n  }";
  EXPECT_EQ(parse("hermes", "```json\n" + call + "\n```"), (Answer{.calls = {given}}));
  EXPECT_EQ(parse("hermes", "```json\n" + call + "\n```\n\n```json\n" + call + "\n```\n"),
            (Answer{.calls = {given, given}}));
  EXPECT_EQ(parse("hermes", call), (Answer{.calls = {given}}));
  EXPECT_EQ(parse("hermes", "\n```\n" + call + "\n" + call + "\n```"),
            (Answer{.calls = {given, given}}));
  EXPECT_EQ(parse("hermes", "```xml\n<tool_call>\n" + call + "\n</tool_call>\n```"),
            (Answer{.calls = {given}}));
  EXPECT_EQ(parse("hermes", "```json\n" + call), (Answer{.calls = {given}}));
  EXPECT_EQ(parse("hermes", "```json\n" + call + "\n```\nThere."),
            (Answer{.content = "There.", .calls = {given}}));
}

TEST(BareCalls, behind_a_sentence_are_examples) {
  const std::string example =
      "To call the search tool for cats, you would use the following JSON object:\n\n```json\n{\n  "
      "\"name\": \"search\",\n  \"arguments\": {\n    \"query\": \"cats\"\n  }\n}\n```\n\nThis "
      "request instructs the system to search the web.";
  EXPECT_EQ(parse("hermes", example), content(example));
  EXPECT_EQ(parse("llama3_json", example), content(example));
}

TEST(BareCalls, are_exactly_calls_of_a_given_tool) {
  const std::vector<std::string> data = {
      "```json\n{\n  \"name\": \"John Doe\",\n  \"age\": 30\n}\n```",
      R"({"name": "John Doe", "arguments": {}})",
      R"({"name": "now", "arguments": {}, "note": "x"})",
      R"({"name": "now"})",
      R"({"name": ["now"], "arguments": {}})",
      R"({"name": "now", "name": "now", "name": "now", "name": "now", "id": "", "arguments": {}})",
      R"({"title": {"name": "now", "arguments": {}}})",
      R"([{"name": "now", "arguments": {}}])",
      R"({"name": "now", "arguments": {})",
      "```python\nprint()\n```",
      "```json\n[1]\n```",
      "```json\n",
      "````json\n{}",
      "``",
      "{",
      "{}",
      "{{",
  };
  for (const std::string& text : data) EXPECT_EQ(parse("hermes", text), content(text));
}

TEST(Llama3Json, is_the_answer_or_behind_its_tag) {
  const std::string call = R"({"name": "search", "parameters": {"query": "x"}})";
  const std::string given = R"(search {"query": "x"})";
  EXPECT_EQ(parse("llama3_json", call), (Answer{.calls = {given}}));
  EXPECT_EQ(parse("llama3_json", "<|python_tag|>" + call), (Answer{.calls = {given}}));
  EXPECT_EQ(parse("llama3_json", call + "; " + call + ";" + call + "\n" + call),
            (Answer{.calls = {given, given, given, given}}));
  EXPECT_EQ(parse("llama3_json", "<|python_tag|>" + call + ";\n" + call),
            (Answer{.calls = {given, given}}));
  EXPECT_EQ(parse("llama3_json", "<|python_tag|>" + call + ";<|python_tag|>" + call),
            (Answer{.calls = {given, given}}));
  EXPECT_EQ(parse("llama3_json", "Sure. <|python_tag|>" + call),
            (Answer{.content = "Sure.", .calls = {given}}));
  EXPECT_EQ(parse("llama3_json", R"({"name": "unknown", "parameters": {}})"),
            (Answer{.calls = {"unknown {}"}}));
  EXPECT_EQ(parse("llama3_json", call + "; done"), (Answer{.content = "; done", .calls = {given}}));
}

TEST(Llama3Json, leaves_other_json_and_code_alone) {
  for (const std::string text :
       {R"({"name": "Ann", "age": 3})", R"({"name": "Ann"})",
        R"(Here: {"name": "search", "parameters": {}})", R"({"a": {"b": 1}})",
        "<|python_tag|>import os; print({})", R"(<|python_tag|>search.call(query="x"))"}) {
    EXPECT_EQ(parse("llama3_json", text), content(text));
  }
}

TEST(Mistral, gives_the_calls_of_its_list) {
  EXPECT_EQ(
      parse("mistral",
            R"([TOOL_CALLS] [{"name": "search", "arguments": {"query": "]}"}, "id": "abcdefghi"}, )"
            R"({"name": "now", "arguments": {}}])"),
      (Answer{.calls = {R"(search {"query": "]}"})", "now {}"}}));
  EXPECT_EQ(parse("mistral", R"(Hm.[TOOL_CALLS][{"name": "now", "arguments": {}}] Bye)"),
            (Answer{.content = "Hm.Bye", .calls = {"now {}"}}));
  EXPECT_EQ(parse("mistral", R"([TOOL_CALLS]{"name": "now", "arguments": {}})"),
            (Answer{.calls = {"now {}"}}));
}

TEST(Mistral, gives_calls_that_are_a_name_and_arguments) {
  const Answer both = {.calls = {R"(get_weather {"city": "Rome"})", "now {}"}};
  EXPECT_EQ(
      parse("mistral", R"([TOOL_CALLS]get_weather[ARGS]{"city": "Rome"}[TOOL_CALLS]now[ARGS]{})"),
      both);
  EXPECT_EQ(parse("mistral", R"([TOOL_CALLS]get_weather{"city": "Rome"}[TOOL_CALLS]now{})"), both);
  EXPECT_EQ(parse("mistral",
                  "[TOOL_CALLS]get_weather[CALL_ID]123456789[ARGS]{\"city\": \"Rome\"} \n"
                  "[TOOL_CALLS] now [ARGS]{}"),
            (Answer{.content = "[TOOL_CALLS] now [ARGS]{}", .calls = {both.calls[0]}}));
}

TEST(Mistral, loses_nothing_of_what_is_broken) {
  for (const std::string text :
       {"[TOOL_CALLS]", "[TOOL_CALLS] []", "[TOOL_CALLS] [", "[TOOL_CALLS] [1]", "[TOOL_CAL",
        "[TOOL_CALLS]now", "[TOOL_CALLS]now[ARGS]", "[TOOL_CALLS]now[ARGS][1]",
        "[TOOL_CALLS]now[ARG", "[TOOL_CALLS]now[CALL_ID]1[CALL_ID]", "[TOOL_CALLS]now(1)",
        "[[TOOL_CALLS", "[1, 2]", R"([{"name": "now", "arguments": {}}])",
        R"([TOOL_CALLS] [{"name": "now", "arguments": {"a": 1})", " [TOOL_CALLS]  now[ARGS]{\"a\"}",
        "a [ b"}) {
    EXPECT_EQ(parse("mistral", text), content(text));
    EXPECT_EQ(parse("mistral", text + "x[TOOL_CALLS]now[ARGS]{}"),
              (Answer{.content = text + "x", .calls = {"now {}"}}));
  }
  EXPECT_EQ(parse("mistral", R"([TOOL_CALLS] [{"name": "now", "arguments": {}}, {"name": 1}])"),
            (Answer{.content = R"(, {"name": 1}])", .calls = {"now {}"}}));
  EXPECT_EQ(parse("mistral", R"([TOOL_CALLS] [{"name": "now", "arguments": {}}, )"),
            (Answer{.content = ", ", .calls = {"now {}"}}));
}

TEST(Plain, is_all_content) {
  const std::string text = R"(<tool_call>{"name": "now", "arguments": {}}</tool_call> )";
  EXPECT_EQ(parse("plain", text), content(text));
}

TEST(Requests, without_tools_get_all_as_content) {
  const std::string text = R"(<tool_call>{"name": "now", "arguments": {}}</tool_call> )";
  for (const OutputFormat& format : output_formats())
    EXPECT_EQ(parse(std::string(format.name), text, {}), content(text));
}

TEST(Reasoning, stands_before_content_and_calls) {
  EXPECT_EQ(parse("hermes", "<think>\nHm, ä.\n\nSo.\n</think>\n\nYes. "),
            (Answer{.content = "Yes. ", .reasoning = "Hm, ä.\n\nSo."}));
  EXPECT_EQ(parse("hermes", "\n<think>a < b </thin k></think><tool_call>{\"name\": \"now\"}"),
            (Answer{.calls = {"now {}"}, .reasoning = "a < b </thin k>"}));
  EXPECT_EQ(parse("hermes",
                  "<think>\n\n</think>\n\n```json\n{\"name\": \"now\", \"arguments\": "
                  "{}}\n```"),
            (Answer{.calls = {"now {}"}}));
  const std::string call = R"(<tool_call>{"name": "now"}</tool_call>)";
  EXPECT_EQ(parse("hermes", "<think>" + call + "</think>" + call),
            (Answer{.calls = {"now {}"}, .reasoning = call}));
  EXPECT_EQ(parse("hermes", "<think>I wonder \n</th"), (Answer{.reasoning = "I wonder \n</th"}));
  EXPECT_EQ(parse("hermes", "<think>I wonder \n"), (Answer{.reasoning = "I wonder"}));
}

TEST(Reasoning, may_be_opened_by_the_prompt) {
  OutputParserOptions options = with_tools();
  options.is_reasoning_open = true;
  EXPECT_EQ(parse("hermes", "Hm.\n</think>\n\nYes.", options),
            (Answer{.content = "Yes.", .reasoning = "Hm."}));
  EXPECT_EQ(parse("hermes", "\n<think>\nHm.\n</think>\n\nYes.", options),
            (Answer{.content = "Yes.", .reasoning = "Hm."}));
  EXPECT_EQ(parse("hermes", "</think>Yes.", options), content("Yes."));
  EXPECT_EQ(parse("hermes", " <th", options), (Answer{.reasoning = "<th"}));
  EXPECT_EQ(parse("hermes", " ", options), Answer{});
}

TEST(Reasoning, is_content_elsewhere_and_where_the_model_does_not_think) {
  for (const std::string text : {"So <think>x</think>", " <th", "</think>x", "<thinking>", " "})
    EXPECT_EQ(parse("hermes", text), content(text));
  OutputParserOptions options = with_tools();
  options.has_reasoning = false;
  options.is_reasoning_open = true;
  EXPECT_EQ(parse("hermes", "<think>x</think>", options), content("<think>x</think>"));
}

TEST(Streaming, holds_back_only_what_may_become_markup) {
  OutputParser parser(find_output_format("hermes"), with_tools());
  EXPECT_EQ(parser.push("Hello").content, "Hello");
  EXPECT_EQ(parser.push(", you <").content, ", you");
  EXPECT_EQ(parser.push("b> and").content, " <b> and");
  EXPECT_EQ(parser.push(" {\"name\": ").content, " {\"name\":");
  EXPECT_EQ(parser.push("\n<tool").content, "");
  EXPECT_EQ(parser.push("_call").content, "");
  EXPECT_EQ(parser.push("_").content, " \n<tool_call_");
  const ChatDelta call = parser.push("<tool_call>{\"name\": \"now\"}");
  EXPECT_EQ(call.content, "");
  ASSERT_EQ(call.tool_calls.size(), 1u);  // before its closing tag
  EXPECT_EQ(call.tool_calls[0].call.arguments, "{}");
  EXPECT_EQ(parser.push("</tool_call>\n").content, "");
  EXPECT_EQ(parser.finish().content, "");
}

TEST(Streaming, lets_an_answer_of_json_go_at_the_first_member_that_no_call_has) {
  OutputParser parser(find_output_format("hermes"), with_tools());
  EXPECT_EQ(parser.push("```json\n{\n  \"name\": \"Ann").content, "");
  EXPECT_EQ(parser.push("\", ").content, "```json\n{\n  \"name\": \"Ann\",");
  EXPECT_EQ(parser.push("\"age\"").content, " \"age\"");
}

TEST(Streaming, of_a_request_without_tools_holds_nothing_back) {
  OutputParser parser(find_output_format("hermes"), {});
  EXPECT_EQ(parser.push("<tool_call> \n").content, "<tool_call> \n");
}

TEST(CallIds, are_the_seeds) {
  const std::string text = R"(<tool_call>{"name": "now"}{"name": "now", "id": "mine"})";
  const auto ids = [&](uint64_t seed) {
    return read("hermes", text, {}, {.tool_names = {"now"}, .seed = seed}).ids;
  };
  for (const std::string& id : ids(1)) EXPECT_THAT(id, testing::MatchesRegex("call_[a-z0-9]{8}"));
  EXPECT_EQ(ids(1), ids(1));
  EXPECT_NE(ids(1)[0], ids(1)[1]);
  EXPECT_NE(ids(1), ids(2));
}

TEST(CallIds, of_mistral_are_its_own_where_its_templates_take_them) {
  const std::vector<std::string> ids =
      read(
          "mistral",
          R"([TOOL_CALLS][{"name": "a", "id": "Abc123xyz"}, {"name": "b", "id": "Abc123xyz"},)"
          R"({"name": "c", "id": "call_1"}, {"name": "d"}][TOOL_CALLS]e[CALL_ID]123456789[ARGS]{})",
          {}, with_tools())
          .ids;
  ASSERT_EQ(ids.size(), 5u);
  EXPECT_EQ(ids[0], "Abc123xyz");
  for (const size_t i : {1, 2, 3}) EXPECT_THAT(ids[i], testing::MatchesRegex("[a-z0-9]{9}"));
  EXPECT_NE(ids[1], ids[2]);
  EXPECT_EQ(ids[4], "123456789");
}

// A reader that is quadratic in any of these would not come to an end.
TEST(Time, is_linear_in_the_length_of_hostile_answers) {
  const auto repeated = [](const std::string& text) {
    std::string result;
    while (result.size() < size_t{1} << 20) result += text;
    return result;
  };
  const std::vector<std::string> texts = {
      repeated("<tool_call"),
      repeated("<tool_call>"),
      repeated("<tool_call>{"),
      repeated("{"),
      repeated(" "),
      repeated("<tool_call>{\"a\":"),
      repeated("<tool_call>{\"a\":1}"),
      repeated("<tool_call>{\"name\":\"now\"}"),
      "<tool_call>{\"name\":\"now\",\"arguments\":{" + repeated("\"a\":1,"),
      "<tool_call>{\"name\":\"now\"," + repeated("\"a\":1,") + "\"a\":1}",
      "<tool_call>{" + repeated("\"name\":1,") + "\"a\":1}",
      "{" + repeated("\"name\":\"now\","),
      "{\"name\":\"now\",\"arguments\":{\"a\":\"" + repeated("\\n"),
      "[TOOL_CALLS][" + repeated("{\"name\":\"now\"},"),
      "[TOOL_CALLS]" + repeated("a"),
      "<think>" + repeated("</think "),
      "<think>" + repeated(" \n"),
  };
  for (const std::string& text : texts) {
    for (const OutputFormat& format : output_formats()) {
      OutputParser parser(format, with_tools());
      for (size_t i = 0; i < text.size(); i += 4) parser.push(std::string_view(text).substr(i, 4));
      parser.finish();
    }
  }
}

const std::string kQwenText =
    R"(<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>)";

TEST(OutputFormats, are_known_by_what_the_template_says_of_calls) {
  const auto format_of = [](const std::string& source) {
    return std::string(output_format_of(*ChatTemplate::from_source(source, nullptr)).name);
  };
  EXPECT_EQ(format_of("{{ '" + kQwenText + "' }}"), "hermes");
  EXPECT_EQ(format_of("<tool_call>\n<function=name>{\"name\": }"), "plain");  // Qwen3-Coder
  EXPECT_EQ(format_of("<tool_call>name\n<arg_key>"), "plain");                // GLM
  EXPECT_EQ(format_of("{{ '[TOOL_CALLS]' }}"), "mistral");
  EXPECT_EQ(format_of("<|python_tag|>{\"name\": \"parameters\": "), "llama3_json");
  EXPECT_EQ(format_of("<|start_header_id|>ipython<|end_header_id|>\"parameters\": "),
            "llama3_json");
  EXPECT_EQ(format_of("<|python_tag|>\"parameters\": <function="), "plain");  // Functionary
  EXPECT_EQ(format_of("{{ messages }}"), "plain");
  EXPECT_THROW(find_output_format("hermes3"), Error);
}

TEST(OutputFormats, of_real_templates) {
  std::ifstream file(SPARROW_SOURCE_DIR "/tests/golden/chat/templates.json");
  std::stringstream text;
  text << file.rdbuf();
  std::vector<std::string> found;
  const Json templates = Json::parse(text.str());
  for (const Json& golden : templates["templates"]) {
    const auto chat = ChatTemplate::from_source(golden["template"], nullptr);
    found.push_back(golden["name"].get<std::string>() + ": " +
                    std::string(output_format_of(*chat).name) +
                    (has_reasoning(*chat) ? ", thinks" : ""));
  }
  EXPECT_THAT(found, testing::IsSupersetOf({"Qwen3: hermes, thinks", "Qwen2.5-Coder: hermes",
                                            "SmolLM2: plain", "Mistral-Nemo: mistral"}));
}

TEST(OutputFormats, name_the_control_tokens_that_must_be_shown) {
  const test_support::FakeTokenizer tokenizer(
      {"a", "[ARGS]", "[TOOL_CALLS]", "<think>", "</think>"}, {}, {}, {1, 2, 4});
  EXPECT_THAT(marker_tokens(find_output_format("mistral"), tokenizer), ElementsAre(1, 2, 4));
  EXPECT_THAT(marker_tokens(find_output_format("hermes"), tokenizer), ElementsAre(4));
}

TEST(Prompts, that_open_reasoning_are_known) {
  EXPECT_TRUE(opens_reasoning(std::vector<Segment>{{"hi", false}, {"assistant\n<think>\n", true}}));
  EXPECT_FALSE(opens_reasoning(
      std::vector<Segment>{{"hi", false}, {"assistant\n<think>\n\n</think>\n\n", true}}));
  EXPECT_FALSE(opens_reasoning(std::vector<Segment>{{"say <think>", false}}));
  EXPECT_FALSE(opens_reasoning({}));
}

}  // namespace
}  // namespace sparrow
