#include "tests/support/golden_tokenizer.h"

#include <fstream>
#include <sstream>

namespace sparrow::test {

TreeJson read_text_golden(const std::string& source_folder, const std::string& name) {
  std::ifstream file(source_folder + "/tests/golden/text/" + name + ".json");
  std::ostringstream text;
  text << file.rdbuf();
  return parse_tree_json(text.str(), name);
}

std::string tokenizer_json(const TreeJson& golden, const std::string& kind) {
  TreeJson root = golden["kinds"][kind]["tokenizer"];
  TreeJson& vocabulary = root["model"]["vocab"];
  int id = 0;
  if (golden.contains("tokens")) {
    for (const TreeJson& token : golden["tokens"]) vocabulary[token.get<std::string>()] = id++;
  } else {
    for (const TreeJson& row : golden["pieces"]) vocabulary[row[0].get<std::string>()] = id++;
  }
  root["model"]["merges"] = golden["merges"];
  return root.dump();
}

GgufWriter byte_level_gguf(const TreeJson& golden, const std::string& pre) {
  std::vector<std::string> tokens = golden["tokens"].get<std::vector<std::string>>();
  std::vector<int32_t> types(tokens.size(), 1);
  for (const TreeJson& row : golden["kinds"][pre]["tokenizer"]["added_tokens"]) {
    tokens.push_back(row["content"].get<std::string>());
    types.push_back(row["special"].get<bool>() ? 3 : 4);
  }
  for (const int32_t type : {5, 4}) {  // old converters call padding user-defined
    std::string padding = "[PAD";
    padding += std::to_string(tokens.size());
    padding += ']';
    tokens.push_back(std::move(padding));
    types.push_back(type);
  }
  GgufWriter writer;
  writer.add_string("tokenizer.ggml.model", "gpt2");
  writer.add_string("tokenizer.ggml.pre", pre);
  writer.add_strings("tokenizer.ggml.tokens", tokens);
  writer.add_int32s("tokenizer.ggml.token_type", types);
  writer.add_strings("tokenizer.ggml.merges", golden["merges"].get<std::vector<std::string>>());
  return writer;
}

GgufWriter sentencepiece_gguf(const TreeJson& golden) {
  std::vector<std::string> tokens;
  std::vector<float> scores;
  std::vector<int32_t> types;
  for (const TreeJson& row : golden["pieces"]) {
    tokens.push_back(row[0].get<std::string>());
    scores.push_back(row[1].get<float>());
    types.push_back(row[2].get<int32_t>());
  }
  GgufWriter writer;
  writer.add_string("tokenizer.ggml.model", "llama");
  writer.add_strings("tokenizer.ggml.tokens", tokens);
  writer.add_float32s("tokenizer.ggml.scores", scores);
  writer.add_int32s("tokenizer.ggml.token_type", types);
  return writer;
}

}  // namespace sparrow::test
