#include "apps/cli/input_history.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "store/disk.h"

namespace sparrow::cli {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{8} << 20;
constexpr size_t kMaxEntryBytes = size_t{64} << 10;
constexpr mode_t kMode = 0600;  // what somebody says to a model is nobody else's business

}  // namespace

std::string escape_history_entry(std::string_view entry) {
  std::string line;
  for (const char c : entry) {
    if (c == '\n') {
      line += "\\n";
    } else if (c == '\\') {
      line += "\\\\";
    } else {
      line += c;
    }
  }
  return line;
}

std::string unescape_history_entry(std::string_view line) {
  std::string entry;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\' || i + 1 == line.size()) {
      entry += line[i];
    } else {
      const char next = line[++i];
      entry += next == 'n' ? '\n' : next;
    }
  }
  return entry;
}

InputHistory::InputHistory(std::string path) : path_(std::move(path)) {
  std::string text;
  try {
    text = read_small_file(path_, kMaxFileBytes);
  } catch (const Error&) {
    return;
  }
  size_t line_count = 0;
  for (std::string_view rest = text; !rest.empty(); ++line_count) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    if (end > 0) entries_.push_back(unescape_history_entry(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (entries_.size() > kMaxEntries) {
    entries_.erase(entries_.begin(), entries_.end() - kMaxEntries);
  }
  // Written anew only now and then, so that two programs seldom meet here.
  if (line_count < 2 * kMaxEntries) return;
  std::string kept;
  for (const std::string& entry : entries_) kept += escape_history_entry(entry) + "\n";
  try {
    write_file_whole(path_, kept);
    ::chmod(path_.c_str(), kMode);
  } catch (const Error&) {
  }
}

void InputHistory::add(std::string_view entry) {
  if (entry.empty() || entry.size() > kMaxEntryBytes) return;
  if (!entries_.empty() && entries_.back() == entry) return;
  entries_.emplace_back(entry);
  const std::string line = escape_history_entry(entry) + "\n";
  try {
    make_folders(std::filesystem::path(path_).parent_path());
    const OpenFile file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kMode));
    if (!file.is_open()) return;
    write_all(file, line.data(), line.size(), path_);
  } catch (const Error&) {
  }
}

}  // namespace sparrow::cli
