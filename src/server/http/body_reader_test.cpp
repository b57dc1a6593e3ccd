#include "server/http/body_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "base/error.h"

namespace sparrow::http {
namespace {

std::string compress_zlib(const std::string& text, int window_bits) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

std::string compress_zstd(const std::string& text, int window_log = 0) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  if (window_log > 0) ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  // In pieces, so that the window is not cut to the text's size.
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  ZSTD_outBuffer out{packed.data(), packed.size(), 0};
  ZSTD_compressStream2(context, &out, &in, ZSTD_e_continue);
  while (ZSTD_compressStream2(context, &out, &in, ZSTD_e_end) > 0) {
  }
  packed.resize(out.pos);
  ZSTD_freeCCtx(context);
  return packed;
}

struct Outcome {
  int status = 0;  // 0: whole; -1: it waits for more
  std::string content;
  size_t taken = 0;

  bool operator==(const Outcome&) const = default;
};

Outcome read(const RequestHead& head, std::string_view bytes, size_t most_bytes, size_t cut,
             const Limits& limits = {}) {
  BodyReader reader(head, limits, most_bytes);
  Outcome outcome;
  for (const std::string_view part : {bytes.substr(0, cut), bytes.substr(cut)}) {
    if (!reader.is_whole() && !reader.failure()) outcome.taken += reader.read(part);
  }
  outcome.status = reader.failure() ? reader.failure()->status : reader.is_whole() ? 0 : -1;
  if (outcome.status == 0) outcome.content = reader.take_content();
  if (outcome.status > 0) outcome.taken = 0;
  return outcome;
}

// At every split, which must make no difference.
Outcome read_everyhow(const RequestHead& head, std::string_view bytes, size_t most_bytes = 1000,
                      const Limits& limits = {}) {
  const Outcome whole = read(head, bytes, most_bytes, bytes.size(), limits);
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_EQ(read(head, bytes, most_bytes, cut, limits), whole) << "cut at " << cut;
  }
  return whole;
}

RequestHead chunked() {
  RequestHead head;
  head.is_chunked = true;
  return head;
}

RequestHead encoded(const std::string& coding, size_t size) {
  RequestHead head;
  head.content_length = size;
  head.headers.add("Content-Encoding", coding);
  return head;
}

TEST(BodyReader, takes_as_many_bytes_as_the_length_says) {
  RequestHead head;
  head.content_length = 5;
  EXPECT_EQ(read_everyhow(head, "helloGET"), (Outcome{0, "hello", 5}));
  EXPECT_EQ(read_everyhow(head, "hell").status, -1);
  EXPECT_EQ(read(head, "", 4, 0).status, 413);
  EXPECT_EQ(read_everyhow(head, "hello", 5).status, 0);
}

TEST(BodyReader, takes_chunks_apart) {
  EXPECT_EQ(read_everyhow(chunked(), "5\r\nhello\r\n0A\r\n, world...\r\n0\r\n\r\nGET"),
            (Outcome{0, "hello, world...", 31}));
  EXPECT_EQ(read_everyhow(chunked(), "0\r\n\r\n"), (Outcome{0, "", 5}));
  EXPECT_EQ(read_everyhow(chunked(), "1;name=\"v\\\"\"\r\na\r\n000\r\n\r\n").content, "a");
}

TEST(BodyReader, malformed_chunks_are_refused_however_they_come) {
  for (const char* text : {
           "\r\n",
           " 1\r\na\r\n",
           "1 \r\na\r\n",
           "1 ;a\r\na\r\n",
           "+1\r\na\r\n",
           "-1\r\na\r\n",
           "-2\r\na\r\n",
           "0x1\r\na\r\n",
           "1_0\r\na\r\n",
           "g\r\n",
           "1\na\r\n",
           "1\r\na\n",
           "1\r\nab\r\n",
           "1\r\na\rb",
           "1\ra\r\n",
           "1;a\nb\r\na\r\n",
           "1;\x01\r\na\r\n",
           "1;a=\"\r\na\r\n",
           "1;a=\"b\\\"\r\na\r\n",
           "1;a=\\\r\na\r\n",
           "0000000000000001\r\na\r\n",
           "0\r\nTrailer: x\r\n\r\n",
           "0\r\n\n",
           "0\r\n\rx",
           "0\n\n",
           "1,1\r\na\r\n",
       }) {
    EXPECT_EQ(read_everyhow(chunked(), text).status, 400) << text;
  }
  // They can only be meant to wrap around.
  for (const char* text :
       {"fffffffffffffffe\r\n", "10000000000000000\r\n", "ffffffffffffffff\r\n"}) {
    EXPECT_EQ(read_everyhow(chunked(), text).status, 413) << text;
  }
}

TEST(BodyReader, chunks_keep_to_the_limits_at_the_byte) {
  EXPECT_EQ(read_everyhow(chunked(), "4\r\nabcd\r\n5\r\nefghi\r\n0\r\n\r\n", 9).status, 0);
  EXPECT_EQ(read_everyhow(chunked(), "4\r\nabcd\r\n5\r\nefghi\r\n0\r\n\r\n", 8).status, 413);
  EXPECT_EQ(read_everyhow(chunked(), "4\r\nabcd\r\n6\r\n", 9).status, 413);  // before it comes
  Limits limits;
  limits.chunk_extension_bytes = 8;
  for (const auto& [size, status] : {std::pair{7, 0}, {8, 0}, {9, 400}}) {
    const std::string extension(static_cast<size_t>(size) - 1, 'a');
    EXPECT_EQ(read_everyhow(chunked(), "1;" + extension + "\r\na\r\n0\r\n\r\n", 10, limits).status,
              status)
        << size;
  }
}

