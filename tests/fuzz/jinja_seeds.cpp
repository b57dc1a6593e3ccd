// Seeds of the Jinja target: the golden templates, small and real.
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "base/json.h"

namespace sparrow {
namespace {

Json read_json(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return Json::parse(text.str());
}

void write_seeds(const std::string& folder) {
  int count = 0;
  const auto write = [&](const std::string& text) {
    std::ofstream(folder + "/jinja" + std::to_string(count++), std::ios::binary) << text;
  };
  const std::string goldens = SPARROW_SOURCE_DIR "/tests/golden/";
  const Json expressions = read_json(goldens + "jinja/expressions.json");
  for (const Json& one : expressions["cases"]) write(one["template"]);
  const Json templates = read_json(goldens + "chat/templates.json");
  for (const Json& one : templates["templates"]) write(one["template"]);
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
