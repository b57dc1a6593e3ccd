// The parser's window on the tokens, and how deep it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "jinja/lexer.h"

namespace sparrow::jinja {

class TokenStream {
 public:
  TokenStream(std::vector<Token> tokens, int depth_limit)
      : tokens_(std::move(tokens)), depth_limit_(depth_limit) {}

  const Token& current() const { return tokens_[at_]; }
  const Token& look() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  const Token& next();  // the current one; moves on

  bool is_symbol(std::string_view symbol) const { return current().is_symbol(symbol); }
  bool is_name(std::string_view name) const { return current().is_name(name); }
  bool is_kind(TokenKind kind) const { return current().kind == kind; }
  // Moves on if it is the current one.
  bool skip_symbol(std::string_view symbol);
  bool skip_name(std::string_view name);

  // Throw Error{invalid_file} for anything else.
  const Token& expect(TokenKind kind);
  void expect_symbol(std::string_view symbol);
  void expect_name(std::string_view name);

  [[noreturn]] void fail_at(Location at, std::string_view message) const;
  [[noreturn]] void fail_here(std::string_view message) const { fail_at(current().at, message); }

  int depth_limit() const { return depth_limit_; }

  // Held while one expression or block is parsed inside another.
  class Nesting {
   public:
    explicit Nesting(TokenStream& stream);
    ~Nesting() { --stream_.depth_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    TokenStream& stream_;
  };

 private:
  [[noreturn]] void fail_expected(std::string_view wanted) const;

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
  int depth_limit_;
};

// "'endif'", "end of print statement": a token in the words of an error.
std::string describe(const Token& token);

}  // namespace sparrow::jinja
