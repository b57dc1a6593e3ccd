#include "server/http/api_keys.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/json.h"
#include "base/quoted.h"

namespace sparrow::http {
namespace {

constexpr size_t kMinKeyBytes = 16;
constexpr size_t kMaxKeyBytes = 512;
constexpr int64_t kMaxRequestsPerMinute = 1'000'000;

struct ScopeName {
  std::string_view name;
  Scope scope;
};
constexpr ScopeName kScopes[] = {
    {"inference", Scope::inference}, {"observe", Scope::observe}, {"manage", Scope::manage}};

Sha256Digest digest_of(std::string_view key) {
  Sha256 hash;
  hash.update(key);
  return hash.finish();
}

std::optional<Sha256Digest> parse_digest(std::string_view hex) {
  Sha256Digest digest{};
  if (hex.size() != 2 * digest.size()) return std::nullopt;
  for (size_t i = 0; i < hex.size(); ++i) {
    const size_t value = std::string_view("0123456789abcdef").find(hex[i]);
    if (value == std::string_view::npos) return std::nullopt;
    digest[i / 2] = digest[i / 2] << 4 | static_cast<std::byte>(value);
  }
  return digest;
}

// One entry of the file; `where` names it in errors.
class EntryReader {
 public:
  EntryReader(const Json& entry, std::string where) : entry_(entry), where_(std::move(where)) {
    if (!entry_.is_object()) refuse("must be an object");
    for (const auto& [name, value] : entry_.items()) {
      constexpr std::string_view kFields[] = {"name", "key", "sha256", "scopes",
                                              "requests_per_minute"};
      if (std::find(std::begin(kFields), std::end(kFields), name) == std::end(kFields)) {
        refuse("has an unknown field " + quoted_text(name));
      }
    }
  }

  ApiKey read() const {
    ApiKey key;
    key.name = text("name");
    if (key.name.empty() || key.name.size() > 64) refuse("needs a name of 1 to 64 bytes");
    if (entry_.contains("key") == entry_.contains("sha256"))
      refuse("needs either a key or a sha256");
    if (entry_.contains("key")) {
      const std::string secret = text("key");
      const bool is_printable =
          std::all_of(secret.begin(), secret.end(), [](char c) { return c > ' ' && c < 0x7f; });
      if (secret.size() < kMinKeyBytes || secret.size() > kMaxKeyBytes || !is_printable) {
        refuse(fmt::format("needs a key of {} to {} printable characters without spaces",
                           kMinKeyBytes, kMaxKeyBytes));
      }
      key.digest = digest_of(secret);
    } else {
      const std::optional<Sha256Digest> digest = parse_digest(text("sha256"));
      if (!digest) refuse("needs a sha256 of 64 lower-case hex digits");
      key.digest = *digest;
    }
    key.scopes = scopes();
    if (const auto limit = entry_.find("requests_per_minute"); limit != entry_.end()) {
      if (!limit->is_number_integer() || *limit < 1 || *limit > kMaxRequestsPerMinute) {
        refuse(fmt::format("needs requests_per_minute from 1 to {}", kMaxRequestsPerMinute));
      }
      key.requests_per_minute = *limit;
    }
    return key;
  }

 private:
  [[noreturn]] void refuse(const std::string& problem) const {
    fail(ErrorCode::invalid_file, "{} {}", where_, problem);
  }

  std::string text(const char* name) const {
    const auto found = entry_.find(name);
    if (found == entry_.end() || !found->is_string())
      refuse(fmt::format("needs a {}: a string", name));
    return *found;
  }

  std::vector<Scope> scopes() const {
    const auto list = entry_.find("scopes");
    if (list == entry_.end()) return {Scope::inference};
    if (!list->is_array()) refuse("needs scopes that are a list");
    std::vector<Scope> scopes;
    for (const Json& item : *list) {
      const std::string name = item.is_string() ? item.get<std::string>() : item.dump();
      const auto* found = std::find_if(std::begin(kScopes), std::end(kScopes),
                                       [&](const ScopeName& row) { return row.name == name; });
      if (found == std::end(kScopes)) {
        refuse("needs scopes among inference, observe and manage, got " + quoted_text(name));
      }
      scopes.push_back(found->scope);
    }
    return scopes;
  }

