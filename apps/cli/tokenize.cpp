// sparrow tokenize: the ids and pieces that a text becomes.
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>

#include "api/model_source.h"
#include "apps/cli/command.h"
#include "apps/cli/display_text.h"
#include "apps/cli/json_string.h"
#include "base/error.h"
#include "base/json.h"
#include "base/mapped_file.h"
#include "base/utf8.h"
#include "gguf/gguf_file.h"
#include "text/tokenizer.h"

namespace sparrow::cli {
namespace {

struct TokenizeOptions {
  std::string model;
  std::optional<std::string> text;
  bool is_json = false;
  bool has_special = false;
  bool has_bos = false;
  bool is_by_line = false;
};

std::shared_ptr<const Tokenizer> open_tokenizer(const std::string& model) {
  if (model.ends_with(".json")) {
    const MappedFile file(model);
    const std::span<const std::byte> bytes = file.bytes();
    return Tokenizer::from_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  return Tokenizer::from_gguf(*GgufFile::open(find_model(model).model_path));
}

std::string quoted(std::string_view text) { return Json(repair_utf8(text)).dump(); }

// {"ids": [1, 2], "pieces": ["a", "b"]}
std::string json_line(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  std::string numbers;
  std::string pieces;
  for (const TokenId id : ids) {
    const std::string_view comma = numbers.empty() ? "" : ", ";
    fmt::format_to(std::back_inserter(numbers), "{}{}", comma, id);
    fmt::format_to(std::back_inserter(pieces), "{}{}", comma, quoted(tokenizer.piece(id)));
  }
  return fmt::format("{{\"ids\": [{}], \"pieces\": [{}]}}\n", numbers, pieces);
}

// An id and a piece a line.
std::string table(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  std::string lines;
  for (const TokenId id : ids) {
    fmt::format_to(std::back_inserter(lines), "{}\t{}\n", id, as_one_line(tokenizer.piece(id)));
  }
  return lines;
}

void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    fail(ErrorCode::io, "the output cannot be written");
  }
}

void tokenize(const TokenizeOptions& options) {
  const std::shared_ptr<const Tokenizer> tokenizer = open_tokenizer(options.model);
  const auto print_text = [&](std::string_view text) {
    std::vector<TokenId> ids = options.has_bos ? tokenizer->prefix() : std::vector<TokenId>();
    const std::vector<TokenId> of_text = tokenizer->encode(text, options.has_special);
    ids.insert(ids.end(), of_text.begin(), of_text.end());
    const bool is_json = options.is_json || options.is_by_line;
    print(is_json ? json_line(*tokenizer, ids) : table(*tokenizer, ids));
  };
  if (options.text) {
    print_text(*options.text);
  } else if (!options.is_by_line) {
    print_text(std::string(std::istreambuf_iterator<char>(std::cin), {}));
  } else {
    int64_t number = 0;
    for (std::string line; std::getline(std::cin, line);) {
      print_text(parse_json_string(line, fmt::format("line {} of the input", ++number)));
    }
  }
}

}  // namespace

void set_up_tokenize(CLI::App& app) {
  const auto options = std::make_shared<TokenizeOptions>();
  app.add_option("MODEL", options->model,
                 "A .gguf file, a tokenizer.json, or the name of a model that is here")
      ->required();
  CLI::Option* text = app.add_option("TEXT", options->text, "The text; else all of standard input");
  app.add_flag("--json", options->is_json, "One line: {\"ids\": [...], \"pieces\": [...]}");
  app.add_flag("--special", options->has_special, "Control tokens in the text count");
  app.add_flag("--bos", options->has_bos, "Add what the tokenizer adds at the start");
  app.add_flag("--lines", options->is_by_line,
               "Each line of standard input, a JSON string, is a text; one such object a line")
      ->excludes(text);
  app.callback([options] { tokenize(*options); });
}

}  // namespace sparrow::cli
