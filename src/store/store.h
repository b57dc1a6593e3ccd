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
  ModelName name;
  std::string digest;      // SHA-256 of the manifest file
  std::string model_path;  // the blob (or the given .gguf)
  uint64_t size_bytes = 0;
  int64_t modified_unix_s = 0;
  std::optional<std::string> chat_template;  // template layer
  std::optional<std::string> system;         // system layer
  Json params = Json::object();              // params layer: SamplingParams fields
  Json messages = Json::array();             // messages layer
  std::string license;
};

// What /save adds on top of a stored model.
struct SavedLayers {
  std::optional<std::string> system;
  Json params = Json::object();
  Json messages = Json::array();
};

// Safe for several processes: files appear by rename, and a lock guards changes.
class Store {
 public:
  explicit Store(std::string root);   // the `models` folder's parent; made on first write
  static std::string default_root();  // SPARROW_HOME, else ~/.sparrow

  std::vector<StoredModel> list() const;                         // by name
  std::optional<StoredModel> find(const ModelName& name) const;  // case does not matter
  // Throws Error{not_found}. Blobs that nothing else names are deleted.
  void remove(const ModelName& name);
  // Writes a manifest for `name` that uses base's model blob (copied in if base is a plain .gguf
  // path).
  void save(const ModelName& name, const StoredModel& base, const SavedLayers& layers);

  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

// What `MODEL` on a command line means: a .gguf path, a stored name or alias. Nothing if it must be
// pulled first.
std::optional<StoredModel> resolve_model(const Store& store, std::string_view model);

}  // namespace sparrow