  const Json& entry_;
  const std::string where_;
};

bool holds_clear_keys(std::string_view json, std::string_view what) {
  const Json file = parse_json(json, what);
  for (const Json& entry : file["keys"]) {
    if (entry.contains("key")) return true;
  }
  return false;
}

}  // namespace

std::vector<ApiKey> parse_api_keys(std::string_view json, std::string_view what) {
  Json file;
  try {
    file = parse_json(json, what);
  } catch (const Error& error) {
    fail(ErrorCode::invalid_file, "{}", error.what());
  }
  if (!file.is_object() || file.size() != 1 || !file.contains("keys") || !file["keys"].is_array()) {
    fail(ErrorCode::invalid_file, "{} must be an object with one field, keys, that is a list",
         what);
  }
  std::vector<ApiKey> keys;
  std::set<std::string> names;
  std::set<Sha256Digest> digests;
  for (const Json& entry : file["keys"]) {
    ApiKey key = EntryReader(entry, fmt::format("{}: keys[{}]", what, keys.size())).read();
    if (!names.insert(key.name).second || !digests.insert(key.digest).second) {
      fail(ErrorCode::invalid_file, "{}: keys[{}] has the name or the key of another", what,
           keys.size());
    }
    keys.push_back(std::move(key));
  }
  if (keys.empty()) fail(ErrorCode::invalid_file, "{} holds no key", what);
  return keys;
}

std::vector<ApiKey> read_api_keys(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  struct stat status {};
  if (!file || stat(path.c_str(), &status) != 0) {
    fail(ErrorCode::invalid_file, "the key file {} cannot be read", quoted_text(path));
  }
  std::vector<ApiKey> keys = parse_api_keys(text.str(), path);
  if ((status.st_mode & 077) != 0 && holds_clear_keys(text.str(), path)) {
    fail(ErrorCode::invalid_file,
         "the key file {} holds keys in clear and others than its owner may read or write it: "
         "chmod 600, or write sha256 in place of key",
         quoted_text(path));
  }
  return keys;
}

std::optional<std::string_view> offered_key(const Headers& headers) {
  std::optional<std::string_view> key;
  const std::string_view authorization = headers.value("authorization");
  constexpr size_t kPrefix = std::string_view("Bearer ").size();
  if (authorization.size() > kPrefix &&
      equals_ignoring_case(authorization.substr(0, kPrefix), "Bearer ")) {
    key = authorization.substr(kPrefix);
  }
  if (headers.has("x-api-key")) {
    const std::string_view other = headers.value("x-api-key");
    if (key && *key != other) return std::nullopt;
    key = other;
  }
  return key;
}

// What each key has left.
struct ApiKeys::Buckets {
  struct Bucket {
    double requests = 0;
    std::optional<Clock::time_point> filled_at;  // never used: it is full
  };
  std::mutex mutex;
  std::vector<Bucket> of_key;
};

ApiKeys::ApiKeys(std::vector<ApiKey> keys)
    : keys_(std::move(keys)), buckets_(std::make_unique<Buckets>()) {
  buckets_->of_key.resize(keys_.size());
}
ApiKeys::~ApiKeys() = default;
ApiKeys::ApiKeys(ApiKeys&&) noexcept = default;

bool ApiKeys::empty() const { return keys_.empty(); }

const ApiKey* ApiKeys::find(std::string_view key) const {
  const Sha256Digest digest = digest_of(key);
  const ApiKey* found = nullptr;
  for (const ApiKey& each : keys_) {
    if (CRYPTO_memcmp(each.digest.data(), digest.data(), digest.size()) == 0) found = &each;
  }
  return found;
}

std::optional<std::chrono::milliseconds> ApiKeys::take(const ApiKey& key, Clock::time_point now) {
  if (key.requests_per_minute == 0) return std::nullopt;
  const double most = static_cast<double>(key.requests_per_minute);
  const double per_second = most / 60;
  const std::lock_guard lock(buckets_->mutex);
  Buckets::Bucket& bucket = buckets_->of_key[static_cast<size_t>(&key - keys_.data())];
  if (!bucket.filled_at) {
    bucket.requests = most;
  } else {
    const std::chrono::duration<double> passed = now - *bucket.filled_at;
    bucket.requests = std::min(most, bucket.requests + passed.count() * per_second);
  }
  bucket.filled_at = now;
  if (bucket.requests >= 1) {
    bucket.requests -= 1;
    return std::nullopt;
  }
  const double seconds = (1 - bucket.requests) / per_second;
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000) + 1);
}

}  // namespace sparrow::http
