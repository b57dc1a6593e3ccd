#include "store/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "sparrow/error.h"
#include "store/embedded_text.h"
#include "store/model_name.h"

namespace sparrow {
namespace {

const CatalogEntry* find(std::string_view name) { return find_in_catalog(name); }

TEST(Catalog, every_file_of_the_folder_is_compiled_in) {
  std::vector<std::string> on_disk;
  for (const auto& file : std::filesystem::directory_iterator(SPARROW_SOURCE_DIR "/catalog")) {
    if (file.path().extension() == ".json") on_disk.push_back(file.path().filename());
  }
  std::vector<std::string> compiled_in;
  for (const EmbeddedText& text : embedded_catalog()) compiled_in.emplace_back(text.file);
  EXPECT_THAT(compiled_in, testing::UnorderedElementsAreArray(on_disk));
  EXPECT_EQ(catalog().size(), on_disk.size());
}

TEST(Catalog, every_entry_is_complete_and_consistent) {
  for (const CatalogEntry& entry : catalog()) {
    SCOPED_TRACE(entry.name);
    EXPECT_EQ(parse_model_name(entry.name).short_text(), entry.name);
    EXPECT_EQ(to_lower_ascii(entry.name), entry.name);
    EXPECT_FALSE(license_text(entry.license).empty());
    // Either both are confirmed, or both come from the hub.
    EXPECT_EQ(entry.sha256.empty(), entry.size_bytes == 0);
    EXPECT_TRUE(entry.sampling.contains("temperature"));
    for (const auto& [field, value] : entry.sampling.items()) {
      EXPECT_TRUE(value.is_number()) << field;
    }
    bool has_hub = false;
    for (const CatalogSource& source : entry.sources) {
      if (source.kind == SourceKind::python_packages) {
        EXPECT_EQ(source.packages.size(), source.parts.size());
        EXPECT_EQ(source.packages.size(), source.part_sizes.size());
        continue;
      }
      has_hub = true;
      EXPECT_EQ(std::count(source.repository.begin(), source.repository.end(), '/'), 1);
      EXPECT_TRUE(source.file.ends_with(".gguf"));
      EXPECT_NE(to_lower_ascii(source.file).find(to_lower_ascii(entry.quantization)),
                std::string::npos);
    }
    EXPECT_TRUE(has_hub);
  }
}

TEST(Catalog, no_name_stands_for_two_entries) {
  std::map<std::string, std::string> owner;
  for (const CatalogEntry& entry : catalog()) {
    std::vector<std::string> names = entry.aliases;
    names.push_back(entry.name);
    for (const std::string& name : names) {
      const std::string key = to_lower_ascii(parse_model_name(name).full_text());
      const auto [at, is_new] = owner.emplace(key, entry.name);
      EXPECT_TRUE(is_new) << name << " is an alias of " << at->second << " and " << entry.name;
    }
  }
}

TEST(Catalog, knows_the_names_people_use_for_qwen3) {
  for (const char* name :
       {"qwen3-4b-instruct-2507", "qwen3-4b-instruct-2507:latest", "QWEN3-4B-Instruct-2507:Q4_K_M",
        "qwen3:4b-instruct", "qwen3:4b-instruct-2507-q4_K_M", "Qwen/Qwen3-4B-Instruct-2507",
        "qwen/qwen3-4b-2507", "hf.co/unsloth/Qwen3-4B-Instruct-2507-GGUF:Q4_K_M",
        "huggingface.co/unsloth/Qwen3-4B-Instruct-2507-GGUF:q4_k_m",
        "https://huggingface.co/unsloth/Qwen3-4B-Instruct-2507-GGUF"}) {
    ASSERT_NE(find(name), nullptr) << name;
    EXPECT_EQ(find(name)->name, "qwen3-4b-instruct-2507:q4_k_m") << name;
  }
  for (const char* name : {"qwen3-4b-instruct-2507:q8_0", "qwen3:4b-instruct-2507-q8_0",
                           "hf.co/unsloth/Qwen3-4B-Instruct-2507-GGUF:Q8_0"}) {
    ASSERT_NE(find(name), nullptr) << name;
    EXPECT_EQ(find(name)->quantization, "Q8_0") << name;
  }
  for (const char* name : {"qwen3-4b-instruct-2507:f16", "qwen3-4b-instruct-2507:fp16",
                           "qwen3:4b-instruct-2507-fp16", "qwen3:4b-instruct-2507-f16"}) {
    ASSERT_NE(find(name), nullptr) << name;
    EXPECT_EQ(find(name)->quantization, "F16") << name;
  }
}

TEST(Catalog, knows_the_small_models_and_nothing_else) {
  EXPECT_EQ(find("smollm2:135m")->size_bytes, 98362432u);
  EXPECT_EQ(find("SmolLM2:135M")->name, "smollm2:135m");
  EXPECT_EQ(find("HuggingFaceTB/SmolLM2-135M-Instruct")->name, "smollm2:135m");
  EXPECT_EQ(find("qwen2.5-coder:0.5b-instruct-q4_K_M")->name, "qwen2.5-coder:0.5b");
  EXPECT_EQ(find("qwen2.5-coder:1.5b-instruct")->name, "qwen2.5-coder:1.5b");
  EXPECT_EQ(small_default().name, "qwen2.5-coder:1.5b");
  EXPECT_EQ(large_default().name, "qwen3-4b-instruct-2507:q4_k_m");
  for (const char* name : {"qwen2.5-coder", "qwen3-4b-instruct-2507:q2_k", "llama3", "", "../x"}) {
    EXPECT_EQ(find(name), nullptr) << name;
  }
}

std::string error_of(std::string_view text) {
  try {
    parse_catalog_entry(text, "x.json");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Catalog, a_wrong_file_is_refused_with_the_field) {
  const std::string good(embedded_catalog()[0].text);
  EXPECT_EQ(error_of(good), "no error");
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string changed = good;
    const size_t at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return error_of(changed.replace(at, from.size(), to));
  };
  EXPECT_THAT(with("\"title\"", "\"titel\""), testing::HasSubstr("title is missing"));
  EXPECT_THAT(with("\"title\"", "\"extra\": 1, \"title\""),
              testing::HasSubstr("extra is not a field"));
  EXPECT_THAT(with("\"sha256\": \"", "\"sha256\": \"X"), testing::HasSubstr("64 lower-case hex"));
  EXPECT_THAT(with("\"size_bytes\": ", "\"size_bytes\": 1"), testing::HasSubstr("bytes together"));
  EXPECT_THAT(with("\"size_bytes\": ", "\"size_bytes\": -"), testing::HasSubstr("whole number"));
  EXPECT_THAT(with("hugging_face", "gopher"), testing::HasSubstr("not gopher"));
  EXPECT_THAT(with("{\"package\": \"", "{\"package\": \"--index-url="),
              testing::HasSubstr("NAME==VERSION"));
  EXPECT_THAT(error_of("[]"), testing::HasSubstr("must be an object"));
  EXPECT_NE(error_of("{"), "no error");
}

}  // namespace
}  // namespace sparrow
