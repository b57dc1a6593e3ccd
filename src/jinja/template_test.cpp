// What a template prints and who wrote each part of it; errors and their places.
#include "jinja/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "sparrow/error.h"

namespace sparrow::jinja {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Value user(std::string text) { return Value::string(std::move(text)); }

// "T:a U:b": the segments with their writers.
std::string writers(std::string_view source, const Variables& variables) {
  std::string result;
  for (const Segment& segment : Template(source).render(variables).segments()) {
    if (!result.empty()) result += " ";
    result += (segment.from_template ? "T:" : "U:") + segment.text;
  }
  return result;
}

std::string error_of(std::string_view source, const Variables& variables = {}) {
  try {
    Template(source).render(variables);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Writers, literals_are_the_templates_and_variables_the_users) {
  EXPECT_EQ(writers("<{{ x }}>{{ 'y' }}", {{"x", user("a")}}), "T:< U:a T:>y");
  EXPECT_EQ(writers("{{ '<' + x + '>' }}", {{"x", user("a")}}), "T:< U:a T:>");
  EXPECT_EQ(writers("{{ '<' ~ x ~ 1 }}", {{"x", user("a")}}), "T:< U:a1");
  EXPECT_EQ(writers("{% set y = '<' ~ x %}{{ y }}|", {{"x", user("a")}}), "T:< U:a T:|");
}

TEST(Writers, what_the_interpreter_makes_is_never_the_templates) {
  EXPECT_EQ(writers("{{ 5 }}{{ true }}{{ none }}{{ [1] }}", {}), "U:5TrueNone[1]");
  EXPECT_EQ(writers("{{ {'<|im_end|>': '<|im_end|>'}|tojson }}", {}),
            "U:{\"<|im_end|>\": \"<|im_end|>\"}");
  EXPECT_EQ(writers("{{ ['<|im_end|>'] }}", {}), "U:['<|im_end|>']");
}

TEST(Writers, methods_and_filters_keep_them) {
  const Variables x = {{"x", user("  aB  ")}, {"list", from_json(Json::parse(R"(["p", "q"])"))}};
  EXPECT_EQ(writers("{{ ('<' ~ x ~ '>').upper() }}", x), "T:< U:  AB   T:>");
  EXPECT_EQ(writers("{{ ('< ' ~ x)|trim }}", x), "T:<  U:  aB");
  EXPECT_EQ(writers("{{ (x ~ '>').strip() }}", x), "U:aB   T:>");
  EXPECT_EQ(writers("{{ ('a,' ~ x ~ ',b').split(',')|join('|') }}", x), "T:a| U:  aB   T:|b");
  EXPECT_EQ(writers("{{ '<@>'.replace('@', x) }}", x), "T:< U:  aB   T:>");
  EXPECT_EQ(writers("{{ x.replace('B', '<') }}", x), "U:  a T:< U:  ");
  EXPECT_EQ(writers("{{ x|replace('B', '<') }}", x), "U:  a T:< U:  ");
  EXPECT_EQ(writers("{{ ('ab' ~ x)[1:5] }}", x), "T:b U:  a");
  EXPECT_EQ(writers("{{ ('ab' ~ x)[::-1] }}", x), "U:  Ba   T:ba");
  EXPECT_EQ(writers("{{ list|join(', ') }}", x), "U:p T:,  U:q");
  EXPECT_EQ(writers("{{ '-'.join(list) }}", x), "U:p T:- U:q");
  EXPECT_EQ(writers("{{ '<%s>' % x }}", x), "T:< U:  aB   T:>");
  EXPECT_EQ(writers("{{ '<{}>'.format(x) }}", x), "T:< U:  aB   T:>");
  EXPECT_EQ(writers("{{ '<%s>'|format(x) }}", x), "T:< U:  aB   T:>");
  EXPECT_EQ(writers("{{ 'a\n' ~ x | indent(1) }}", x), "T:a\n U:  aB  ");
  EXPECT_EQ(writers("{{ ('é' ~ x).title() }}", x), "T:É U:  Ab  ");
}

TEST(Writers, macros_blocks_and_loops_keep_them) {
  const Variables x = {{"x", user("a")}};
  EXPECT_EQ(writers("{% macro m(v) %}<{{ v }}>{% endmacro %}{{ m(x)|upper }}", x), "T:< U:A T:>");
  EXPECT_EQ(writers("{% set b %}<{{ x }}{% endset %}{{ b }}", x), "T:< U:a");
  EXPECT_EQ(writers("{% filter upper %}b{{ x }}{% endfilter %}", x), "T:B U:A");
  EXPECT_EQ(writers("{% for c in '<' ~ x %}{{ c }};{% endfor %}", x), "T:<; U:a T:;");
  EXPECT_EQ(
      writers("{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}{{ x }}{% endcall %}", x),
      "T:[ U:a T:]");
}

TEST(Writers, keys_of_the_input_are_the_users) {
  const Variables x = {{"d", from_json(Json::parse(R"({"<|im_end|>": 1})"))}};
  EXPECT_EQ(writers("{% for k, v in d.items() %}{{ k }}={{ v }}{% endfor %}", x),
            "U:<|im_end|> T:= U:1");
  EXPECT_EQ(writers("{{ d|list|first }}", x), "U:<|im_end|>");
}

TEST(Errors, say_line_and_column) {
  EXPECT_THAT(error_of("ab\n{{ 1 + }}"), StartsWith("line 2, column 8: "));
  EXPECT_THAT(error_of("ab\n  {{ 'é' + x.y.z }}", {{"x", Value()}}),
              StartsWith("line 2, column 15: 'None' has no attribute 'y'"));
  EXPECT_THAT(error_of("{% for x in y %}\n\n{{ x.a.b }}{% endfor %}",
                       {{"y", Value::list({Value::integer(1)})}}),
              StartsWith("line 3, column 7: 'int object' has no attribute 'a'"));
  EXPECT_EQ(error_of("{{ raise_exception('No ' ~ x) }}", {{"x", user("way")}}),
            "line 1, column 19: No way");
  EXPECT_THAT(error_of("{% if a %}"),
              HasSubstr("looking for 'elif' or 'else' or 'endif' to close 'if'"));
  EXPECT_THAT(error_of("{% iff %}"), StartsWith("line 1, column 4: unknown tag 'iff'"));
}

TEST(Errors, tell_a_broken_template_from_a_refusing_one) {
  EXPECT_THROW(
      try { Template("{{"); } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_file);
        throw;
      },
      Error);
  EXPECT_THROW(
      try { Template("{{ raise_exception('x') }}").render({}); } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
        throw;
      },
      Error);
}

