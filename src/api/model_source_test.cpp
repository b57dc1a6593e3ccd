#include "api/model_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "sparrow/error.h"
#include "store/catalog.h"
#include "tests/support/test_folder.h"

namespace sparrow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<std::string> kKnown = {"qwen2.5-coder:0.5b", "qwen2.5-coder:1.5b", "smollm2:135m",
                                         "Qwen/Qwen3-4B-Instruct-2507"};

std::string error_of(const std::function<void()>& act, ErrorCode code) {
  try {
    act();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

// Of what is no model's name, nothing is asked for.
StoredModel no_pull(Store&, const std::string& name) {
  ADD_FAILURE() << "pulled " << name;
  return {};
}

StoredModel save(Store& store, const std::string& name, const std::string& file) {
  write_test_file(file, "GGUF");
  StoredModel base;
  base.model_path = file;
  base.size_bytes = 4;
  store.save(parse_model_name(name), base, {});
  return *store.find(parse_model_name(name));
}

TEST(NearestNames, a_letter_too_few_or_wrong_is_found) {
  EXPECT_THAT(nearest_names("smolm2:135m", kKnown, 3), ElementsAre("smollm2:135m"));
  EXPECT_THAT(nearest_names("QWEN/qwen3-4b-instruct-2508", kKnown, 3),
              ElementsAre("Qwen/Qwen3-4B-Instruct-2507"));
}

TEST(NearestNames, a_name_without_its_tag_is_near_to_all_of_its_tags) {
  EXPECT_THAT(nearest_names("qwen2.5-coder", kKnown, 3),
              ElementsAre("qwen2.5-coder:0.5b", "qwen2.5-coder:1.5b"));
  EXPECT_THAT(nearest_names("qwen2.5-coder", kKnown, 1), ElementsAre("qwen2.5-coder:0.5b"));
}

TEST(NearestNames, what_is_far_off_has_none) {
  EXPECT_THAT(nearest_names("mixtral", kKnown, 3), IsEmpty());
  EXPECT_THAT(nearest_names("", kKnown, 3), IsEmpty());
  EXPECT_THAT(nearest_names(std::string(100000, 'x'), kKnown, 3), IsEmpty());
}

TEST(ModelSource, a_file_is_taken_as_it_is) {
  const TestFolder folder;
  Store store(folder.file("home"));
  write_test_file(folder.file("a.gguf"), "GGUF");
  const StoredModel model = find_model(store, folder.file("a.gguf"));
  EXPECT_EQ(model.model_path, folder.file("a.gguf"));
  EXPECT_EQ(model.name.model, "a");
}

TEST(ModelSource, a_stored_model_is_found_in_any_case_and_by_an_alias) {
  const TestFolder folder;
  Store store(folder.file("home"));
  const StoredModel saved = save(store, "smollm2:135m", folder.file("a.gguf"));
  for (const char* name : {"smollm2:135m", "SMOLLM2:135M", "HuggingFaceTB/SmolLM2-135M-Instruct"}) {
    EXPECT_EQ(find_model(store, name).digest, saved.digest) << name;
  }
}

TEST(ModelSource, the_default_is_the_large_model_if_it_is_here) {
  const TestFolder folder;
  Store store(folder.file("home"));
  save(store, small_default().name, folder.file("a.gguf"));
  const StoredModel large = save(store, large_default().name, folder.file("b.gguf"));
  EXPECT_EQ(find_model(store, "default").digest, large.digest);
}

TEST(ModelSource, a_name_that_nobody_knows_gets_the_nearest_ones) {
  const TestFolder folder;
  Store store(folder.file("home"));
  save(store, "mine:latest", folder.file("a.gguf"));
  const auto message = [&](const char* name) {
    return error_of([&] { find_model(store, name, no_pull); }, ErrorCode::not_found);
  };
  EXPECT_THAT(message("smolm2:135m"), HasSubstr("did you mean smollm2:135m"));
  EXPECT_THAT(message("mine2"), HasSubstr("did you mean mine?"));
  EXPECT_THAT(message("mixtral"), HasSubstr("which has smollm2:135m"));
}

TEST(ModelSource, a_model_that_is_not_here_says_how_to_get_it) {
  const TestFolder folder;
  Store store(folder.file("home"));
  EXPECT_THAT(error_of([&] { find_model(store, "Smollm2:135m"); }, ErrorCode::not_found),
              HasSubstr("`sparrow pull Smollm2:135m` gets it"));
}

TEST(ModelSource, what_is_neither_file_nor_name_is_refused) {
  const TestFolder folder;
  Store store(folder.file("home"));
  error_of([&] { find_model(store, "a b", no_pull); }, ErrorCode::invalid_argument);
  error_of([&] { find_model(store, "", no_pull); }, ErrorCode::invalid_argument);
  error_of([&] { find_model(store, "./nothing.gguf", no_pull); }, ErrorCode::not_found);
  error_of([&] { find_model(store, folder.path(), no_pull); }, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace sparrow
