// Everything that a content server can do wrong: the file comes out right, or a clear error does.
#include "store/download.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sparrow/error.h"
#include "store/pull.h"
#include "tests/support/hub_server.h"
#include "tests/support/test_folder.h"

namespace sparrow {
namespace {

constexpr size_t kBodyBytes = 300000;

struct Outcome {
  std::string error;  // empty: the model is in the store, and its bytes are right
  size_t attempts = 0;
};

// Each case sees an honest world around it: only the content server misbehaves.
struct Misbehaviour {
  const char* name;
  // May use `hub.serve` for the attempts that go well.
  std::function<void(const HubServer& hub, const ServerRequest&, ServerConnection&, size_t attempt)>
      answer;
  const char* expected_error;  // a part of it; "" when the file comes out right
  size_t max_attempts = 1;
  bool needs_short_limits = false;  // it is about waiting
};

std::string length_header(uint64_t bytes) { return "Content-Length: " + std::to_string(bytes); }

std::string range_header(uint64_t first, uint64_t last, uint64_t total) {
  return "Content-Range: bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" +
         std::to_string(total);
}

PullOptions fast_options(bool has_short_limits = false) {
  PullOptions options;
  // Generous where nothing should ever wait: a busy machine must not fail the test.
  options.connect_timeout_ms = has_short_limits ? 400 : 20000;
  options.stall_timeout_ms = has_short_limits ? 250 : 20000;
  options.retry_delay_ms = 1;
  options.max_retries = 3;
  return options;
}

void expect_clean_store(const TestFolder& folder, const Store& store, const HubServer& hub) {
  EXPECT_TRUE(store.list().empty());
  EXPECT_FALSE(std::filesystem::exists(store.blob_path(hub.sha256())));
  EXPECT_FALSE(std::filesystem::exists(folder.file("models/manifests")));
}

Outcome pull_through(const Misbehaviour& misbehaviour) {
  const TestFolder folder;
  Store store(folder.path());
  HubServer* self = nullptr;
  HubServer hub(test_bytes(kBodyBytes),
                [&](const ServerRequest& request, ServerConnection& connection, size_t attempt) {
                  misbehaviour.answer(*self, request, connection, attempt);
                });
  self = &hub;
  const TestVariable endpoint("HF_ENDPOINT", hub.url());
  Outcome outcome;
  try {
    const StoredModel model =
        pull(store, hub.entry(), fast_options(misbehaviour.needs_short_limits));
    EXPECT_EQ(sha256_hex(read_test_file(model.model_path)), hub.sha256());
    EXPECT_FALSE(std::filesystem::exists(model.model_path + "-partial"));
    EXPECT_FALSE(std::filesystem::exists(model.model_path + "-partial.journal"));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::network) << error.what();
    outcome.error = error.what();
    expect_clean_store(folder, store, hub);
  }
  outcome.attempts = hub.content_requests().size();
  return outcome;
}

using Hub = const HubServer&;
using Request = const ServerRequest&;
using Connection = ServerConnection&;

const std::vector<Misbehaviour> kMisbehaviours = {
    {"honest", [](Hub hub, Request r, Connection c, size_t) { hub.serve(r, c); }, ""},
    {"breaks_off_once",
     [](Hub hub, Request r, Connection c, size_t attempt) {
       hub.serve(r, c, "\"v1\"", attempt == 0 ? 200000 : UINT64_MAX);
     },
     "", 2},
    {"breaks_off_again_and_again_with_progress",
     [](Hub hub, Request r, Connection c, size_t) { hub.serve(r, c, "\"v1\"", 70000); }, "", 5},
    {"breaks_off_by_a_reset",
     [](Hub hub, Request r, Connection c, size_t attempt) {
       if (attempt > 0) return hub.serve(r, c);
       c.respond(200, {length_header(kBodyBytes)}, hub.body().substr(0, 100000));
       c.reset();
     },
     "", 2},
    {"breaks_off_before_the_first_byte_every_time",
     [](Hub hub, Request r, Connection c, size_t) { hub.serve(r, c, "\"v1\"", 0); },
     "the connection broke (4 tries)", 4},
    {"breaks_off_after_a_few_bytes_every_time",
     [](Hub hub, Request r, Connection c, size_t) { hub.serve(r, c, "\"v1\"", 10); },
     "the connection broke (4 tries)", 4},
    {"closes_without_any_answer", [](Hub, Request, Connection, size_t) {}, "the connection broke",
     4},
    {"ignores_the_range_and_sends_all_with_200",
     [](Hub hub, Request r, Connection c, size_t attempt) {
       if (attempt == 0) return hub.serve(r, c, "\"v1\"", 200000);
       c.respond(200, {"ETag: \"v1\""}, hub.body());
     },
     "", 2},
    {"answers_206_from_another_place_once",
     [](Hub hub, Request r, Connection c, size_t attempt) {
       if (attempt == 0) return hub.serve(r, c, "\"v1\"", 200000);
       if (attempt > 1) return hub.serve(r, c);
       c.respond(206, {range_header(100, kBodyBytes - 1, kBodyBytes)}, hub.body().substr(100));
     },
     "", 3},
    {"answers_206_from_another_place_always",
     [](Hub hub, Request, Connection c, size_t) {
       c.respond(206, {range_header(100, kBodyBytes - 1, kBodyBytes)}, hub.body().substr(100));
     },
     "it answers with the range 'bytes 100-299999/300000' where 0-/300000 was asked for", 4},
    {"answers_206_with_another_total",
     [](Hub hub, Request r, Connection c, size_t attempt) {
       if (attempt == 0) return hub.serve(r, c, "\"v1\"", 200000);
       if (attempt > 1) return hub.serve(r, c);
       c.respond(206, {range_header(r.range_start(), kBodyBytes + 9, kBodyBytes + 10)},
                 hub.body().substr(r.range_start()) + "0123456789");
     },
     "", 3},
    {"answers_206_without_content_range",
     [](Hub hub, Request r, Connection c, size_t attempt) {
       if (attempt == 0) return hub.serve(r, c, "\"v1\"", 200000);
       if (attempt > 1) return hub.serve(r, c);
       c.respond(206, {}, hub.body().substr(r.range_start()));
     },
     "", 3},
    {"answers_206_with_a_garbled_content_range",
     [](Hub hub, Request r, Connection c, size_t attempt) {
       if (attempt == 0) return hub.serve(r, c, "\"v1\"", 200000);
       if (attempt > 1) return hub.serve(r, c);
       c.respond(206, {"Content-Range: bytes 99999999999999999999-1/2"}, "xx");
     },
     "", 3},
    {"answers_206_of_all_though_no_range_was_asked_for",
     [](Hub hub, Request, Connection c, size_t) {
       c.respond(206, {range_header(0, kBodyBytes - 1, kBodyBytes)}, hub.body());
     },
     ""},
    {"has_another_etag_at_the_resume",
     [](Hub hub, Request r, Connection c, size_t attempt) {
       hub.serve(r, c, attempt == 0 ? "\"v1\"" : "\"v2\"", attempt == 0 ? 200000 : UINT64_MAX);
     },
     "", 2},
    {"ignores_if_range_and_goes_on_with_another_file",
     [](Hub hub, Request r, Connection c, size_t attempt) {
       if (attempt == 0) return hub.serve(r, c, "\"v1\"", 200000);
       if (attempt > 1) return hub.serve(r, c, "\"v2\"");
       const std::string other = test_bytes(kBodyBytes, 2);
       c.respond(206, {"ETag: \"v2\"", range_header(r.range_start(), kBodyBytes - 1, kBodyBytes)},
                 other.substr(r.range_start()));
     },
     "", 3},
    {"has_a_new_etag_every_time_and_breaks_off",
     [](Hub hub, Request r, Connection c, size_t attempt) {
       hub.serve(r, c, "\"v" + std::to_string(attempt) + "\"", 100000);
     },
     "the connection broke", 5},
    {"mixes_another_file_in_at_the_resume_without_a_sign",
     [](Hub hub, Request r, Connection c, size_t attempt) {
       if (attempt == 0) return hub.serve(r, c, "\"v1\"", 200000);
       if (attempt > 1) return hub.serve(r, c);
       const std::string other = test_bytes(kBodyBytes, 2);
       c.respond(206, {"ETag: \"v1\"", range_header(r.range_start(), kBodyBytes - 1, kBodyBytes)},
                 other.substr(r.range_start()));
     },
     "", 3},
    {"sends_other_bytes_of_the_same_length",
     [](Hub, Request, Connection c, size_t) { c.respond(200, {}, test_bytes(kBodyBytes, 3)); },
     "its bytes have not the SHA-256 that they should have; they were deleted"},
    {"stalls_in_the_middle_once",
     [](Hub hub, Request r, Connection c, size_t attempt) {
       if (attempt > 0) return hub.serve(r, c);
       c.respond(200, {"ETag: \"v1\"", length_header(kBodyBytes)}, hub.body().substr(0, 150000));
       c.hang();
     },
     "", 4, true},
    {"stalls_every_time",
     [](Hub hub, Request r, Connection c, size_t) {
       hub.serve(r, c, "\"v1\"", 100);
       c.hang();
     },
     "less than 1 KiB/s for 0.25 s (4 tries)", 4, true},
    {"trickles",
     [](Hub hub, Request, Connection c, size_t) {
       c.respond(200, {length_header(kBodyBytes)});
       for (size_t i = 0; i < kBodyBytes && c.send(hub.body().substr(i, 1)); ++i) {
         std::this_thread::sleep_for(std::chrono::milliseconds(20));
       }
     },
     "less than 1 KiB/s", 4, true},
    {"never_answers", [](Hub, Request, Connection c, size_t) { c.hang(); },
     "no answer within 0.4 s", 4, true},
    {"sends_headers_without_end",
     [](Hub, Request, Connection c, size_t) {
       c.send("HTTP/1.1 200 OK\r\n");
       for (int i = 0; i < 100000 && c.send("X-Header: and another one\r\n"); ++i) {
       }
     },
     "more headers than any honest one"},
    {"sends_it_compressed",
     [](Hub, Request, Connection c, size_t) {
       c.respond(200, {"Content-Encoding: gzip"}, "\x1f\x8b\x08 and so on");
     },
     "compressed (gzip)"},
    {"redirects_in_a_circle",
     [](Hub, Request, Connection c, size_t) { c.respond(302, {"Location: /content"}); },
     "redirects more than 5 times", 5},
    {"redirects_to_a_file",
     [](Hub, Request, Connection c, size_t) { c.respond(302, {"Location: file:///etc/passwd"}); },
     "neither http nor https"},
    {"redirects_to_nonsense",
     [](Hub, Request, Connection c, size_t) { c.respond(302, {"Location: http://a b/"}); },
     "what is no address"},
    {"redirects_to_nowhere", [](Hub, Request, Connection c, size_t) { c.respond(302, {}); },
     "HTTP status 302", 4},
    {"redirects_with_an_endless_body",
     [](Hub hub, Request r, Connection c, size_t attempt) {
       if (attempt > 0) return hub.serve(r, c);
       c.send("HTTP/1.1 307 Over there\r\nLocation: /content\r\n\r\n");
       for (int i = 0; i < 100000 && c.send(std::string(1000, 'x')); ++i) {
       }
     },
     "", 2},
    {"says_more_bytes_than_the_file_has",
     [](Hub hub, Request, Connection c, size_t) { c.respond(200, {}, hub.body() + "x"); },
     "it sends 300001 bytes where 300000 are wanted"},
    {"says_fewer_bytes_than_the_file_has",
     [](Hub hub, Request, Connection c, size_t) { c.respond(200, {}, hub.body().substr(1)); },
     "it sends 299999 bytes where 300000 are wanted"},
    {"sends_more_than_it_says_it_has",
     [](Hub hub, Request, Connection c, size_t) {
       c.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + hub.body() + "more");
     },
     "it sends more than the 300000 bytes that the file has"},
    {"sends_without_end",
     [](Hub, Request, Connection c, size_t) {
       c.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
       while (c.send(std::string(65536, 'x'))) {
       }
     },
     "it sends more than the 300000 bytes"},
    {"sends_a_login_page",
     [](Hub, Request, Connection c, size_t) {
       c.respond(200, {"Content-Type: text/html"}, "<html>Please log in</html>");
     },
     "it sends 26 bytes where 300000 are wanted"},
    {"sends_nothing", [](Hub, Request, Connection c, size_t) { c.respond(200, {}); },
     "it sends 0 bytes where 300000 are wanted"},
    {"gives_no_length",
     [](Hub hub, Request, Connection c, size_t) {
       c.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + hub.body());
     },
     ""},
    {"gives_no_length_and_breaks_off",
     [](Hub hub, Request r, Connection c, size_t attempt) {
       if (attempt > 0) return hub.serve(r, c);
       c.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + hub.body().substr(0, 100000));
     },
     "", 2},
    {"sends_in_chunks",
     [](Hub hub, Request, Connection c, size_t) {
       c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n493E0\r\n" + hub.body() +
              "\r\n0\r\n\r\n");
     },
     ""},
    {"sends_a_broken_chunk_first",
     [](Hub hub, Request r, Connection c, size_t attempt) {
       if (attempt > 0) return hub.serve(r, c);
       c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
     },
     "", 2},
    {"says_an_early_hint_first",
     [](Hub hub, Request r, Connection c, size_t) {
       c.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
       hub.serve(r, c);
     },
     ""},
    {"speaks_no_http",
     [](Hub, Request, Connection c, size_t) { c.send("220 mail.example ESMTP\r\n"); },
     "its answer is not HTTP"},
    {"has_too_many_requests_for_a_moment",
     [](Hub hub, Request r, Connection c, size_t attempt) {
       if (attempt > 1) return hub.serve(r, c);
       c.respond(429, {"Retry-After: 0"});
     },
     "", 3},
    {"has_too_many_requests_for_an_hour",
     [](Hub, Request, Connection c, size_t) { c.respond(429, {"Retry-After: 3600"}); },
     "HTTP status 429, and it asks to wait for 3600 s"},
    {"is_overloaded_twice",
     [](Hub hub, Request r, Connection c, size_t attempt) {
       if (attempt > 1) return hub.serve(r, c);
       c.respond(503, {}, "busy");
     },
     "", 3},
    {"fails_inside_every_time",
     [](Hub, Request, Connection c, size_t) { c.respond(500, {}, "oops"); },
     "HTTP status 500 (4 tries)", 4},
    {"has_no_such_file", [](Hub, Request, Connection c, size_t) { c.respond(404, {}, "no"); },
     "HTTP status 404"},
    {"forbids_it", [](Hub, Request, Connection c, size_t) { c.respond(403, {}, "no"); },
     "HTTP status 403"},
    {"has_no_content", [](Hub, Request, Connection c, size_t) { c.respond(204, {}); },
     "HTTP status 204", 4},
    {"finds_the_range_unsatisfiable",
     [](Hub hub, Request r, Connection c, size_t attempt) {
       if (attempt == 0) return hub.serve(r, c, "\"v1\"", 200000);
       if (attempt > 1) return hub.serve(r, c);
       c.respond(416, {"Content-Range: bytes */300000"});
     },
     "", 3},
};

