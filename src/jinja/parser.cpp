#include "jinja/parser.h"

#include <algorithm>
#include <initializer_list>
#include <set>

#include "base/error.h"
#include "jinja/expression_parser.h"
#include "jinja/token_stream.h"

namespace sparrow::jinja {
namespace {

using EndNames = std::initializer_list<std::string_view>;

class StatementParser {
 public:
  explicit StatementParser(TokenStream& stream) : stream_(stream), expressions_(stream) {}

  // Statements up to a tag of one of these names, which stays current; none: to the end.
  Body parse_body(EndNames ends) {
    const TokenStream::Nesting nesting(stream_);
    Body body;
    while (true) {
      const Location at = stream_.current().at;
      switch (stream_.current().kind) {
        case TokenKind::data:
          body.push_back({at, Data{Value::string(stream_.next().text, true)}});
          break;
        case TokenKind::variable_begin:
          stream_.next();
          body.push_back({at, Print{}});
          std::get<Print>(body.back().node).values.push_back(expressions_.parse_tuple());
          stream_.expect(TokenKind::variable_end);
          break;
        case TokenKind::block_begin:
          stream_.next();
          if (std::any_of(ends.begin(), ends.end(),
                          [&](std::string_view end) { return stream_.is_name(end); })) {
            return body;
          }
          body.push_back(parse_statement(ends));
          stream_.expect(TokenKind::block_end);
          break;
        default:
          if (ends.size() > 0) fail_end(ends);
          return body;
      }
    }
  }

 private:
  [[noreturn]] void fail_end(EndNames ends) const {
    std::string names;
    for (const std::string_view end : ends)
      names += fmt::format("{}'{}'", names.empty() ? "" : " or ", end);
    stream_.fail_here(fmt::format("unexpected end of template: looking for {} to close '{}'", names,
                                  tags_.back()));
  }

  // The body of a tag that ends here, without the tag that ends it.
  Body parse_block(EndNames ends) {
    stream_.skip_symbol(":");
    stream_.expect(TokenKind::block_end);
    return parse_body(ends);
  }
  Body parse_whole_block(std::string_view end) {
    Body body = parse_block({end});
    stream_.next();
    return body;
  }

  Statement parse_statement(EndNames ends) {
    const Token& tag = stream_.current();
    if (tag.kind != TokenKind::name) stream_.fail_here("tag name expected");
    struct Row {
      std::string_view name;
      Statement::Node (StatementParser::*parse)();
    };
    constexpr Row kTags[] = {
        {"for", &StatementParser::parse_for},
        {"if", &StatementParser::parse_if},
        {"set", &StatementParser::parse_set},
        {"macro", &StatementParser::parse_macro},
        {"call", &StatementParser::parse_call_block},
        {"filter", &StatementParser::parse_filter_block},
        {"with", &StatementParser::parse_with},
        {"block", &StatementParser::parse_named_block},
        {"print", &StatementParser::parse_print},
        {"generation", &StatementParser::parse_generation},
        {"break", &StatementParser::parse_break},
        {"continue", &StatementParser::parse_continue},
        {"include", &StatementParser::parse_unsupported},
        {"import", &StatementParser::parse_unsupported},
        {"from", &StatementParser::parse_unsupported},
        {"extends", &StatementParser::parse_unsupported},
        {"autoescape", &StatementParser::parse_autoescape},
    };
    const auto* row = std::find_if(std::begin(kTags), std::end(kTags),
                                   [&](const Row& r) { return r.name == tag.text; });
    if (row == std::end(kTags)) fail_unknown_tag(ends);
    tags_.push_back(tag.text);
    const Location at = stream_.next().at;
    Statement statement{at, (this->*row->parse)()};
    tags_.pop_back();
    return statement;
  }

  [[noreturn]] void fail_unknown_tag(EndNames ends) const {
    std::string message = fmt::format("unknown tag '{}'", stream_.current().text);
    if (ends.size() > 0) {
      message += ", while looking for";
      for (const std::string_view end : ends)
        message += fmt::format("{} '{}'", end == *ends.begin() ? "" : " or", end);
      message += fmt::format(" to close '{}'", tags_.back());
    }
    stream_.fail_here(message);
  }

  Statement::Node parse_for() {
    ForLoop loop;
    loop.target = expressions_.parse_target(true, false, "in");
    loop.test_target = loop.target;
    stream_.expect_name("in");
    loop.iterable = expressions_.parse_tuple(false, "recursive");
    if (stream_.skip_name("if")) loop.test = expressions_.parse_expression();
    loop.is_recursive = stream_.skip_name("recursive");
    ++loop_depth_;
    loop.body = parse_block({"endfor", "else"});
    --loop_depth_;
    if (stream_.next().text == "else") loop.otherwise = parse_whole_block("endfor");
    return loop;
  }

  Statement::Node parse_if() {
    If statement;
    while (true) {
      ExpressionPointer test = expressions_.parse_tuple(false);
      statement.branches.emplace_back(std::move(test), parse_block({"elif", "else", "endif"}));
      const std::string& tag = stream_.next().text;
      if (tag == "elif") continue;
      if (tag == "else") statement.otherwise = parse_whole_block("endif");
      return statement;
    }
  }

