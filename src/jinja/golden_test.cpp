// Hundreds of small templates against what jinja2 made of them in Hugging Face's environment.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "jinja/template.h"
#include "sparrow/error.h"

namespace sparrow::jinja {
namespace {

Json read_golden() {
  std::ifstream file(SPARROW_SOURCE_DIR "/tests/golden/jinja/expressions.json");
  std::stringstream text;
  text << file.rdbuf();
  return Json::parse(text.str());
}

std::string render(const std::string& source, const Variables& variables) {
  return std::string(Template(source).render(variables).view());
}

TEST(JinjaGolden, every_template_prints_or_refuses_as_the_reference_does) {
  const Json golden = read_golden();
  Variables variables;
  for (const auto& [name, value] : golden["variables"].items()) {
    variables.emplace_back(name, from_json(value));
  }
  ASSERT_GT(golden["cases"].size(), 400u);
  for (const Json& one : golden["cases"]) {
    const std::string source = one["template"];
    if (one.contains("error")) {
      EXPECT_THROW(render(source, variables), Error)
          << source << "\nreference: " << one["error"].get<std::string>()
          << "\nours: " << render(source, variables);
      continue;
    }
    try {
      EXPECT_EQ(render(source, variables), one["text"].get<std::string>()) << source;
    } catch (const Error& error) {
      ADD_FAILURE() << source << "\n" << error.what();
    }
  }
}

}  // namespace
}  // namespace sparrow::jinja
