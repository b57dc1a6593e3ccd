#include "store/manifest.h"

#include "base/error.h"
#include "store/model_name.h"

namespace sparrow {
namespace {

constexpr const char* kManifestType = "application/vnd.docker.distribution.manifest.v2+json";
constexpr const char* kConfigType = "application/vnd.docker.container.image.v1+json";
constexpr std::string_view kLayerPrefix = "application/vnd.ollama.image.";
constexpr size_t kMaxLayers = 4096;

[[noreturn]] void wrong(const std::string& path, std::string_view reason) {
  fail(ErrorCode::invalid_file, "the manifest {} is damaged: {}; pull or save the model again",
       path, reason);
}

Layer parse_layer(const Json& json, const std::string& path, std::string_view what) {
  if (!json.is_object()) wrong(path, fmt::format("{} is not an object", what));
  const auto media_type = json.find("mediaType");
  const auto digest = json.find("digest");
  const auto size = json.find("size");
  if (media_type == json.end() || !media_type->is_string())
    wrong(path, fmt::format("{} has no mediaType", what));
  if (digest == json.end() || !digest->is_string())
    wrong(path, fmt::format("{} has no digest", what));
  if (size == json.end() || !size->is_number_unsigned())
    wrong(path, fmt::format("{} has no size", what));
  Layer layer;
  layer.kind = media_type->get<std::string>();
  if (layer.kind.starts_with(kLayerPrefix)) layer.kind.erase(0, kLayerPrefix.size());
  const std::string text = digest->get<std::string>();
  if (!text.starts_with("sha256:") || !is_sha256_hex(std::string_view(text).substr(7)))
    wrong(path, fmt::format("{}'s digest must be sha256: and 64 hex digits", what));
  layer.digest = text.substr(7);
  layer.size_bytes = size->get<uint64_t>();
  return layer;
}

Json layer_json(const Layer& layer, const std::string& media_type) {
  return Json{
      {"mediaType", media_type}, {"digest", "sha256:" + layer.digest}, {"size", layer.size_bytes}};
}

}  // namespace

const Layer* Manifest::find(std::string_view kind) const {
  for (const Layer& layer : layers) {
    if (layer.kind == kind) return &layer;
  }
  return nullptr;
}

Manifest parse_manifest(std::string_view text, const std::string& path) {
  Json json;
  try {
    json = parse_json(text, "it");
  } catch (const Error& error) {
    wrong(path, error.what());
  }
  if (!json.is_object()) wrong(path, "it is not a JSON object");
  if (json.value("schemaVersion", Json()) != 2) wrong(path, "schemaVersion is not 2");
  Manifest manifest;
  manifest.config = parse_layer(json.value("config", Json()), path, "config");
  manifest.config.kind = "config";
  const auto layers = json.find("layers");
  if (layers == json.end() || !layers->is_array()) wrong(path, "it has no list of layers");
  if (layers->size() > kMaxLayers)
    wrong(path, fmt::format("it has {} layers, at most {} are taken", layers->size(), kMaxLayers));
  for (size_t i = 0; i < layers->size(); ++i) {
    manifest.layers.push_back(parse_layer((*layers)[i], path, fmt::format("layer {}", i)));
  }
  return manifest;
}

std::string manifest_text(const Manifest& manifest) {
  Json layers = Json::array();
  for (const Layer& layer : manifest.layers) {
    layers.push_back(layer_json(layer, std::string(kLayerPrefix) + layer.kind));
  }
  const Json json = {{"schemaVersion", 2},
                     {"mediaType", kManifestType},
                     {"config", layer_json(manifest.config, kConfigType)},
                     {"layers", layers}};
  return json.dump();
}

}  // namespace sparrow
