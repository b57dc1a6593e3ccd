#include "store/store.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <set>

#include "base/config_env.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "store/blob_upload.h"
#include "store/catalog.h"
#include "store/disk.h"
#include "store/manifest.h"

namespace sparrow {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxManifestBytes = uint64_t{1} << 20;
constexpr uint64_t kMaxTextLayerBytes = uint64_t{16} << 20;

// What lies in a folder, by name, hidden files left out. A folder that is gone, perhaps because
// another process has just emptied it, holds nothing.
std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator at(folder, error);
  for (const fs::directory_iterator end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename();
    if (!name.starts_with('.')) names.push_back(std::move(name));
  }
  if (error && error != std::errc::no_such_file_or_directory &&
      error != std::errc::not_a_directory) {
    fail_disk("list", folder, error.value());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Calls `visit(name, path)` for every file that lies where a manifest may. What it throws about one
// of them is logged.
void for_each_manifest(const std::string& folder,
                       const std::function<void(const ModelName&, const std::string&)>& visit) {
  for (const std::string& host : names_in(folder)) {
    const std::string host_folder = fmt::format("{}/{}", folder, host);
    for (const std::string& name_space : names_in(host_folder)) {
      const std::string space_folder = fmt::format("{}/{}", host_folder, name_space);
      for (const std::string& model : names_in(space_folder)) {
        for (const std::string& tag : names_in(fmt::format("{}/{}", space_folder, model))) {
          const std::string path = fmt::format("{}/{}/{}", space_folder, model, tag);
          try {
            visit(parse_model_name(fmt::format("{}/{}/{}:{}", host, name_space, model, tag)), path);
          } catch (const Error& wrong) {
            const bool names_path = std::string_view(wrong.what()).find(path) != std::string::npos;
            log().warn("left out: {}{}{}", names_path ? "" : path, names_path ? "" : ": ",
                       wrong.what());
          }
        }
      }
    }
  }
}

std::string read_text_blob(const std::string& path, const Layer& layer) {
  std::string text = read_small_file(path, kMaxTextLayerBytes);
  if (text.size() != layer.size_bytes) {
    fail(ErrorCode::invalid_file, "{} has {} bytes, its manifest says {}", path, text.size(),
         layer.size_bytes);
  }
  return text;
}

std::string sort_key(const ModelName& name) { return to_lower_ascii(name.full_text()); }

// A blob of text: written once, its name is its digest.
Layer write_text_blob(const Store& store, std::string_view kind, std::string_view text) {
  Layer layer{std::string(kind), sha256_hex(text), text.size()};
  const std::string path = store.blob_path(layer.digest);
  std::error_code error;
  if (fs::file_size(path, error) == text.size() && !error) return layer;
  write_file_whole(path, text);
  return layer;
}

// Copies a file into the store's folder under a temporary name and gives its digest.
std::string copy_in(const std::string& from, const std::string& to) {
  const OpenFile source(from, O_RDONLY);
  const OpenFile target(to, O_WRONLY | O_CREAT | O_TRUNC);
  Sha256 hash;
  std::vector<std::byte> buffer(size_t{1} << 20);
  for (;;) {
    const ssize_t count = ::read(source.descriptor(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_disk("read", from, errno);
    if (count == 0) break;
    hash.update(std::span(buffer).first(static_cast<size_t>(count)));
    write_all(target, buffer.data(), static_cast<size_t>(count), to);
  }
  sync_file(target, to);
  return hash.finish_hex();
}

bool looks_like_path(std::string_view text) {
  return text.starts_with('/') || text.starts_with("./") || text.starts_with("../") ||
         text.starts_with("~") || to_lower_ascii(text).ends_with(".gguf");
}

std::string expand_home(std::string_view text) {
  if (text == "~" || text.starts_with("~/")) {
    if (const std::optional<std::string> home = config_env("HOME")) {
      return *home + std::string(text.substr(1));
    }
  }
  return std::string(text);
}

StoredModel plain_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) fail(ErrorCode::not_found, "there is no file {}", path);
    fail_disk("read", path, errno);
  }
  if (S_ISDIR(status.st_mode)) {
    fail(ErrorCode::invalid_argument, "{} is a folder; a model is a .gguf file or a name", path);
  }
  StoredModel model;
  model.name.model = fs::path(path).stem();
  model.model_path = path;
  model.size_bytes = static_cast<uint64_t>(status.st_size);
  model.modified_unix_s = status.st_mtime;
  return model;
}

}  // namespace

Store::Store(std::string root) : root_(std::move(root)) {}

std::string Store::default_root() {
  if (const std::optional<std::string> root = config_env("SPARROW_HOME")) return *root;
  if (const std::optional<std::string> home = config_env("HOME")) return *home + "/.sparrow";
  const passwd* user = ::getpwuid(::getuid());
  if (user != nullptr && user->pw_dir != nullptr) return std::string(user->pw_dir) + "/.sparrow";
  fail(ErrorCode::io, "neither SPARROW_HOME nor HOME is set, so there is no place for models");
}

