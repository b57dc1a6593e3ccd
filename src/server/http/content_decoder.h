// Decompresses a request's body as it comes in, up to a cap.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace sparrow::http {

// One body. `identity` is a coding too, so that all bodies take one road.
class ContentDecoder {
 public:
  enum class Status { more, whole, too_large, malformed };

  virtual ~ContentDecoder() = default;

  // Appends to `content`, which never grows beyond `most_bytes`. `whole`: the compressed data is at
  // its end; what follows it is malformed.
  virtual Status decode(std::string_view bytes, size_t most_bytes, std::string& content) = 0;

  // By the Content-Encoding header: "" and identity, gzip (x-gzip), deflate, zstd. Null: another,
  // or several of them.
  static std::unique_ptr<ContentDecoder> of(std::string_view coding);
};

inline constexpr std::string_view kAcceptedCodings = "gzip, deflate, zstd";

}  // namespace sparrow::http