class ContentServer : public testing::TestWithParam<Misbehaviour> {};

TEST_P(ContentServer, gives_the_right_file_or_a_clear_error) {
  const Outcome outcome = pull_through(GetParam());
  if (*GetParam().expected_error == '\0') {
    EXPECT_EQ(outcome.error, "");
  } else {
    EXPECT_THAT(outcome.error, testing::HasSubstr(GetParam().expected_error));
    EXPECT_EQ(outcome.error.find('\n'), std::string::npos);
  }
  EXPECT_LE(outcome.attempts, GetParam().max_attempts);
}

INSTANTIATE_TEST_SUITE_P(Misbehaving, ContentServer, testing::ValuesIn(kMisbehaviours),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Download, a_resume_asks_for_the_rest_of_the_same_file) {
  const TestFolder folder;
  Store store(folder.path());
  HubServer* self = nullptr;
  HubServer hub(test_bytes(kBodyBytes), [&](Request r, Connection c, size_t attempt) {
    self->serve(r, c, "\"v1\"", attempt == 0 ? 200000 : UINT64_MAX);
  });
  self = &hub;
  const TestVariable endpoint("HF_ENDPOINT", hub.url());
  pull(store, hub.entry(), fast_options());
  const std::vector<ServerRequest> requests = hub.content_requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].header("range"), "");
  EXPECT_EQ(requests[1].header("range"), "bytes=200000-");
  EXPECT_EQ(requests[1].header("if-range"), "\"v1\"");
  EXPECT_EQ(requests[1].header("accept-encoding"), "identity");
}