TEST(Errors, refuse_what_is_not_text) {
  EXPECT_THAT(error_of("ab\xff"), HasSubstr("not UTF-8 at byte 2"));
}

TEST(Template, takes_bytes_that_are_no_text_from_its_input) {
  const Variables x = {{"x", user("a\xff\xf0\x9f b")}};
  EXPECT_EQ(Template("{{ x.upper() }}{{ x|length }}{{ x[1] }}").render(x).view(),
            "A\xff\xf0\x9f B6\xff");
  EXPECT_EQ(Template("{{ x|tojson }}").render(x).view(), "\"a\xff\xf0\x9f b\"");
}

TEST(Template, tells_the_time_it_is_given) {
  std::tm now = {};
  now.tm_year = 124;
  now.tm_mon = 6;
  now.tm_mday = 4;
  now.tm_hour = 9;
  now.tm_wday = 4;
  const Template date("{{ strftime_now('%d %b %Y|%A|%-d %B|%H:%M:%S|%f|%z%Z|%%z') }}");
  EXPECT_EQ(date.render({}, &now).view(), "04 Jul 2024|Thursday|4 July|09:00:00|000000||%z");
}

TEST(Template, renders_in_many_threads_at_once) {
  const Template shared(
      "{% set ns = namespace(i=0) %}{% for x in xs %}{% set ns.i = ns.i + x %}{% endfor %}{{ ns.i "
      "}}{{ 'a'.upper() }}");
  const Variables variables = {{"xs", from_json(Json::parse("[1, 2, 3, 4]"))}};
  std::vector<std::thread> threads;
  std::vector<std::string> results(4);
  for (std::string& result : results) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) result = shared.render(variables).view();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(results, testing::Each("10A"));
}

}  // namespace
}  // namespace sparrow::jinja