  Statement::Node parse_set() {
    Target target = expressions_.parse_target(true, true);
    if (stream_.skip_symbol("=")) return Set{std::move(target), expressions_.parse_tuple()};
    SetBlock block;
    block.target = std::move(target);
    block.filter = expressions_.parse_filters_of_block(false);
    block.body = parse_whole_block("endset");
    return block;
  }

  std::vector<Parameter> parse_signature() {
    stream_.expect_symbol("(");
    std::vector<Parameter> parameters;
    while (!stream_.is_symbol(")")) {
      if (!parameters.empty()) stream_.expect_symbol(",");
      Parameter parameter;
      const Location at = stream_.current().at;
      parameter.name = expressions_.parse_target(false, false).name;
      if (parameters.size() >= kMaxNames) {
        stream_.fail_at(at, fmt::format("more than {} parameters", kMaxNames));
      }
      for (const Parameter& other : parameters) {
        if (other.name == parameter.name)
          stream_.fail_at(at, fmt::format("duplicate argument '{}'", parameter.name));
      }
      if (stream_.skip_symbol("=")) {
        parameter.otherwise = expressions_.parse_expression();
      } else if (!parameters.empty() && parameters.back().otherwise != nullptr) {
        stream_.fail_at(at, "non-default argument follows default argument");
      }
      parameters.push_back(std::move(parameter));
    }
    stream_.expect_symbol(")");
    return parameters;
  }

  // The body of a macro is a function of its own: a break in it does not leave the loop around it.
  Body parse_function_body(std::string_view end) {
    const int outer_loops = std::exchange(loop_depth_, 0);
    Body body = parse_whole_block(end);
    loop_depth_ = outer_loops;
    return body;
  }

  Statement::Node parse_macro() {
    Macro macro;
    macro.name = expressions_.parse_target(false, false);
    macro.macro.parameters = parse_signature();
    macro.macro.body = parse_function_body("endmacro");
    return macro;
  }

  Statement::Node parse_call_block() {
    CallBlock block;
    if (stream_.is_symbol("(")) block.macro.parameters = parse_signature();
    const Location at = stream_.current().at;
    block.call = expressions_.parse_expression();
    if (!std::holds_alternative<Call>(block.call->node)) stream_.fail_at(at, "expected call");
    block.macro.body = parse_function_body("endcall");
    return block;
  }

  Statement::Node parse_generation() {
    CallBlock block;
    block.macro.body = parse_function_body("endgeneration");
    return block;
  }

  Statement::Node parse_filter_block() {
    FilterBlock block;
    block.filter = expressions_.parse_filters_of_block(true);
    block.body = parse_whole_block("endfilter");
    return block;
  }

  Statement::Node parse_with() {
    With with;
    while (!stream_.is_kind(TokenKind::block_end)) {
      if (!with.variables.empty()) stream_.expect_symbol(",");
      Target target = expressions_.parse_target(true, false);
      stream_.expect_symbol("=");
      with.variables.emplace_back(std::move(target), expressions_.parse_expression());
    }
    with.body = parse_whole_block("endwith");
    return with;
  }

  Statement::Node parse_named_block() {
    Block block;
    const Location at = stream_.current().at;
    block.name = stream_.expect(TokenKind::name).text;
    if (!block_names_.insert(block.name).second)
      stream_.fail_at(at, fmt::format("block '{}' defined twice", block.name));
    block.is_scoped = stream_.skip_name("scoped");
    stream_.skip_name("required");
    block.body = parse_function_body("endblock");
    stream_.skip_name(block.name);
    return block;
  }

  Statement::Node parse_print() {
    Print print;
    while (!stream_.is_kind(TokenKind::block_end)) {
      if (!print.values.empty()) stream_.expect_symbol(",");
      print.values.push_back(expressions_.parse_expression());
    }
    return print;
  }

  Statement::Node parse_break() {
    if (loop_depth_ == 0) stream_.fail_here("'break' outside of a loop");
    return Break{};
  }

  Statement::Node parse_continue() {
    if (loop_depth_ == 0) stream_.fail_here("'continue' outside of a loop");
    return Continue{};
  }

  // Refused when it is reached, as Hugging Face's environment does, which has no other templates.
  Statement::Node parse_unsupported() {
    Unsupported statement{tags_.back()};
    while (!stream_.is_kind(TokenKind::block_end) && !stream_.is_kind(TokenKind::end))
      stream_.next();
    return statement;
  }

  Statement::Node parse_autoescape() {
    stream_.fail_here("autoescape is not supported: prompts are not HTML");
  }

  TokenStream& stream_;
  ExpressionParser expressions_;
  std::vector<std::string> tags_;
  std::set<std::string> block_names_;
  int loop_depth_ = 0;
};

}  // namespace

Body parse(std::string_view source, const Limits& limits) {
  if (source.size() > limits.source_bytes) {
    fail(ErrorCode::invalid_file, "a template of {} bytes; at most {} are taken", source.size(),
         limits.source_bytes);
  }
  TokenStream stream(tokenize(source), limits.parse_depth);
  return StatementParser(stream).parse_body({});
}

}  // namespace sparrow::jinja
