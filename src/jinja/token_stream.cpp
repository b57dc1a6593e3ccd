#include "jinja/token_stream.h"

#include <algorithm>

#include "base/error.h"
#include "jinja/number_text.h"

namespace sparrow::jinja {
namespace {

std::string_view describe(TokenKind kind) {
  switch (kind) {
    case TokenKind::data:
      return "template text";
    case TokenKind::variable_begin:
      return "begin of print statement";
    case TokenKind::variable_end:
      return "end of print statement";
    case TokenKind::block_begin:
      return "begin of statement block";
    case TokenKind::block_end:
      return "end of statement block";
    case TokenKind::name:
      return "a name";
    case TokenKind::string:
      return "a string";
    case TokenKind::integer:
    case TokenKind::real:
      return "a number";
    case TokenKind::symbol:
      return "an operator";
    case TokenKind::end:
      return "end of template";
  }
  return "";
}

}  // namespace

std::string describe(const Token& token) {
  if (token.kind == TokenKind::name || token.kind == TokenKind::symbol)
    return fmt::format("'{}'", token.text);
  if (token.kind == TokenKind::integer) return fmt::format("'{}'", integer_text(token.integer));
  return std::string(describe(token.kind));
}

const Token& TokenStream::next() {
  const Token& token = tokens_[at_];
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool TokenStream::skip_symbol(std::string_view symbol) {
  if (!is_symbol(symbol)) return false;
  next();
  return true;
}

bool TokenStream::skip_name(std::string_view name) {
  if (!is_name(name)) return false;
  next();
  return true;
}

const Token& TokenStream::expect(TokenKind kind) {
  if (!is_kind(kind)) fail_expected(describe(kind));
  return next();
}

void TokenStream::expect_symbol(std::string_view symbol) {
  if (!skip_symbol(symbol)) fail_expected(fmt::format("'{}'", symbol));
}

void TokenStream::expect_name(std::string_view name) {
  if (!skip_name(name)) fail_expected(fmt::format("'{}'", name));
}

void TokenStream::fail_expected(std::string_view wanted) const {
  fail_here(fmt::format("expected {}, got {}", wanted, describe(current())));
}

void TokenStream::fail_at(Location at, std::string_view message) const {
  throw Error(ErrorCode::invalid_file, located(at, message));
}

TokenStream::Nesting::Nesting(TokenStream& stream) : stream_(stream) {
  if (stream.depth_ >= stream.depth_limit_) {
    stream.fail_here(fmt::format("nested deeper than {} levels", stream.depth_limit_));
  }
  ++stream.depth_;
}

}  // namespace sparrow::jinja
