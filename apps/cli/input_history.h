// What was typed before, kept in a file of one line an entry.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sparrow::cli {

// Used by one thread; several programs may add to one file. A history that cannot be read or
// written is no error: it is empty, or ends with the program.
class InputHistory {
 public:
  static constexpr size_t kMaxEntries = 1000;

  explicit InputHistory(std::string path);

  // The oldest first.
  const std::vector<std::string>& entries() const { return entries_; }
  // Empty entries and repetitions of the last one are left out.
  void add(std::string_view entry);

 private:
  std::string path_;
  std::vector<std::string> entries_;
};

// A line break inside an entry is written as "\n", a backslash as "\\".
std::string escape_history_entry(std::string_view entry);
std::string unescape_history_entry(std::string_view line);

}  // namespace sparrow::cli
