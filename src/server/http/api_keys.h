// API keys from a file: who may do what, and how often.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "server/http/route.h"

namespace sparrow::http {

struct ApiKey {
  std::string name;
  Sha256Digest digest;              // of the key; the key itself is not kept
  std::vector<Scope> scopes;        // empty: none but open
  int64_t requests_per_minute = 0;  // 0: no limit
};

// The file: {"keys": [{"name": "laptop", "key": "…" (or "sha256": 64 hex digits),
// "scopes": ["inference", "observe", "manage"], "requests_per_minute": 60}]}. Scopes may be left
// out: then inference. Throws Error{invalid_file} naming the place: a key shorter than 16 bytes, an
// unknown field or scope, a name or key twice, and a file that others than its owner may read or
// write where it holds a key in clear.
std::vector<ApiKey> read_api_keys(const std::string& path);
std::vector<ApiKey> parse_api_keys(std::string_view json, std::string_view what);

// What a request offers: "Authorization: Bearer KEY" or "x-api-key: KEY". Nothing: none, or both
// and they differ.
std::optional<std::string_view> offered_key(const Headers& headers);

// Thread-safe.
class ApiKeys {
 public:
  using Clock = std::chrono::steady_clock;

  explicit ApiKeys(std::vector<ApiKey> keys);
  ~ApiKeys();
  ApiKeys(ApiKeys&&) noexcept;

  bool empty() const;

  // In a time that does not depend on the key. Null: no such key.
  const ApiKey* find(std::string_view key) const;

  // Takes one request from the key's allowance (a bucket that holds a minute's worth and fills
  // evenly). Else how long until there is one.
  std::optional<std::chrono::milliseconds> take(const ApiKey& key, Clock::time_point now);

 private:
  struct Buckets;
  std::vector<ApiKey> keys_;
  std::unique_ptr<Buckets> buckets_;
};

}  // namespace sparrow::http
