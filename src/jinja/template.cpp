#include "jinja/template.h"

#include "jinja/ast.h"
#include "jinja/evaluator.h"
#include "jinja/parser.h"
#include "jinja/scope.h"

namespace sparrow::jinja {

struct Template::Parsed {
  Body body;
  FrameLayout layout;
};

Template::Template(std::string_view source, const Limits& limits) : limits_(limits) {
  auto parsed = std::make_unique<Parsed>();
  parsed->body = parse(source, limits);
  parsed->layout = resolve_names(parsed->body);
  parsed_ = std::move(parsed);
}

Template::~Template() = default;

Text Template::render(const Variables& variables, const std::tm* now) const {
  std::tm local = {};
  if (now == nullptr) {
    const std::time_t seconds = std::time(nullptr);
    localtime_r(&seconds, &local);
    now = &local;
  }
  std::vector<DictEntry> entries;
  int64_t weight = 0;
  for (const auto& [name, value] : variables) {
    entries.push_back({Value::string(name), value});
    weight += value.weight();
  }
  Runtime runtime(limits_, weight, *now);
  return Evaluator(runtime, entries).run(parsed_->body, parsed_->layout);
}

}  // namespace sparrow::jinja
