// How long a prompt takes to become text: a talk of 100 messages with tools and calls in it,
// through real templates (tests/golden/chat/templates.json).
//     build/template_bench
#include <benchmark/benchmark.h>

#include <fstream>
#include <sstream>

#include "base/error.h"
#include "chat/chat_template.h"
#include "jinja/template.h"

namespace sparrow {
namespace {

constexpr int kMessages = 100;
constexpr int kTools = 8;

Json golden_templates() {
  std::ifstream file(SPARROW_SOURCE_DIR "/tests/golden/chat/templates.json");
  std::stringstream text;
  text << file.rdbuf();
  return Json::parse(text.str())["templates"];
}

Json make_tools() {
  Json tools = Json::array();
  for (int i = 0; i < kTools; ++i) {
    tools.push_back(Json::parse(fmt::format(
        R"({{"type": "function", "function": {{"name": "tool_{}", "description": "Looks something up in one of several places and says what it found there.",
        "parameters": {{"type": "object", "properties": {{"query": {{"type": "string", "description": "What to look for"}},
        "limit": {{"type": "integer", "minimum": 1, "maximum": 50}}, "places": {{"type": "array", "items": {{"type": "string", "enum": ["web", "files", "mail"]}}}}}},
        "required": ["query"]}}}}}})",
        i)));
  }
  return tools;
}

// System, then user, a call, its result and an answer, over and over.
Json make_messages() {
  std::string words;
  for (int i = 0; i < 60; ++i) words += "Some words of a sentence that goes on, 还有中文, ";
  Json messages = Json::array({{{"role", "system"}, {"content", "You are a helpful assistant."}}});
  while (messages.size() < kMessages) {
    switch (messages.size() % 4) {
      case 1:
        messages.push_back({{"role", "user"}, {"content", words}});
        break;
      case 2:
        messages.push_back(Json::parse(
            R"({"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function":
          {"name": "tool_1", "arguments": {"query": "sparrows in winter", "limit": 5, "places": ["web", "files"]}}}]})"));
        break;
      case 3:
        messages.push_back({{"role", "tool"}, {"content", words}});
        break;
      default:
        messages.push_back({{"role", "assistant"}, {"content", words}});
    }
  }
  return messages;
}

void render_talk(benchmark::State& state, const Json& golden) {
  const auto chat = ChatTemplate::from_source(golden["template"], nullptr);
  TemplateInput input;
  input.messages = make_messages();
  input.tools = make_tools();
  size_t bytes = 0;
  for (auto _ : state) {
    bytes = 0;
    for (const Segment& segment : chat->render(input)) bytes += segment.text.size();
    benchmark::DoNotOptimize(bytes);
  }
  state.counters["prompt_bytes"] = static_cast<double>(bytes);
}

void parse_template(benchmark::State& state, const Json& golden) {
  const std::string source = golden["template"];
  for (auto _ : state) benchmark::DoNotOptimize(jinja::Template(source));
}

}  // namespace
}  // namespace sparrow

int main(int argc, char** argv) {
  for (const sparrow::Json& golden : sparrow::golden_templates()) {
    const std::string name = golden["name"];
    benchmark::RegisterBenchmark(
        ("render_100_messages/" + name).c_str(),
        [golden](benchmark::State& state) { sparrow::render_talk(state, golden); })
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(("parse/" + name).c_str(), [golden](benchmark::State& state) {
      sparrow::parse_template(state, golden);
    })->Unit(benchmark::kMillisecond);
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
