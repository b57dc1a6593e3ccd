// Which of a conversation's messages a model still sees once they outgrow its context.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "sparrow/chat.h"

namespace sparrow {

// What there is room for.
struct ContextRoom {
  int64_t context_tokens = 0;
  int64_t answer_tokens = 0;  // to be kept free for the answer
};

// Room kept for the answer: all that was asked for, but at most an eighth of the context, and 1024
// tokens. `max_tokens` below 0: as long as it gets.
int64_t answer_room(int64_t context_tokens, int64_t max_tokens);

// The first message that is still seen: from `first` on the oldest turns go, whole, until the rest
// leaves the room for an answer. The last turn stays, if it leaves one token at least; else
// nothing. `count_from(i)` gives the tokens of the prompt with the messages from i on; the last
// call is for what is returned, or for the last turn. It should fall with i: then the fewest turns
// go, for a logarithm of calls.
std::optional<size_t> first_that_fits(std::span<const Message> messages, size_t first,
                                      const ContextRoom& room,
                                      const std::function<int64_t(size_t)>& count_from);

// The same with the messages themselves: a leading system message always stays. How many are
// dropped; nothing if the rest does not fit. `count_of` gives the tokens of their prompt.
std::optional<int64_t> drop_turns(
    std::span<const Message> messages, const ContextRoom& room,
    const std::function<int64_t(const std::vector<Message>&)>& count_of);

}  // namespace sparrow