std::string Store::manifests_folder() const { return root_ + "/models/manifests"; }
std::string Store::lock_path() const { return root_ + "/models/.lock"; }

std::string Store::blob_path(std::string_view digest) const {
  SPARROW_CHECK(is_sha256_hex(digest));
  return root_ + "/models/blobs/sha256-" + std::string(digest);
}

std::optional<Store::ManifestFile> Store::find_manifest(const ModelName& name) const {
  std::optional<ManifestFile> found;
  for_each_manifest(manifests_folder(), [&](const ModelName& other, const std::string& path) {
    if (same_model(name, other)) found = ManifestFile{other, path};
  });
  return found;
}

StoredModel Store::load(const ModelName& name, const std::string& manifest_path) const {
  const std::string text = read_small_file(manifest_path, kMaxManifestBytes);
  const Manifest manifest = parse_manifest(text, manifest_path);
  const Layer* weights = manifest.find("model");
  if (weights == nullptr) {
    fail(ErrorCode::invalid_file, "the manifest {} names no model file", manifest_path);
  }
  StoredModel model;
  model.name = name;
  model.digest = sha256_hex(text);
  model.model_path = blob_path(weights->digest);
  for (const Layer& layer : manifest.layers) model.size_bytes += layer.size_bytes;
  struct stat status {};
  if (::stat(model.model_path.c_str(), &status) != 0 ||
      static_cast<uint64_t>(status.st_size) != weights->size_bytes) {
    fail(ErrorCode::invalid_file,
         "the model '{}' is incomplete: {} is missing or has not its {} bytes; pull it again",
         name.short_text(), model.model_path, weights->size_bytes);
  }
  if (::stat(manifest_path.c_str(), &status) == 0) model.modified_unix_s = status.st_mtime;

  const auto read_layer = [&](const Layer& layer) {
    return read_text_blob(blob_path(layer.digest), layer);
  };
  model.config = parse_json(read_layer(manifest.config), "the config of " + name.short_text());
  for (const Layer& layer : manifest.layers) {
    if (layer.kind == "template") model.chat_template = read_layer(layer);
    if (layer.kind == "system") model.system = read_layer(layer);
    if (layer.kind == "params") model.params = parse_json(read_layer(layer), "the params layer");
    if (layer.kind == "messages")
      model.messages = parse_json(read_layer(layer), "the messages layer");
    if (layer.kind == "license") {
      if (!model.license.empty()) model.license += "\n\n";
      model.license += read_layer(layer);
    }
  }
  if (!model.params.is_object() || !model.messages.is_array() || !model.config.is_object()) {
    fail(ErrorCode::invalid_file,
         "the model '{}' has a params, messages or config layer of the wrong shape; pull or save "
         "it again",
         name.short_text());
  }
  return model;
}

std::vector<StoredModel> Store::list() const {
  std::vector<StoredModel> models;
  for_each_manifest(manifests_folder(), [&](const ModelName& name, const std::string& path) {
    models.push_back(load(name, path));
  });
  std::sort(models.begin(), models.end(), [](const StoredModel& a, const StoredModel& b) {
    return sort_key(a.name) < sort_key(b.name);
  });
  return models;
}

std::optional<StoredModel> Store::find(const ModelName& name) const {
  const std::optional<ManifestFile> manifest = find_manifest(name);
  if (!manifest) return std::nullopt;
  try {
    StoredModel model = load(manifest->name, manifest->path);
    if (!name.digest.empty() && name.digest != model.digest) return std::nullopt;
    return model;
  } catch (const Error& error) {
    // Whatever is wrong with the parts, the model is what the caller cannot have.
    if (error.code() == ErrorCode::io || error.code() == ErrorCode::invalid_file) throw;
    fail(ErrorCode::invalid_file, "the model '{}' is damaged: {}; pull or save it again",
         manifest->name.short_text(), error.what());
  }
}

void Store::remove(const ModelName& name) {
  const auto not_here = [&] {
    fail(ErrorCode::not_found, "there is no model '{}' here", name.short_text());
  };
  if (!find_manifest(name)) not_here();  // before the lock, which would make the store's folder
  const FileLock lock(lock_path());
  const std::optional<ManifestFile> manifest = find_manifest(name);
  if (!manifest) not_here();
  if (::unlink(manifest->path.c_str()) != 0) fail_disk("delete", manifest->path, errno);
  // Folders that are empty now; the first that is not ends it.
  std::error_code error;
  fs::path folder = fs::path(manifest->path).parent_path();
  sync_folder(folder);
  while (folder != fs::path(manifests_folder()) && fs::remove(folder, error) && !error) {
    folder = folder.parent_path();
  }
  delete_unnamed_blobs();
}

