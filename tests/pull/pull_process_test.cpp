// The program itself, pulling from a hub of this machine: killed, interrupted, doubled, cut off.
// More kills than usual: SPARROW_TEST_KILLS=1000 build/pull_process_test --gtest_filter='*killed*'
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <charconv>
#include <chrono>
#include <random>
#include <thread>

#include "store/child_process.h"
#include "store/partial_file.h"
#include "store/store.h"
#include "tests/support/hub_server.h"
#include "tests/support/test_folder.h"

namespace sparrow {
namespace {

using testing::HasSubstr;

// The catalog has no digest of this one, so any file that the hub vouches for will do.
constexpr const char* kName = "qwen3-4b-instruct-2507:f16";
constexpr const char* kClosedPort = "http://127.0.0.1:9";

struct Ended {
  int exit_code = 0;
  std::string output;  // both streams
};

class PullProcess : public testing::Test {
 protected:
  std::optional<ChildProcess> start(std::vector<std::string> arguments,
                                    const std::string& endpoint) {
    arguments.insert(arguments.begin(), SPARROW_PROGRAM);
    return start_program(arguments, endpoint);
  }

  std::optional<ChildProcess> start_program(const std::vector<std::string>& arguments,
                                            const std::string& endpoint,
                                            const std::vector<std::string>& more_variables = {}) {
    std::vector<std::string> variables = {
        "SPARROW_NO_SERVER=1", "SPARROW_HOME=" + folder_.file("home"), "HF_ENDPOINT=" + endpoint,
        std::string("MODELSCOPE_ENDPOINT=") + kClosedPort, "SPARROW_LOG=warn"};
    variables.insert(variables.end(), more_variables.begin(), more_variables.end());
    return ChildProcess::start(arguments, folder_.path(), variables);
  }

  static Ended wait_for(ChildProcess& child) {
    Ended ended;
    while (child.read_output(ended.output, 100)) {
    }
    ended.exit_code = child.exit_code();
    return ended;
  }

  Ended run(std::vector<std::string> arguments, const std::string& endpoint = kClosedPort) {
    std::optional<ChildProcess> child = start(std::move(arguments), endpoint);
    return child ? wait_for(*child) : Ended{-1, "not started"};
  }

  // With the shim: `was_hit` tells whether there were so many operations.
  Ended run_with_fault(std::vector<std::string> arguments, const std::string& endpoint, int point,
                       int error_number, bool stays, bool& was_hit) {
    const std::string count_file = folder_.file("count");
    std::filesystem::remove(count_file);
    arguments.insert(arguments.begin(), SPARROW_PROGRAM);
    std::optional<ChildProcess> child = start_program(
        arguments, endpoint,
        {std::string("LD_PRELOAD=") + SPARROW_FAULT_SHIM, "SHIM_COUNT=" + count_file,
         "SHIM_FAIL_AT=" + std::to_string(point), "SHIM_ERRNO=" + std::to_string(error_number),
         std::string("SHIM_STAYS=") + (stays ? "1" : "0")});
    if (!child) return {-1, "not started"};
    Ended ended = wait_for(*child);
    const std::string text = read_test_file(count_file);
    int count = 0;
    std::from_chars(text.data(), text.data() + text.size(), count);
    EXPECT_GT(count, 0) << "the shim was not loaded";
    was_hit = count >= point;
    return ended;
  }

  // The bytes on the disk so far; 0 if there are none.
  uint64_t partial_bytes(const HubServer& hub) const {
    std::error_code error;
    const uint64_t size = std::filesystem::file_size(
        Store(folder_.file("home")).blob_path(hub.sha256()) + "-partial", error);
    return error ? 0 : size;
  }

  // Whatever happened: every model that shows is whole.
  void expect_whole_store(const HubServer& hub, size_t model_count) const {
    const Store store(folder_.file("home"));
    const std::vector<StoredModel> models = store.list();
    EXPECT_EQ(models.size(), model_count);
    for (const StoredModel& model : models) {
      EXPECT_EQ(sha256_hex(read_test_file(model.model_path)), hub.sha256());
    }
    std::error_code error;
    if (model_count == 0 && std::filesystem::exists(store.blob_path(hub.sha256()), error)) {
      // Killed between the blob's rename and the manifest: the blob is whole.
      EXPECT_EQ(sha256_hex(read_test_file(store.blob_path(hub.sha256()))), hub.sha256());
    }
  }

