#include "chat/context_fit.h"

#include <algorithm>
#include <vector>

namespace sparrow {

int64_t answer_room(int64_t context_tokens, int64_t max_tokens) {
  constexpr int64_t kLongest = 1024;
  const int64_t room = std::min(kLongest, context_tokens / 8);
  return max_tokens < 0 ? room : std::min(room, max_tokens);
}

std::optional<size_t> first_that_fits(std::span<const Message> messages, size_t first,
                                      const ContextRoom& room,
                                      const std::function<int64_t(size_t)>& count_from) {
  const int64_t most = room.context_tokens - room.answer_tokens;
  int64_t count = count_from(first);
  if (count <= most) return first;
  // A turn begins with a user's message: many templates want one first.
  std::vector<size_t> turns;
  for (size_t i = first + 1; i < messages.size(); ++i)
    if (messages[i].role == "user") turns.push_back(i);
  if (turns.empty()) return count < room.context_tokens ? std::optional(first) : std::nullopt;

  // Prompts get shorter from turn to turn, and each is rendered whole: halving finds the first that
  // fits. The last turn needs no room for an answer of any length.
  size_t low = 0;
  size_t high = turns.size() - 1;
  std::optional<size_t> counted;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    counted = middle;
    if (count_from(turns[middle]) <= most) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  if (counted != low) count = count_from(turns[low]);
  const bool is_last = low + 1 == turns.size();  // which the search never counts
  if (is_last && count >= room.context_tokens) return std::nullopt;
  return turns[low];
}

std::optional<int64_t> drop_turns(
    std::span<const Message> messages, const ContextRoom& room,
    const std::function<int64_t(const std::vector<Message>&)>& count_of) {
  const bool has_system = !messages.empty() && messages.front().role == "system";
  const std::span<const Message> system = messages.first(has_system ? 1 : 0);
  const auto count_from = [&](size_t first) {
    std::vector<Message> seen(system.begin(), system.end());
    const std::span<const Message> rest = messages.subspan(first);
    seen.insert(seen.end(), rest.begin(), rest.end());
    return count_of(seen);
  };
  const std::optional<size_t> first = first_that_fits(messages, system.size(), room, count_from);
  if (!first) return std::nullopt;
  return static_cast<int64_t>(*first - system.size());
}

}  // namespace sparrow
