// The answers of one request.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "sparrow/output_stream.h"

namespace sparrow {

// Thread-safe, except for all().
class StreamGroup {
 public:
  void add(std::shared_ptr<OutputStream> stream);
  void clear();
  // Those that are here and those that are still to be added.
  void cancel();
  bool is_cancelled() const;
  // Of the one that is nearest to run; 0: it runs, or there is none.
  int64_t queue_position() const;

  // Valid as long as nobody adds or clears.
  std::span<const std::shared_ptr<OutputStream>> all() const { return streams_; }

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<OutputStream>> streams_;
  bool is_cancelled_ = false;
};

}  // namespace sparrow