TEST(Download, cancelling_ends_soon_and_keeps_what_has_come) {
  const TestFolder folder;
  Store store(folder.path());
  std::atomic<bool> cancel = false;
  const std::string body = test_bytes(PartialFile::kChunkBytes + 100000);
  HubServer* self = nullptr;
  HubServer hub(body, [&](Request r, Connection c, size_t attempt) {
    if (attempt > 0) return self->serve(r, c);
    c.respond(200, {"ETag: \"v1\"", length_header(body.size())},
              std::string_view(body).substr(0, PartialFile::kChunkBytes + 5));
    c.hang();
  });
  self = &hub;
  const TestVariable endpoint("HF_ENDPOINT", hub.url());
  PullOptions options = fast_options();
  options.stall_timeout_ms = 60000;
  options.cancel = &cancel;
  options.on_progress = [&](const PullProgress& progress) {
    if (progress.completed_bytes > PartialFile::kChunkBytes) cancel = true;
  };
  try {
    pull(store, hub.entry(), options);
    FAIL() << "it was not cancelled";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
  EXPECT_TRUE(store.list().empty());
  options.cancel = nullptr;
  const StoredModel model = pull(store, hub.entry(), options);
  EXPECT_EQ(sha256_hex(read_test_file(model.model_path)), hub.sha256());
  ASSERT_EQ(hub.content_requests().size(), 2u);
  EXPECT_EQ(hub.content_requests()[1].range_start(), PartialFile::kChunkBytes);
}

TEST(Download, content_ranges_are_read_strictly) {
  const auto range = parse_content_range("bytes 100-199/200");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 100u);
  EXPECT_EQ(range->last, 199u);
  EXPECT_EQ(range->total, 200u);
  EXPECT_EQ(parse_content_range("bytes 0-9/*")->total, 0u);
  for (const char* bad : {"", "bytes", "bytes 5-4/10", "bytes 0-10/10", "bytes 0-9/10x", "0-9/10",
                          "bytes -1-9/10", "bytes 0-9/", "bytes */10", "items 0-9/10",
                          "bytes 0-9999999999999999999/99999999999999999999"}) {
    EXPECT_FALSE(parse_content_range(bad)) << bad;
  }
  EXPECT_EQ(retry_after_s("120"), 120);
  for (const char* bad : {"", "soon", "-1", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT"}) {
    EXPECT_EQ(retry_after_s(bad), -1) << bad;
  }
}

}  // namespace
}  // namespace sparrow