  TestFolder folder_;
};

// Sends at most about 160 MB/s, so that there is a middle to be killed in.
void serve_slowly(const HubServer& hub, const ServerRequest& request,
                  ServerConnection& connection) {
  const std::string& body = hub.body();
  const uint64_t start = request.range_start();
  connection.respond(start > 0 ? 206 : 200,
                     {"ETag: \"v1\"", "Content-Length: " + std::to_string(body.size() - start),
                      "Content-Range: bytes " + std::to_string(start) + "-" +
                          std::to_string(body.size() - 1) + "/" + std::to_string(body.size())});
  constexpr size_t kPieceBytes = 400000;
  for (uint64_t at = start; at < body.size(); at += kPieceBytes) {
    if (!connection.send(std::string_view(body).substr(at, kPieceBytes))) return;
    std::this_thread::sleep_for(std::chrono::microseconds(2500));
  }
}

size_t kill_count() {
  size_t count = 12;
  if (const std::optional<std::string> text = config_env("SPARROW_TEST_KILLS")) {
    std::from_chars(text->data(), text->data() + text->size(), count);
  }
  return count;
}

TEST_F(PullProcess, killed_at_any_moment_it_goes_on_and_never_shows_half_a_model) {
  HubServer* self = nullptr;
  HubServer hub(test_bytes(3 * PartialFile::kChunkBytes + 12345),
                [&](const ServerRequest& request, ServerConnection& connection, size_t) {
                  serve_slowly(*self, request, connection);
                });
  self = &hub;
  std::mt19937 random(7);
  const size_t wanted_kills = kill_count();
  size_t finished = 0;
  for (size_t kills = 0; kills < wanted_kills;) {
    const uint64_t bytes_before = partial_bytes(hub);
    const size_t requests_before = hub.content_requests().size();
    {
      std::optional<ChildProcess> child = start({"pull", kName}, hub.url());
      ASSERT_TRUE(child);
      const auto end =
          std::chrono::steady_clock::now() + std::chrono::milliseconds(10 + random() % 250);
      std::string output;
      bool is_running = true;
      while (is_running && std::chrono::steady_clock::now() < end) {
        is_running = child->read_output(output, 1);
      }
      if (!is_running) {
        ASSERT_EQ(child->exit_code(), 0) << output;
        ++finished;
        expect_whole_store(hub, 1);
        Store(folder_.file("home")).remove(parse_model_name(kName));
        continue;
      }
    }  // SIGKILL
    ++kills;
    expect_whole_store(hub, Store(folder_.file("home")).list().size());
    const std::vector<ServerRequest> requests = hub.content_requests();
    if (requests.size() > requests_before) {
      // What was on the disk is not fetched again, but for the last chunk that was not whole.
      EXPECT_GE(requests[requests_before].range_start() + PartialFile::kChunkBytes, bytes_before);
    }
  }
  const Ended last = run({"pull", kName}, hub.url());
  EXPECT_EQ(last.exit_code, 0) << last.output;
  expect_whole_store(hub, 1);
  EXPECT_FALSE(
      std::filesystem::exists(Store(folder_.file("home")).blob_path(hub.sha256()) + "-partial"));
  RecordProperty("finished_between_kills", static_cast<int>(finished));
}

TEST_F(PullProcess, two_at_once_load_one_file) {
  HubServer* self = nullptr;
  HubServer hub(test_bytes(10000000),
                [&](const ServerRequest& request, ServerConnection& connection, size_t) {
                  serve_slowly(*self, request, connection);
                });
  self = &hub;
  std::optional<ChildProcess> first = start({"pull", kName}, hub.url());
  std::optional<ChildProcess> second = start({"pull", kName}, hub.url());
  std::optional<ChildProcess> third = start({"pull", kName}, hub.url());
  ASSERT_TRUE(first && second && third);
  for (ChildProcess* child : {&*first, &*second, &*third}) {
    const Ended ended = wait_for(*child);
    EXPECT_EQ(ended.exit_code, 0) << ended.output;
  }
  expect_whole_store(hub, 1);
  EXPECT_EQ(hub.content_requests().size(), 1u);
}

TEST_F(PullProcess, an_interrupt_stops_it_in_order_and_the_next_goes_on) {
  const std::string body = test_bytes(2 * PartialFile::kChunkBytes);
  HubServer* self = nullptr;
  HubServer hub(
      body, [&](const ServerRequest& request, ServerConnection& connection, size_t attempt) {
        if (attempt > 0) return self->serve(request, connection);
        connection.respond(200, {"ETag: \"v1\"", "Content-Length: " + std::to_string(body.size())},
                           std::string_view(body).substr(0, PartialFile::kChunkBytes + 1000));
        connection.hang();
      });
  self = &hub;
  std::optional<ChildProcess> child = start({"pull", kName}, hub.url());
  ASSERT_TRUE(child);
  while (partial_bytes(hub) <= PartialFile::kChunkBytes) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  child->send_signal(SIGINT);
  const Ended ended = wait_for(*child);
  EXPECT_EQ(ended.exit_code, 130);
  EXPECT_THAT(ended.output, HasSubstr("Error: stopped; what has come is kept"));
  expect_whole_store(hub, 0);
  EXPECT_EQ(run({"pull", kName}, hub.url()).exit_code, 0);
  EXPECT_EQ(hub.content_requests()[1].range_start(), PartialFile::kChunkBytes);
  expect_whole_store(hub, 1);
}

TEST_F(PullProcess, without_a_network_it_ends_soon_with_one_clear_line) {
  const auto start = std::chrono::steady_clock::now();
  const Ended ended = run({"pull", kName});
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_EQ(ended.exit_code, 7);
  EXPECT_THAT(ended.output,
              HasSubstr("Error: 'qwen3-4b-instruct-2507:f16' could not be had from any source: "
                        "127.0.0.1:9: no connection; 127.0.0.1:9: no connection\n"));
  EXPECT_EQ(ended.output.find('\x1b'), std::string::npos);
  EXPECT_EQ(ended.output.find('\r'), std::string::npos);
}

TEST_F(PullProcess, probing_says_whether_a_source_has_it) {
  HubServer hub("weights", [](const ServerRequest&, ServerConnection&, size_t) {});
  const Ended yes = run({"pull", "--probe", kName}, hub.url());
  EXPECT_EQ(yes.exit_code, 0);
  EXPECT_THAT(yes.output, HasSubstr("can be pulled"));
  const Ended no = run({"pull", "--probe", kName});
  EXPECT_EQ(no.exit_code, 7);
  EXPECT_THAT(no.output, HasSubstr("no source of 'qwen3-4b-instruct-2507:f16' answers within 5 s"));
  EXPECT_TRUE(hub.content_requests().empty());
}

TEST_F(PullProcess, a_file_size_limit_is_an_error_and_no_signal) {
  HubServer* self = nullptr;
  HubServer hub(test_bytes(5000000), [&](const ServerRequest& request, ServerConnection& connection,
                                         size_t) { self->serve(request, connection); });
  self = &hub;
  std::optional<ChildProcess> child = start_program(
      {"sh", "-c", "ulimit -f 2000; exec \"$0\" pull " + std::string(kName), SPARROW_PROGRAM},
      hub.url());
  ASSERT_TRUE(child);
  const Ended ended = wait_for(*child);
  EXPECT_EQ(ended.exit_code, 6) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("File too large; free some space"));
  expect_whole_store(hub, 0);
}

// Every operation that changes a file fails in turn: once alone, once with all that follow it.
TEST_F(PullProcess, a_disk_that_fails_at_any_point_leaves_a_whole_store_and_a_clear_error) {
  HubServer* self = nullptr;
  HubServer hub(test_bytes(300000), [&](const ServerRequest& request, ServerConnection& connection,
                                        size_t) { self->serve(request, connection); });
  self = &hub;
  size_t failures = 0;
  for (const bool stays : {false, true}) {
    bool was_reached = true;
    for (int point = 1; was_reached; ++point) {
      SCOPED_TRACE(std::string(stays ? "from " : "at ") + "operation " + std::to_string(point));
      ASSERT_LT(point, 500);
      std::filesystem::remove_all(folder_.file("home"));
      const int error_number = point % 2 == 0 ? ENOSPC : EIO;
      bool was_hit = false;
      const Ended ended =
          run_with_fault({"pull", kName}, hub.url(), point, error_number, stays, was_hit);
      was_reached = was_hit;
      // Some failures cost nothing, such as that of deleting a journal that is done with.
      const size_t models = Store(folder_.file("home")).list().size();
      if (ended.exit_code != 0) {
        ++failures;
        EXPECT_EQ(ended.exit_code, 6) << ended.output;
        EXPECT_THAT(ended.output, HasSubstr("\nError: cannot "));
        EXPECT_THAT(ended.output,
                    HasSubstr(error_number == EIO ? "Input/output error" : "No space left"));
      } else {
        EXPECT_EQ(models, 1u) << ended.output;
      }
      expect_whole_store(hub, models);
      const Ended again = run({"pull", kName}, hub.url());
      EXPECT_EQ(again.exit_code, 0) << again.output;
      expect_whole_store(hub, 1);
    }
  }
  EXPECT_GT(failures, 30u);
}

TEST_F(PullProcess, a_disk_that_fails_while_a_model_is_deleted_harms_no_other) {
  const auto put = [&](const std::string& name, const std::string& bytes) {
    NewModel model;
    model.model_digest = sha256_hex(bytes);
    model.verified_file = folder_.file("verified");
    write_test_file(model.verified_file, bytes);
    ASSERT_TRUE(Store(folder_.file("home")).put(parse_model_name(name), model));
  };
  size_t failures = 0;
  bool was_hit = true;
  for (int point = 1; was_hit; ++point) {
    SCOPED_TRACE("at operation " + std::to_string(point));
    ASSERT_LT(point, 100);
    std::filesystem::remove_all(folder_.file("home"));
    put("keep:1", "kept");
    put("go:1", "gone");
    const Ended ended = run_with_fault({"rm", "go:1"}, kClosedPort, point, EIO, false, was_hit);
    if (ended.exit_code != 0) {
      ++failures;
      EXPECT_EQ(ended.exit_code, 6) << ended.output;
      EXPECT_THAT(ended.output, HasSubstr("Error: cannot "));
    }
    Store store(folder_.file("home"));
    EXPECT_EQ(read_test_file(store.find(parse_model_name("keep:1"))->model_path), "kept");
    // The next deletion finishes what this one left.
    put("go:1", "gone");
    store.remove(parse_model_name("go:1"));
    EXPECT_FALSE(std::filesystem::exists(store.blob_path(sha256_hex("gone"))));
    EXPECT_EQ(read_test_file(store.find(parse_model_name("keep:1"))->model_path), "kept");
  }
  EXPECT_GE(failures, 4u);
}

TEST_F(PullProcess, list_and_rm_show_and_delete) {
  HubServer* self = nullptr;
  HubServer hub(test_bytes(123456), [&](const ServerRequest& request, ServerConnection& connection,
                                        size_t) { self->serve(request, connection); });
  self = &hub;
  EXPECT_EQ(run({"list"}).output, "NAME    ID              SIZE       MODIFIED\n");
  const Ended pulled = run({"pull", "Qwen3:4b-instruct-2507-FP16"}, hub.url());
  EXPECT_EQ(pulled.exit_code, 0) << pulled.output;
  EXPECT_THAT(pulled.output, HasSubstr("pulling from 127.0.0.1:"));
  const std::string id = Store(folder_.file("home")).list()[0].digest.substr(0, 12);
  EXPECT_THAT(run({"list"}).output, HasSubstr("qwen3-4b-instruct-2507:f16    " + id + "    "));
  EXPECT_THAT(run({"list", "QWEN3"}).output, HasSubstr(id));
  EXPECT_EQ(run({"list", "llama"}).output.find(id), std::string::npos);
  const Ended removed = run({"rm", "qwen3-4b-instruct-2507:FP16"});
  EXPECT_EQ(removed.output, "deleted 'qwen3-4b-instruct-2507:f16'\n");
  EXPECT_EQ(removed.exit_code, 0);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.file("home/models/blobs")));
  const Ended again = run({"rm", kName});
  EXPECT_EQ(again.exit_code, 3);
  EXPECT_THAT(again.output, HasSubstr("Error: there is no model"));
}

TEST_F(PullProcess, wrong_names_have_their_exit_codes) {
  EXPECT_EQ(run({"pull", "never-heard-of"}).exit_code, 3);
  EXPECT_EQ(run({"pull", "../../etc/passwd"}).exit_code, 2);
  EXPECT_EQ(run({"pull"}).exit_code, 2);
  EXPECT_EQ(run({"rm", "never-heard-of"}).exit_code, 3);
  EXPECT_EQ(run({"rm", "a b"}).exit_code, 2);
}

}  // namespace
}  // namespace sparrow
