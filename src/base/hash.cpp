#include "base/hash.h"

#include <openssl/evp.h>

#include "base/error.h"

namespace sparrow {

struct Sha256::Context {
  EVP_MD_CTX* md = EVP_MD_CTX_new();
  Context() { SPARROW_CHECK(md != nullptr && EVP_DigestInit_ex(md, EVP_sha256(), nullptr) == 1); }
  ~Context() { EVP_MD_CTX_free(md); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) {
  SPARROW_CHECK(EVP_DigestUpdate(context_->md, bytes.data(), bytes.size()) == 1);
}

void Sha256::update(std::string_view text) { update(std::as_bytes(std::span(text))); }

Sha256Digest Sha256::finish() {
  Sha256Digest digest{};
  auto* bytes = reinterpret_cast<unsigned char*>(digest.data());
  SPARROW_CHECK(EVP_DigestFinal_ex(context_->md, bytes, nullptr) == 1);
  SPARROW_CHECK(EVP_DigestInit_ex(context_->md, EVP_sha256(), nullptr) == 1);
  return digest;
}

std::string Sha256::finish_hex() {
  std::string hex;
  for (const std::byte byte : finish()) hex += fmt::format("{:02x}", static_cast<int>(byte));
  return hex;
}

std::string sha256_hex(std::string_view text) {
  Sha256 hash;
  hash.update(text);
  return hash.finish_hex();
}

}  // namespace sparrow
