// Templates that mean harm: each ends in an error, soon, with little memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "jinja/template.h"

namespace sparrow::jinja {
namespace {

using testing::HasSubstr;

std::string repeat(std::string_view text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

std::string error_of(const std::string& source, const Variables& variables = {},
                     const Limits& limits = {}) {
  try {
    Template(source, limits).render(variables);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string print(const std::string& source, const Limits& limits = {}) {
  return std::string(Template(source, limits).render({}).view());
}

TEST(Hostile, macro_that_calls_itself_ends) {
  EXPECT_THAT(error_of("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
              HasSubstr("deeper than 100"));
  EXPECT_THAT(
      error_of(
          "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}"),
      HasSubstr("deeper than 100"));
  EXPECT_THAT(error_of("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}"),
              HasSubstr("deeper than 100"));
  EXPECT_THAT(
      error_of("{% macro m() %}{{ caller }}{% call m() %}{% endcall %}{% endmacro %}{{ m() }}"),
      HasSubstr("deeper than 100"));
}

TEST(Hostile, nesting_has_a_limit_and_what_is_below_it_works) {
  EXPECT_EQ(print("{{ " + repeat("(", 150) + "1" + repeat(")", 150) + " }}"), "1");
  EXPECT_EQ(print("{{ " + repeat("[", 90) + repeat("]", 90) + " }}"),
            repeat("[", 90) + repeat("]", 90));
  EXPECT_THAT(error_of("{{ " + repeat("(", 300) + "1" + repeat(")", 300) + " }}"),
              HasSubstr("deeper than 256 levels"));
  EXPECT_THAT(error_of("{{ " + repeat("(", 100000)), HasSubstr("deeper than 256 levels"));
  EXPECT_THAT(error_of("{{ " + repeat("[", 200) + repeat("]", 200) + " }}"),
              HasSubstr("nest deeper than 100"));
  EXPECT_THAT(error_of(repeat("{% if true %}", 300)), HasSubstr("deeper than 256 levels"));
  EXPECT_THAT(error_of("{{ " + repeat("not ", 5000) + "1 }}"), HasSubstr("deeper than 256 levels"));
  EXPECT_THAT(error_of("{{ " + repeat("-", 5000) + "1 }}"), HasSubstr("deeper than 256 levels"));
  EXPECT_THAT(error_of("{{ " + repeat("1 if 1 else ", 5000) + "1 }}"),
              HasSubstr("deeper than 256 levels"));
}

TEST(Hostile, a_chain_of_operators_has_a_limit_too) {
  EXPECT_EQ(print("{{ 1" + repeat(" + 1", 200) + " }}"), "201");
  EXPECT_THAT(error_of("{{ 1" + repeat(" + 1", 5000) + " }}"), HasSubstr("deeper than 256 levels"));
  EXPECT_THAT(error_of("{{ 1" + repeat("|abs", 5000) + " }}"), HasSubstr("deeper than 256 levels"));
  EXPECT_THAT(error_of("{{ x" + repeat(".a", 5000) + " }}"), HasSubstr("deeper than 256 levels"));
  EXPECT_THAT(error_of("{{ x" + repeat("()", 5000) + " }}"), HasSubstr("deeper than 256 levels"));
  EXPECT_THAT(error_of("{{ 1" + repeat(" or 1", 5000) + " }}"),
              HasSubstr("deeper than 256 levels"));
  EXPECT_EQ(print("{{ 'a'" + repeat(" ~ 'a'", 2000) + " }}"),
            repeat("a", 2001));  // one node, not a chain
}

TEST(Hostile, range_has_the_sandboxs_limit) {
  EXPECT_EQ(print("{{ range(100000)|length }}"), "100000");
  EXPECT_THAT(error_of("{{ range(100001) }}"), HasSubstr("at most 100000"));
  EXPECT_THAT(error_of("{% for x in range(10**9) %}{% endfor %}"), HasSubstr("at most 100000"));
  EXPECT_THAT(error_of("{{ range(10**30) }}"), HasSubstr("at most 100000"));
}

TEST(Hostile, loops_inside_loops_run_out_of_fuel) {
  EXPECT_THAT(
      error_of(
          "{% for a in range(100000) %}{% for b in range(100000) %}{% for c in range(100000) %}"
          "{% endfor %}{% endfor %}{% endfor %}"),
      HasSubstr("more steps than are allowed"));
  // 116 bytes that cost another engine 55 seconds.
  EXPECT_THAT(error_of("{% set r = range(99999) %}{% for a in r %}{% for b in r %}{{ a * b }}{% "
                       "endfor %}{% endfor %}"),
              HasSubstr("more steps than are allowed"));
  EXPECT_THAT(
      error_of(
          "{% macro m(n) %}{% if n %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}{% endmacro %}{{ m(60) }}"),
      HasSubstr("more steps than are allowed"));
}

TEST(Hostile, strings_and_output_have_a_limit) {
  EXPECT_EQ(print("{{ ('a' * 8388608)|length }}"), "8388608");
  EXPECT_THAT(error_of("{{ 'a' * 8388609 }}"), HasSubstr("at most 8388608"));
  EXPECT_THAT(error_of("{{ 'a' * 10**30 }}"), HasSubstr("at most 8388608"));
  EXPECT_THAT(error_of("{{ [1] * 10**30 }}"), HasSubstr("more steps"));
  EXPECT_THAT(error_of("{% set a = 'aaaaaaaaaa' %}{% for i in range(90) %}{% set a = a ~ a %}{% "
                       "endfor %}{% set ns = namespace(a='x') %}"
                       "{% for i in range(90) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}"),
              HasSubstr("at most 8388608"));
  EXPECT_THAT(error_of("{% set a = 'a' * 8000000 %}{{ a }}{{ a }}"),
              HasSubstr("prints more than 8388608"));
  EXPECT_THAT(error_of("{{ 'a'|center(10**12) }}"), HasSubstr("at most 8388608"));
  EXPECT_THAT(error_of("{{ '%1000000000d' % 1 }}"), HasSubstr("at most 8388608"));
  EXPECT_THAT(error_of("{{ '%.1000000000d' % 1 }}"), HasSubstr("at most 8388608"));
  EXPECT_THAT(error_of("{{ '%.1000000000f' % 1 }}"), HasSubstr("more than 500"));
  EXPECT_THAT(error_of("{{ '{:1000000000}'.format(1) }}"), HasSubstr("at most 8388608"));
  EXPECT_THAT(error_of("{{ '{:,}'.format(1)|replace('', 'x' * 5000000) }}"),
              HasSubstr("at most 8388608"));
  EXPECT_THAT(error_of("{{ ('a' * 5000)|replace('a', 'b' * 5000) }}"),
              HasSubstr("at most 8388608"));
  EXPECT_THAT(error_of("{{ ('b' * 1000000).join('aaaaaaaaaaaaaaaaaaaa') }}"),
              HasSubstr("at most 8388608"));
  EXPECT_THAT(error_of("{{ range(10000)|join('b' * 1000000) }}"), HasSubstr("at most 8388608"));
  EXPECT_THAT(error_of("{{ ('\\n' * 100000)|indent(1000, true, true) }}"),
              HasSubstr("at most 8388608"));
  EXPECT_THAT(error_of("{{ ('\\t' * 100000).expandtabs(100000) }}"), HasSubstr("at most 8388608"));
  EXPECT_THAT(error_of("{{ [1, [2]]|tojson(indent=100000000) }}"), HasSubstr("at most 8388608"));
  EXPECT_THAT(error_of("{{ 'a'.zfill(10**15) }}"), HasSubstr("at most 8388608"));
  EXPECT_THAT(error_of("{{ strftime_now('%' ~ '9' * 2000 ~ 'd') }}"), HasSubstr("at most 1024"));
}

TEST(Hostile, lists_run_out_of_fuel_before_memory) {
  EXPECT_THAT(error_of("{% set ns = namespace(a=[1]) %}{% for i in range(90) %}{% set ns.a = ns.a "
                       "+ ns.a %}{% endfor %}"),
              HasSubstr("more steps"));
  EXPECT_THAT(error_of("{{ range(100)|slice(10**12)|list }}"), HasSubstr("more steps"));
  EXPECT_THAT(error_of("{{ range(100)|batch(10**12, 1)|list }}"), HasSubstr("more steps"));
  EXPECT_THAT(error_of("{{ ('a,' * 4000000).split(',')|length }}"), HasSubstr("more steps"));
  EXPECT_THAT(
      error_of("{% set r = range(100000) %}{% for i in r %}{% set x = r|list %}{% endfor %}"),
      HasSubstr("more steps"));
}

TEST(Hostile, a_value_inside_itself_many_times_is_refused) {
  // The billion laughs: small in memory, endless when printed or compared.
  EXPECT_THAT(error_of("{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = "
                       "[ns.a, ns.a] %}{% endfor %}{{ ns.a }}"),
              HasSubstr("a value holds more than"));
  EXPECT_THAT(error_of("{% set ns = namespace(a={'x': 1}) %}{% for i in range(60) %}{% set ns.a = "
                       "{'p': ns.a, 'q': ns.a} %}{% endfor %}"),
              HasSubstr("a value holds more than"));
  EXPECT_THAT(error_of("{% set ns = namespace(a=[1]) %}{% for i in range(1000) %}{% set ns.a = "
                       "[ns.a] %}{% endfor %}"),
              HasSubstr("nest deeper than 100"));
}

TEST(Hostile, namespaces_that_hold_each_other_neither_leak_nor_hang) {
  EXPECT_EQ(print("{% set a = namespace() %}{% set b = namespace(a=a) %}{% set a.b = b %}{% set "
                  "a.a = a %}ok"),
            "ok");
  EXPECT_THAT(error_of("{% set a = namespace() %}{% set a.a = a %}{{ a }}"),
              HasSubstr("too deep to print"));
  // A chain of them: destroying it must not recurse.
  EXPECT_EQ(print("{% set ns = namespace(x=0) %}{% for i in range(50000) %}{% set ns.x = "
                  "namespace(x=ns.x) %}{% endfor %}ok"),
            "ok");
  EXPECT_EQ(print("{% set ns = namespace(x=0) %}{% for i in range(50000) %}{% set ns.x = "
                  "cycler(ns.x) %}{% endfor %}ok"),
            "ok");
  EXPECT_EQ(print("{% set ns = namespace() %}{% macro m() %}{% set ns.m = m %}{% macro k() %}{% "
                  "endmacro %}{% set ns.k = k %}{% endmacro %}{{ m() }}ok"),
            "ok");
  EXPECT_EQ(
      print("{% set ns = namespace() %}{% for i in range(3) %}{% set ns.l = loop %}{{ "
            "loop.changed(loop) }}{% endfor %}{{ ns.l.index }}{{ ns.l.length }}{{ ns.l.last }}"),
      "TrueFalseFalse33True");
  std::string nested = "{% set n0 = namespace() %}";
  for (int i = 1; i < 40; ++i) {
    nested += "{% set n" + std::to_string(i) + " = namespace(a=n" + std::to_string(i - 1) +
              ", b=n" + std::to_string(i - 1) + ") %}";
  }
  EXPECT_THAT(error_of(nested + "{{ n39 }}"), HasSubstr("prints to more than 8388608"));
}

TEST(Hostile, nothing_leads_out_of_the_values) {
  // CVE-2024-34359, CVE-2024-56326, CVE-2025-27516 and their kin.
  EXPECT_THAT(error_of("{{ ().__class__.__bases__[0].__subclasses__() }}"), HasSubstr("__class__"));
  EXPECT_THAT(error_of("{{ ''.__class__.__mro__ }}"), HasSubstr("__class__"));
  EXPECT_THAT(error_of("{{ cycler.__init__.__globals__.os.system }}"), HasSubstr("__init__"));
  EXPECT_THAT(error_of("{{ self.__init__ }}"), HasSubstr("self"));
  EXPECT_THAT(error_of("{{ namespace.__init__.__globals__ }}"), HasSubstr("__init__"));
  EXPECT_THAT(error_of("{{ '{0.__class__.__init__.__globals__}'.format('x') }}"),
              HasSubstr("__class__"));
  EXPECT_THAT(error_of("{{ '{x.__class__.y}'.format_map({'x': 1}) }}"), HasSubstr("__class__"));
  EXPECT_THAT(error_of("{% set f = '{0.__class__.a}'.format %}{{ f(1) }}"), HasSubstr("__class__"));
  EXPECT_THAT(error_of("{{ ['{0.__class__.a}']|map('format', 1)|list }}"),
              HasSubstr("not all arguments"));
  EXPECT_THAT(error_of("{{ (''|attr('__class__'))|attr('__mro__') }}"), HasSubstr("__class__"));
  EXPECT_THAT(error_of("{{ (''|attr('format')('x')|attr('__class__')).y }}"),
              HasSubstr("__class__"));
  EXPECT_THAT(error_of("{{ [1].append(2) }}"), HasSubstr("unsafe"));
}

TEST(Hostile, search_and_sort_stay_linear_enough) {
  // Naive search takes hours for this.
  EXPECT_EQ(print("{{ ('a' * 1000000).find('a' * 500000 ~ 'b') }}"), "-1");
  EXPECT_EQ(print("{{ ('a' * 1000000).rfind('b' ~ 'a' * 500000) }}"), "-1");
  EXPECT_EQ(print("{{ ('a' * 500000 ~ 'b') in 'a' * 1000000 }}"), "False");
  EXPECT_EQ(print("{{ ('ab' * 400000).strip('ab' * 400000) }}"), "");
  EXPECT_THAT(error_of("{% set l = ['a' * 1000000] * 100 %}{{ l|sort|length }}"),
              HasSubstr("more steps"));
  EXPECT_THAT(error_of("{% set l = ['a' * 1000000] * 100 %}{{ ('a' * 1000000 ~ 'b') in l }}"),
              HasSubstr("more steps"));
}

TEST(Hostile, sources_made_to_parse_slowly_parse_soon) {
  std::string names;
  for (int i = 0; i < 8000; ++i) names += fmt::format("{{%set a{}=1%}}", i);
  EXPECT_EQ(print(names + repeat("{%if 1%}{%endif%}", 6000)), "");
  std::string branches;
  for (int i = 0; i < 5000; ++i) branches += fmt::format("{{%if 0%}}{{%set b{}=1%}}{{%endif%}}", i);
  EXPECT_EQ(print(branches), "");
  EXPECT_EQ(
      print(repeat("{%for i in[]%}", 200) + repeat("{{loop}}", 20000) + repeat("{%endfor%}", 200)),
      "");
  std::string arguments;
  for (int i = 0; i < 20000; ++i) arguments += fmt::format("a{}=1,", i);
  EXPECT_THAT(error_of("{{ f(" + arguments + ") }}"), HasSubstr("more than 255 named arguments"));
  EXPECT_THAT(error_of("{% macro f(" + arguments + ") %}{% endmacro %}"),
              HasSubstr("more than 255 parameters"));
  EXPECT_THAT(error_of(repeat("{", 200000)), HasSubstr("deeper than 256 levels"));
  EXPECT_EQ(print(repeat("{ ", 100000)), repeat("{ ", 100000));
  EXPECT_THAT(error_of(repeat("{%", 100000)), HasSubstr("tag name expected"));
  EXPECT_THAT(error_of(repeat("{# ", 80000)), HasSubstr("missing end of comment"));
}

TEST(Hostile, a_loop_pays_for_the_variables_of_its_body) {
  std::string sets;
  for (int i = 0; i < 5000; ++i) sets += fmt::format("{{%set a{}=1%}}", i);
  EXPECT_THAT(
      error_of(sets + "{% for i in range(100000) %}{% if 0 %}" + sets + "{% endif %}{% endfor %}"),
      HasSubstr("more steps"));
}

TEST(Hostile, keys_and_writers_are_paid_for) {
  EXPECT_THAT(error_of("{% set k = ('a' * 4000000, 1) %}{% for i in range(100) %}{% set d = {k: 1, "
                       "k: 2, k: 3} %}{% endfor %}"),
              HasSubstr("more steps"));
  // A text whose writer changes with each byte takes five times the memory.
  EXPECT_THAT(error_of("{% set s = ('a' ~ x) * 1000000 %}{% for i in range(20) %}{% set s = s ~ "
                       "'b' %}{% endfor %}",
                       {{"x", Value::string(std::string("b"))}}),
              HasSubstr("more steps"));
}

TEST(Hostile, limits_are_where_they_say) {
  const auto with = [](auto change) {
    Limits limits;
    change(limits);
    return limits;
  };
  const std::string macro = "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{% endif %}{% endmacro %}";
  EXPECT_EQ(print(macro + "{{ m(99) }}"), "");
  EXPECT_THAT(error_of(macro + "{{ m(100) }}"), HasSubstr("deeper than 100 levels"));
  const Limits small_source = with([](Limits& limits) { limits.source_bytes = 10; });
  EXPECT_EQ(print("0123456789", small_source), "0123456789");
  EXPECT_THAT(error_of("0123456789a", {}, small_source),
              HasSubstr("a template of 11 bytes; at most 10 are taken"));
  const Limits small_text = with([](Limits& limits) { limits.text_bytes = 10; });
  EXPECT_EQ(print("{{ 'a' * 10 }}", small_text), "aaaaaaaaaa");
  EXPECT_THAT(error_of("{{ 'a' * 11 }}", {}, small_text), HasSubstr("at most 10"));
  EXPECT_THAT(error_of("aaaaa{{ 'bbbbbb' }}", {}, small_text),
              HasSubstr("prints more than 10 bytes"));
  const Limits little_fuel = with([](Limits& limits) { limits.fuel = 200; });
  EXPECT_EQ(print("{% for i in range(10) %}{% endfor %}", little_fuel), "");
  EXPECT_THAT(error_of("{% for i in range(100) %}{{ i }}{% endfor %}", {}, little_fuel),
              HasSubstr("more steps"));
}

TEST(Hostile, fuel_grows_with_the_input_up_to_a_limit) {
  Limits limits;
  limits.fuel = 1000;
  limits.fuel_per_input = 100;
  limits.fuel_most = 20000;
  const auto talk = [&](int count) {
    std::vector<Value> messages(static_cast<size_t>(count), Value::integer(1));
    return error_of("{% for m in messages %}{{ m + 1 }}{{ m + 1 }}{{ m + 1 }}{% endfor %}",
                    {{"messages", Value::list(messages)}}, limits);
  };
  EXPECT_EQ(talk(100), "no error");
  EXPECT_THAT(talk(5000), HasSubstr("more steps"));
}

TEST(Hostile, input_that_nests_too_deep_is_refused) {
  std::string text = repeat("[", 120) + repeat("]", 120);
  EXPECT_THROW(from_json(Json::parse(text)), Error);
}

}  // namespace
}  // namespace sparrow::jinja
