// Seeds of tokenizer_fuzz and detokenizer_fuzz: the texts of the goldens, for each kind of
// tokenizer.
#include <fstream>
#include <string>

#include "tests/support/golden_tokenizer.h"

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  const auto golden = sparrow::test::read_text_golden(SPARROW_SOURCE_DIR, "byte_level");
  int number = 0;
  for (const auto& text : golden["texts"]) {
    for (const int kind : {number % 10, (number + 5) % 10}) {
      std::ofstream file(std::string(argv[1]) + "/" + std::to_string(number++), std::ios::binary);
      file << static_cast<char>(kind) << static_cast<char>(number * 37) << text.get<std::string>();
    }
  }
  return 0;
}
