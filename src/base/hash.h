// SHA-256, streamed: digests of blobs, templates and token prefixes.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace sparrow {

using Sha256Digest = std::array<std::byte, 32>;

// Used by one thread at a time.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  // The object then starts over.
  Sha256Digest finish();
  std::string finish_hex();  // in 64 lower-case hex digits

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string sha256_hex(std::string_view text);

}  // namespace sparrow
