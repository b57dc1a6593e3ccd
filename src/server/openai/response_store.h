// Answers of /v1/responses that can be asked for again, and gone on from.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "sparrow/chat.h"

namespace sparrow::openai {

struct KeptResponse {
  std::string id;
  std::string key_name;           // whose it is: nobody else sees it
  Json response;                  // as the client got it
  std::vector<Message> messages;  // up to and with the answer; without instructions
};

// In memory. Thread-safe.
class ResponseStore {
 public:
  // The oldest ones go when all together are larger.
  explicit ResponseStore(int64_t limit_bytes = int64_t{64} << 20) : limit_bytes_(limit_bytes) {}

  // Replaces one of the same id; one that is too large by itself is not kept.
  void put(KeptResponse response);
  std::optional<KeptResponse> find(const std::string& id, const std::string& key_name) const;
  bool remove(const std::string& id, const std::string& key_name);
  int64_t size_bytes() const;

 private:
  struct Entry {
    KeptResponse response;
    int64_t size_bytes = 0;
  };
  void erase(std::list<Entry>::iterator entry);

  const int64_t limit_bytes_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // the oldest first
  std::map<std::string, std::list<Entry>::iterator> by_id_;
  int64_t size_bytes_ = 0;
};

}  // namespace sparrow::openai
