// Finds the first stop string in a text that comes in pieces, and holds back what may still become
// one.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sparrow {

// Per request; used by one thread. The result does not depend on how the text is cut into pieces:
// the stop string that is complete first wins, of several the longest.
class StopMatcher {
 public:
  explicit StopMatcher(std::span<const std::string> stops);

  // Appends to `shown` the text that stands before any possible stop string. Returns the stop
  // string that the piece has completed, or null; after one, nothing more may be pushed.
  const std::string* push(std::string_view piece, std::string& shown);

  // The end: no stop string can become complete any more. Appends what was held back.
  void finish(std::string& shown);

 private:
  struct Pattern {
    std::string text;
    // Knuth, Morris and Pratt 1977: where matching goes on when byte i + 1 does not fit.
    std::vector<size_t> fallback;
    size_t matched = 0;  // bytes of `text` that the text so far ends with
  };

  std::vector<Pattern> patterns_;
  std::string held_;  // the longest match in progress
};

}  // namespace sparrow
