#include "server/http/content_decoder.h"

#include <zlib.h>
#include <zstd.h>

#include <array>

#include "base/error.h"
#include "server/http/headers.h"

namespace sparrow::http {
namespace {

constexpr size_t kStepBytes = size_t{16} << 10;
// The window a sender may ask for: 8 MiB, which every zstd level below --ultra keeps to.
constexpr int kMaxZstdWindowLog = 23;

class Identity : public ContentDecoder {
 public:
  Status decode(std::string_view bytes, size_t most_bytes, std::string& content) override {
    if (bytes.size() > most_bytes - content.size()) return Status::too_large;
    content.append(bytes);
    return Status::more;
  }
};

class Zlib : public ContentDecoder {
 public:
  explicit Zlib(bool is_gzip) : is_gzip_(is_gzip) {}
  ~Zlib() override {
    if (has_stream_) inflateEnd(&stream_);
  }

  Status decode(std::string_view bytes, size_t most_bytes, std::string& content) override {
    if (bytes.empty()) return is_whole_ ? Status::whole : Status::more;
    if (is_whole_) return Status::malformed;
    if (!has_stream_) open(bytes.front());
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    std::array<char, kStepBytes> step;
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(step.data());
      stream_.avail_out = step.size();
      const int code = inflate(&stream_, Z_NO_FLUSH);
      const size_t made = step.size() - stream_.avail_out;
      if (made > most_bytes - content.size()) return Status::too_large;
      content.append(step.data(), made);
      if (code == Z_STREAM_END) {
        is_whole_ = true;
        return stream_.avail_in == 0 ? Status::whole : Status::malformed;
      }
      if (code == Z_BUF_ERROR) break;  // it needs more
      if (code != Z_OK) return Status::malformed;
    } while (stream_.avail_in > 0 || stream_.avail_out == 0);
    return Status::more;
  }

 private:
  // "deflate" is the zlib format, but some send the bare stream; the first byte tells: the method 8
  // in its low half is zlib's, and would be a reserved or a stored block of a bare one.
  void open(char first) {
    const bool is_bare = !is_gzip_ && (first & 0x0f) != 8;
    SPARROW_CHECK(inflateInit2(&stream_, is_gzip_ ? 15 + 16 : is_bare ? -15 : 15) == Z_OK);
    has_stream_ = true;
  }

  bool is_gzip_;
  bool has_stream_ = false;
  bool is_whole_ = false;
  z_stream stream_{};
};

struct FreeZstd {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

class Zstd : public ContentDecoder {
 public:
  Zstd() : context_(ZSTD_createDCtx()) {
    SPARROW_CHECK(context_ != nullptr);
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kMaxZstdWindowLog);
  }

  Status decode(std::string_view bytes, size_t most_bytes, std::string& content) override {
    if (bytes.empty()) return is_whole_ ? Status::whole : Status::more;
    if (is_whole_) return Status::malformed;
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    std::array<char, kStepBytes> step;
    for (;;) {
      ZSTD_outBuffer out{step.data(), step.size(), 0};
      const size_t code = ZSTD_decompressStream(context_.get(), &out, &in);
      if (ZSTD_isError(code) != 0) return Status::malformed;
      if (out.pos > most_bytes - content.size()) return Status::too_large;
      content.append(step.data(), out.pos);
      if (code == 0) {
        is_whole_ = true;
        return in.pos == in.size ? Status::whole : Status::malformed;
      }
      if (in.pos == in.size && out.pos < out.size) return Status::more;
    }
  }

 private:
  std::unique_ptr<ZSTD_DCtx, FreeZstd> context_;
  bool is_whole_ = false;
};

}  // namespace

std::unique_ptr<ContentDecoder> ContentDecoder::of(std::string_view coding) {
  const auto is = [coding](std::string_view name) { return equals_ignoring_case(coding, name); };
  if (coding.empty() || is("identity")) return std::make_unique<Identity>();
  if (is("gzip") || is("x-gzip")) return std::make_unique<Zlib>(true);
  if (is("deflate")) return std::make_unique<Zlib>(false);
  if (is("zstd")) return std::make_unique<Zstd>();
  return nullptr;
}

}  // namespace sparrow::http
