#include "server/openai/response_store.h"

#include "server/wire.h"

namespace sparrow::openai {
namespace {

int64_t size_of(const KeptResponse& kept) {
  size_t bytes = sizeof(KeptResponse) + kept.id.size() + kept.key_name.size();
  // A tree of JSON takes several times the bytes of its text.
  bytes += 4 * to_wire(kept.response).size();
  for (const Message& message : kept.messages) {
    bytes += sizeof(Message) + message.content.size() + message.reasoning.size();
    for (const ToolCall& call : message.tool_calls)
      bytes += sizeof(ToolCall) + call.id.size() + call.name.size() + call.arguments.size();
  }
  return static_cast<int64_t>(bytes);
}

}  // namespace

void ResponseStore::put(KeptResponse response) {
  const int64_t bytes = size_of(response);
  const std::scoped_lock lock(mutex_);
  if (const auto old = by_id_.find(response.id); old != by_id_.end()) erase(old->second);
  if (bytes > limit_bytes_) return;
  while (size_bytes_ + bytes > limit_bytes_) erase(entries_.begin());
  const std::string id = response.id;
  entries_.push_back({std::move(response), bytes});
  by_id_[id] = std::prev(entries_.end());
  size_bytes_ += bytes;
}

std::optional<KeptResponse> ResponseStore::find(const std::string& id,
                                                const std::string& key_name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end() || found->second->response.key_name != key_name) return std::nullopt;
  return found->second->response;
}

bool ResponseStore::remove(const std::string& id, const std::string& key_name) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end() || found->second->response.key_name != key_name) return false;
  erase(found->second);
  return true;
}

int64_t ResponseStore::size_bytes() const {
  const std::scoped_lock lock(mutex_);
  return size_bytes_;
}

void ResponseStore::erase(std::list<Entry>::iterator entry) {
  size_bytes_ -= entry->size_bytes;
  by_id_.erase(entry->response.id);
  entries_.erase(entry);
}

}  // namespace sparrow::openai
