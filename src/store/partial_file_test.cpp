#include "store/partial_file.h"

#include <gtest/gtest.h>

#include <thread>

#include "sparrow/error.h"
#include "tests/support/test_folder.h"

namespace sparrow {
namespace {

constexpr uint64_t kChunk = PartialFile::kChunkBytes;

class PartialFileTest : public testing::Test {
 protected:
  // Appends in pieces that fit no boundary.
  static void append(PartialFile& partial, std::string_view bytes) {
    while (!bytes.empty()) {
      const size_t count = std::min<size_t>(bytes.size(), 777777);
      partial.append(std::as_bytes(std::span(bytes.substr(0, count))));
      bytes.remove_prefix(count);
    }
  }

  PartialFile open(const std::string& digest, uint64_t size) {
    return PartialFile(blob_, digest, size, [] { FAIL() << "nobody else has the file"; });
  }
  PartialFile open() { return open(digest_, body_.size()); }

  TestFolder folder_;
  const std::string body_ = test_bytes(2 * kChunk + 1000);
  const std::string digest_ = sha256_hex(body_);
  const std::string blob_ = folder_.file("blobs/sha256-" + digest_);
};

TEST_F(PartialFileTest, goes_on_from_the_last_whole_chunk) {
  {
    PartialFile partial = open();
    append(partial, std::string_view(body_).substr(0, kChunk + 12345));
    partial.set_etag("http://x/y", "\"v1\"");
  }
  PartialFile partial = open();
  EXPECT_EQ(partial.size_bytes(), kChunk);
  EXPECT_EQ(partial.etag_of("http://x/y"), "\"v1\"");
  EXPECT_EQ(partial.etag_of("http://x/z"), "");
  EXPECT_FALSE(partial.is_pieced());
  partial.begin_piece();
  EXPECT_TRUE(partial.is_pieced());
  append(partial, std::string_view(body_).substr(kChunk));
  EXPECT_TRUE(partial.verify());
  partial.finish();
  EXPECT_EQ(sha256_hex(read_test_file(blob_ + "-partial")), digest_);
  EXPECT_FALSE(std::filesystem::exists(blob_ + "-partial.journal"));
}

TEST_F(PartialFileTest, trusts_hashes_and_not_the_size) {
  {
    PartialFile partial = open();
    append(partial, body_);
  }
  // One bit in the second chunk, and the size is as before.
  std::string damaged = read_test_file(blob_ + "-partial");
  damaged[kChunk + 5] = static_cast<char>(damaged[kChunk + 5] ^ 1);
  write_test_file(blob_ + "-partial", damaged);
  PartialFile partial = open();
  EXPECT_EQ(partial.size_bytes(), kChunk);
}

TEST_F(PartialFileTest, a_file_without_journal_or_for_another_file_starts_over) {
  {
    PartialFile partial = open();
    append(partial, std::string_view(body_).substr(0, kChunk));
  }
  const std::string journal = read_test_file(blob_ + "-partial.journal");
  const std::string bytes = read_test_file(blob_ + "-partial");
  struct Case {
    const char* what;
    std::string journal;
    uint64_t kept;
  };
  std::string torn = journal;
  torn.pop_back();
  const std::vector<Case> cases = {
      {"as it was", journal, kChunk},
      {"empty", "", 0},
      {"torn last line", torn, 0},
      {"garbage behind", journal + "{\"chunk\": 7}\n", kChunk},
      {"no JSON behind", journal + "what?\n", kChunk},
      {"an array behind", journal + "[1]\n", kChunk},
      {"no JSON at all", "what?\n" + journal, 0},
      {"nul bytes", std::string(4096, '\0'), 0},
      {"a head without a chunk size", "{\"digest\": \"" + digest_ + "\"}\n" + journal, 0}};
  for (const Case& each : cases) {
    write_test_file(blob_ + "-partial.journal", each.journal);
    write_test_file(blob_ + "-partial", bytes);
    EXPECT_EQ(open().size_bytes(), each.kept) << each.what;
  }
  write_test_file(blob_ + "-partial.journal", journal);
  write_test_file(blob_ + "-partial", bytes);
  EXPECT_EQ(open(std::string(64, 'a'), body_.size()).size_bytes(), 0u);
  write_test_file(blob_ + "-partial.journal", journal);
  write_test_file(blob_ + "-partial", bytes);
  EXPECT_EQ(open(digest_, body_.size() + 1).size_bytes(), 0u);
}

TEST_F(PartialFileTest, wrong_bytes_are_found_at_the_end) {
  PartialFile partial = open();
  std::string wrong = body_;
  wrong.back() = static_cast<char>(wrong.back() ^ 1);
  append(partial, wrong);
  EXPECT_FALSE(partial.verify());
  partial.discard();
  EXPECT_FALSE(std::filesystem::exists(blob_ + "-partial"));
}

TEST_F(PartialFileTest, leaves_nothing_where_nothing_came) {
  { open(); }
  EXPECT_TRUE(std::filesystem::is_empty(folder_.file("blobs")));
}

TEST_F(PartialFileTest, restarting_forgets_everything) {
  PartialFile partial = open();
  append(partial, std::string_view(body_).substr(100));
  partial.restart();
  EXPECT_EQ(partial.size_bytes(), 0u);
  append(partial, body_);
  EXPECT_TRUE(partial.verify());
}

TEST_F(PartialFileTest, a_second_holder_waits_and_sees_what_the_first_has_made) {
  PartialFile first = open();
  std::atomic<int> waits = 0;
  bool is_open = true;
  std::thread other(
      [&] { is_open = PartialFile(blob_, digest_, body_.size(), [&] { ++waits; }).is_open(); });
  while (waits == 0) std::this_thread::yield();
  EXPECT_THROW(delete_partial_file(blob_), Error);
  append(first, body_);
  EXPECT_TRUE(first.verify());
  std::filesystem::rename(first.path(), blob_);
  first.finish();
  other.join();
  EXPECT_FALSE(is_open);
  EXPECT_FALSE(delete_partial_file(blob_));
}

TEST_F(PartialFileTest, a_second_holder_starts_anew_when_the_first_gives_up) {
  auto first = std::make_unique<PartialFile>(blob_, digest_, body_.size(), [] {});
  std::atomic<int> waits = 0;
  bool is_open = false;
  std::thread other([&] {
    PartialFile second(blob_, digest_, body_.size(), [&] { ++waits; });
    is_open = second.is_open() && second.size_bytes() == 0;
    append(second, "x");
  });
  while (waits == 0) std::this_thread::yield();
  append(*first, body_);
  first->discard();
  first.reset();
  other.join();
  EXPECT_TRUE(is_open);
  EXPECT_TRUE(delete_partial_file(blob_));
}

}  // namespace
}  // namespace sparrow
