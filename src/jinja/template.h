// Jinja as chat templates use it: parse once, render many.
//
//   const Template greeting("Hello {{ name }}!");
//   greeting.render({{"name", Value::string("world")}});  // "Hello " and "!" from the template
//
// The language is that of Jinja 3.1.6 in the environment that Hugging Face's transformers sets up:
// trim_blocks, lstrip_blocks, loop controls, `generation` blocks, raise_exception, strftime_now and
// its own tojson. Autoescape is off. docs/templates.md lists what is left out.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jinja/limits.h"
#include "jinja/text.h"
#include "jinja/value.h"

namespace sparrow::jinja {

using Variables = std::vector<std::pair<std::string, Value>>;

// Immutable; any thread.
class Template {
 public:
  // Throws Error{invalid_file} with line and column where the source is not a template.
  explicit Template(std::string_view source, const Limits& limits = {});
  ~Template();

  // What it prints, and who wrote each part. `now` is what strftime_now tells; without it, the
  // local time. Throws Error{invalid_argument} with line and column for what goes wrong,
  // raise_exception and a spent budget included.
  Text render(const Variables& variables, const std::tm* now = nullptr) const;

 private:
  struct Parsed;
  std::unique_ptr<const Parsed> parsed_;
  Limits limits_;
};

}  // namespace sparrow::jinja