TEST(BodyReader, compressed_bodies_are_unpacked_however_they_come) {
  const std::string text = "{\"model\": \"a\", \"prompt\": \"b b b b b b\"}";
  const std::vector<std::pair<std::string, std::string>> bodies = {
      {"gzip", compress_zlib(text, 15 + 16)}, {"X-GZip", compress_zlib(text, 15 + 16)},
      {"deflate", compress_zlib(text, 15)},   {"deflate", compress_zlib(text, -15)},
      {"zstd", compress_zstd(text)},          {"identity", text},
  };
  for (const auto& [coding, packed] : bodies) {
    EXPECT_EQ(read_everyhow(encoded(coding, packed.size()), packed),
              (Outcome{0, text, packed.size()}))
        << coding;
  }
}

TEST(BodyReader, broken_compression_is_refused) {
  const std::string text(200, 'a');
  for (const auto& [coding, packed] :
       std::vector<std::pair<std::string, std::string>>{{"gzip", compress_zlib(text, 15 + 16)},
                                                        {"deflate", compress_zlib(text, 15)},
                                                        {"zstd", compress_zstd(text)}}) {
    const std::string cut = packed.substr(0, packed.size() - 1);
    EXPECT_EQ(read_everyhow(encoded(coding, cut.size()), cut).status, 400) << coding;
    const std::string more = packed + "x";
    EXPECT_EQ(read_everyhow(encoded(coding, more.size()), more).status, 400) << coding;
    EXPECT_EQ(read_everyhow(encoded(coding, text.size()), text).status, 400) << coding;
  }
  const BodyReader unknown(encoded("br", 3), Limits(), 1000);
  ASSERT_TRUE(unknown.failure().has_value());
  EXPECT_EQ(unknown.failure()->status, 415);
  EXPECT_EQ(unknown.failure()->headers.value("Accept-Encoding"), "gzip, deflate, zstd");
  EXPECT_EQ(read(encoded("gzip, gzip", 3), "abc", 100, 0).status, 415);
}

TEST(BodyReader, a_bomb_is_stopped_at_the_limit) {
  const size_t most = 1000;
  for (const size_t size : {most - 1, most, most + 1, size_t{8} << 20}) {
    const std::string text(size, '\0');
    for (const auto& [coding, packed] : std::vector<std::pair<std::string, std::string>>{
             {"gzip", compress_zlib(text, 15 + 16)}, {"zstd", compress_zstd(text)}}) {
      const size_t limit = std::max(most, std::min(packed.size(), size - 1));
      EXPECT_EQ(read(encoded(coding, packed.size()), packed, limit, packed.size()).status,
                size > limit ? 413 : 0)
          << coding << " " << size;
    }
  }
}

TEST(BodyReader, a_zstd_body_may_not_ask_for_a_huge_window) {
  const std::string text(size_t{40} << 20, 'a');
  const std::string packed = compress_zstd(text, 25);
  EXPECT_EQ(read(encoded("zstd", packed.size()), packed, size_t{64} << 20, packed.size()).status,
            400);
}

class CountingSink final : public BodySink {
 public:
  explicit CountingSink(size_t most_bytes) : most_bytes_(most_bytes) {}
  void write(std::string_view bytes) override {
    if (text.size() + bytes.size() > most_bytes_) fail(ErrorCode::io, "the disk is full");
    text += bytes;
    largest = std::max(largest, bytes.size());
  }
  std::string text;
  size_t largest = 0;

 private:
  const size_t most_bytes_;
};

TEST(BodyReader, pours_what_it_decompresses_into_a_sink) {
  std::string content;
  for (int i = 0; i < 200000; ++i) content += std::to_string(i);
  RequestHead head;
  const std::string packed = compress_zstd(content);
  head.content_length = packed.size();
  head.headers.add("Content-Encoding", "zstd");
  const auto sink = std::make_shared<CountingSink>(content.size());
  BodyReader reader(head, {}, content.size(), sink);
  for (size_t at = 0; at < packed.size(); at += 1000) reader.read(packed.substr(at, 1000));
  ASSERT_TRUE(reader.is_whole());
  EXPECT_EQ(sink->text, content);
  EXPECT_LT(sink->largest, content.size() / 2);
  EXPECT_EQ(reader.take_content(), "");

  BodyReader short_one(head, {}, content.size() - 1, std::make_shared<CountingSink>(SIZE_MAX));
  short_one.read(packed);
  ASSERT_TRUE(short_one.failure());
  EXPECT_EQ(short_one.failure()->status, 413);
}

TEST(BodyReader, tells_what_its_sink_cannot_take) {
  RequestHead head;
  head.content_length = 10;
  BodyReader reader(head, {}, 100, std::make_shared<CountingSink>(7));
  reader.read("12345");
  EXPECT_FALSE(reader.failure());
  reader.read("67890");
  ASSERT_TRUE(reader.failure());
  EXPECT_EQ(reader.failure()->message, "the disk is full");
}

}  // namespace
}  // namespace sparrow::http
