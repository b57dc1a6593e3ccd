// Templates for files that bring none, chosen by what the vocabulary and the name show. Written
// from the families' published formats, in the words their models were trained on.
#pragma once

#include <string>
#include <string_view>

#include "text/tokenizer.h"

namespace sparrow {

class GgufFile;

struct BuiltInTemplate {
  std::string_view name;  // "chatml", "llama-3", …; "plain" where no family is known
  std::string source;
};

BuiltInTemplate find_built_in_template(const GgufFile& file, const Tokenizer& tokenizer);

}  // namespace sparrow
