#include "chat/context_fit.h"

#include <algorithm>

namespace sparrow {

int64_t answer_room(int64_t context_tokens, int64_t max_tokens) {
  constexpr int64_t kLongest = 1024;
  const int64_t room = std::min(kLongest, context_tokens / 8);
  return max_tokens < 0 ? room : std::min(room, max_tokens);
}

std::optional<size_t> first_that_fits(std::span<const Message> messages, size_t first,
                                      const ContextRoom& room,
                                      const std::function<int64_t(size_t)>& count_from) {
  for (;;) {
    const int64_t count = count_from(first);
    // A turn begins with a user's message: many templates want one first.
    size_t next = first + 1;
    while (next < messages.size() && messages[next].role != "user") ++next;
    const bool is_last = next >= messages.size();
    if (count <= room.context_tokens - room.answer_tokens) return first;
    if (is_last) return count < room.context_tokens ? std::optional(first) : std::nullopt;
    first = next;
  }
}

}  // namespace sparrow
