// Seeds of the output parser's target: an answer of each kind, for each format.
#include <cstdio>
#include <fstream>
#include <string>

namespace sparrow {
namespace {

const char* const kAnswers[] = {
    "So:\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": [1, \"\\u00e4\"]}}\n</tool_call>\n"
    "<tool_call>{\"name\": \"now\"}</tool_call> ok",
    "```json\n{\n  \"name\": \"f\",\n  \"arguments\": {}\n}\n```\n\n```json\n{\"name\": \"now\", "
    "\"arguments\": null}\n```\nx",
    "<tool_call>{\"name\": \"f\", \"arguments\": \"{\\\"a\\\": 1}\"}{\"name\": 1}",
    "{\"name\": \"f\", \"parameters\": {}}; {\"type\": \"function\", \"name\": \"g\", "
    "\"parameters\": {\"b\": -1.5e3}}",
    "<|python_tag|>{\"name\": \"f\", \"parameters\": {}};<|python_tag|>{\"name\": \"g\"} y",
    "a [TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {}, \"id\": \"abcdefghi\"}, {\"name\": "
    "\"now\"}] b",
    "[TOOL_CALLS]f[ARGS]{\"a\": true}[TOOL_CALLS]now[CALL_ID]123456789[ARGS]{}[TOOL_CALLS]f{}",
    "<think>\nHm.\n</think>\n\n{\"name\": \"now\", \"arguments\": {}}",
};

void write_seeds(const std::string& folder) {
  int count = 0;
  for (const char* answer : kAnswers) {
    for (int format = 0; format < 4; ++format) {
      for (const int reasoning : {0, 32, 96}) {
        std::ofstream file(folder + "/answer" + std::to_string(count++), std::ios::binary);
        file << static_cast<char>(format + reasoning) << 'x' << answer;
      }
    }
  }
}

}  // namespace
}  // namespace sparrow

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  sparrow::write_seeds(argv[1]);
  return 0;
}