// Runs under the lock. A manifest that cannot be read may name any blob: then none is deleted.
void Store::delete_unnamed_blobs() {
  std::set<std::string> named;
  bool all_were_read = true;
  for_each_manifest(manifests_folder(), [&](const ModelName&, const std::string& path) {
    try {
      const Manifest manifest = parse_manifest(read_small_file(path, kMaxManifestBytes), path);
      named.insert(manifest.config.digest);
      for (const Layer& layer : manifest.layers) named.insert(layer.digest);
    } catch (const Error& error) {
      all_were_read = false;
      log().warn("no files are deleted, for one may belong to it: {}", error.what());
    }
  });
  delete_abandoned_uploads(root_ + "/models/blobs");
  if (!all_were_read) return;
  std::error_code error;
  for (const fs::directory_entry& blob : fs::directory_iterator(root_ + "/models/blobs", error)) {
    const std::string file_name = blob.path().filename();
    constexpr std::string_view kPrefix = "sha256-";
    if (!file_name.starts_with(kPrefix)) continue;
    const std::string digest = file_name.substr(kPrefix.size());
    if (!is_sha256_hex(digest) || named.contains(digest)) continue;
    if (::unlink(blob.path().c_str()) != 0 && errno != ENOENT) {
      fail_disk("delete", blob.path(), errno);
    }
  }
}

bool Store::put(const ModelName& name, const NewModel& model) {
  const FileLock lock(lock_path());
  const std::string blob = blob_path(model.model_digest);
  if (!model.verified_file.empty()) {
    make_folders(fs::path(blob).parent_path());
    if (::rename(model.verified_file.c_str(), blob.c_str()) != 0) {
      fail_disk("write", blob, errno);
    }
    sync_folder(fs::path(blob).parent_path());
  }
  std::error_code error;
  if (!fs::is_regular_file(blob, error)) return false;
  write_manifest(name, model);
  return true;
}

// Runs under the lock: blobs first, so that no manifest ever names a missing one.
void Store::write_manifest(const ModelName& name, const NewModel& model) {
  std::error_code error;
  const uint64_t size_bytes = fs::file_size(blob_path(model.model_digest), error);
  if (error) fail_disk("read", blob_path(model.model_digest), error.value());
  Manifest manifest;
  manifest.layers.push_back({"model", model.model_digest, size_bytes});
  if (model.chat_template) {
    manifest.layers.push_back(write_text_blob(*this, "template", *model.chat_template));
  }
  if (model.system) manifest.layers.push_back(write_text_blob(*this, "system", *model.system));
  if (!model.license.empty()) {
    manifest.layers.push_back(write_text_blob(*this, "license", model.license));
  }
  if (!model.params.empty()) {
    manifest.layers.push_back(write_text_blob(*this, "params", model.params.dump()));
  }
  if (!model.messages.empty()) {
    manifest.layers.push_back(write_text_blob(*this, "messages", model.messages.dump()));
  }
  Json config = {{"model_format", "gguf"}};
  config.update(model.config);
  manifest.config = write_text_blob(*this, "config", config.dump());
  // A model of the same name in other case is replaced, not doubled.
  const std::optional<ManifestFile> existing = find_manifest(name);
  const std::string path = existing ? existing->path
                                    : fmt::format("{}/{}/{}/{}/{}", manifests_folder(), name.host,
                                                  name.name_space, name.model, name.tag);
  write_file_whole(path, manifest_text(manifest));
}

void Store::save(const ModelName& name, const StoredModel& base, const SavedLayers& layers) {
  NewModel model;
  const std::string file_name = fs::path(base.model_path).filename();
  constexpr std::string_view kPrefix = "sha256-";
  const bool is_blob = file_name.starts_with(kPrefix) &&
                       is_sha256_hex(std::string_view(file_name).substr(kPrefix.size())) &&
                       base.model_path == blob_path(file_name.substr(kPrefix.size()));
  if (is_blob) {
    model.model_digest = file_name.substr(kPrefix.size());
  } else {
    const std::string blobs = root_ + "/models/blobs";
    make_folders(blobs);
    check_free_bytes(blobs, base.size_bytes);
    model.verified_file = fmt::format("{}/.copy.{}", blobs, ::getpid());
    try {
      model.model_digest = copy_in(base.model_path, model.verified_file);
    } catch (const Error&) {
      ::unlink(model.verified_file.c_str());
      throw;
    }
  }
  model.config = base.config;
  model.chat_template = base.chat_template;
  model.system = layers.system ? layers.system : base.system;
  model.params = base.params;
  model.params.update(layers.params);
  model.messages = layers.messages.value_or(base.messages);
  model.license = base.license;
  if (!put(name, model)) {
    fail(ErrorCode::not_found, "the model file {} is gone, so '{}' cannot be saved",
         base.model_path, name.short_text());
  }
}

std::optional<StoredModel> resolve_model(const Store& store, std::string_view model) {
  const std::string path = expand_home(model);
  std::error_code error;
  if (looks_like_path(model)) return plain_file(path);
  const ModelName name = parse_model_name(model);
  if (std::optional<StoredModel> stored = store.find(name)) return stored;
  if (const CatalogEntry* entry = find_in_catalog(model)) {
    if (std::optional<StoredModel> stored = store.find(parse_model_name(entry->name))) {
      return stored;
    }
  }
  // A file without the usual ending, such as a blob of another store.
  if (fs::is_regular_file(path, error)) return plain_file(path);
  return std::nullopt;
}

}  // namespace sparrow
