// Models on this machine's disk: manifests that name blobs by digest, laid out as Ollama's store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "store/model_name.h"

namespace sparrow {

// A model that is ready to be loaded, and what its manifest adds to the file.
struct StoredModel {
  ModelName name;          // of a plain .gguf: only `model`, the file's name without its ending
  std::string digest;      // SHA-256 of the manifest file; empty for a plain .gguf
  std::string model_path;  // the blob (or the given .gguf)
  uint64_t size_bytes = 0;
  int64_t modified_unix_s = 0;
  std::optional<std::string> chat_template;  // template layer
  std::optional<std::string> system;         // system layer
  Json params = Json::object();              // params layer: SamplingParams fields
  Json messages = Json::array();             // messages layer
  std::string license;
  Json config = Json::object();  // config blob: model_family, model_type, file_type, …
};

// What /save adds on top of a stored model.
struct SavedLayers {
  std::optional<std::string> system;
  Json params = Json::object();
  std::optional<Json> messages;
};

// A model to be written: its weights are a blob already, or a verified file to become one.
struct NewModel {
  std::string model_digest;   // 64 hex digits
  std::string verified_file;  // moved into the store as that blob; empty: the blob is there
  Json config = Json::object();
  std::optional<std::string> chat_template;
  std::optional<std::string> system;
  Json params = Json::object();
  Json messages = Json::array();
  std::string license;
};

// Safe for several processes: files appear by rename, and a lock guards changes.
class Store {
 public:
  explicit Store(std::string root);   // the `models` folder's parent; made on first write
  static std::string default_root();  // SPARROW_HOME, else ~/.sparrow

  // By name. A manifest that cannot be read, or that names a missing blob, is left out with a
  // warning.
  std::vector<StoredModel> list() const;
  // Case does not matter. Throws Error{invalid_file} if the model is there but damaged.
  std::optional<StoredModel> find(const ModelName& name) const;
  // Throws Error{not_found}. Blobs that nothing else names are deleted.
  void remove(const ModelName& name);
  // Writes a manifest for `name` that uses base's model blob (copied in if base is a plain .gguf
  // path).
  void save(const ModelName& name, const StoredModel& base, const SavedLayers& layers);
  // Writes a model's blobs and then its manifest. False, and nothing is written, if the blob that
  // should be there is gone by now.
  bool put(const ModelName& name, const NewModel& model);

  std::string blob_path(std::string_view digest) const;

  const std::string& root() const { return root_; }

 private:
  std::string manifests_folder() const;
  std::string lock_path() const;
  struct ManifestFile {
    ModelName name;  // as it is stored
    std::string path;
  };
  std::optional<ManifestFile> find_manifest(const ModelName& name) const;
  StoredModel load(const ModelName& name, const std::string& manifest_path) const;
  void write_manifest(const ModelName& name, const NewModel& model);
  void delete_unnamed_blobs();

  std::string root_;
};

// What `MODEL` on a command line means: a .gguf path, a stored name or alias. Nothing if it must be
// pulled first. Throws Error{not_found} for a path to nothing, Error{invalid_argument} for what is
// neither path nor name.
std::optional<StoredModel> resolve_model(const Store& store, std::string_view model);

}  // namespace sparrow
