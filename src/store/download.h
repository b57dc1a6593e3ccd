// Brings one file from one address into a PartialFile, over all the ways that this goes wrong.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "store/hub.h"
#include "store/partial_file.h"
#include "store/pull.h"

namespace sparrow {

// Goes on from what `partial` holds, and tries again after breaks. Empty when the file is whole
// (not yet verified), else why it could not be had. `on_bytes` is called after each piece. Throws
// Error{cancelled|io}.
std::string download(const HubFile& file, PartialFile& partial, const PullOptions& options,
                     const std::function<void()>& on_bytes);

// A server's Retry-After in seconds; -1 if it is no number of seconds.
int64_t retry_after_s(const std::string& header);

// "bytes 100-199/200": nothing if it is anything else.
struct ContentRange {
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t total = 0;  // 0: "*"
};
std::optional<ContentRange> parse_content_range(const std::string& header);

// Sleeps, looking at the cancel flag. Throws Error{cancelled}.
void wait_or_cancel(int64_t milliseconds, const std::atomic<bool>* cancel);

}  // namespace sparrow
