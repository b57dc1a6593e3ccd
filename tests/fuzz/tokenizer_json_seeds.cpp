// Seeds of tokenizer_json_fuzz: the goldens' tokenizers, with a few pieces of their vocabularies.
#include <fstream>
#include <string>

#include "tests/support/golden_tokenizer.h"

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  using sparrow::TreeJson;
  for (const char* name : {"byte_level", "sentencepiece", "added_tokens"}) {
    const TreeJson golden = sparrow::test::read_text_golden(SPARROW_SOURCE_DIR, name);
    for (const auto& [kind, row] : golden["kinds"].items()) {
      TreeJson root = row["tokenizer"];
      root["model"]["vocab"] = {{"a", 0}, {"b", 1}, {"▁", 2}, {"Ġ", 3}, {"ab", 4}, {"<unk>", 5}};
      root["model"]["merges"] = {"a b"};
      int id = 5;
      for (TreeJson& token : root["added_tokens"]) {
        token["id"] = token["content"] == "<unk>" ? 5 : ++id;
      }
      std::ofstream(std::string(argv[1]) + "/" + name + "-" + kind) << root.dump();
    }
  }
  return 0;
}
