#include "store/hub.h"

#include <vector>

#include "base/config_env.h"
#include "base/error.h"
#include "base/json.h"
#include "store/http.h"
#include "store/model_name.h"

namespace sparrow {
namespace {

constexpr size_t kMaxListBytes = size_t{16} << 20;

std::string without_last_slash(std::string text) {
  while (text.ends_with('/')) text.pop_back();
  return text;
}

// An address without a scheme is meant to be safe.
std::string endpoint(SourceKind kind) {
  std::string address;
  if (kind == SourceKind::hugging_face) {
    address = config_env("HF_ENDPOINT").value_or("huggingface.co");
  } else if (const auto given = config_env("MODELSCOPE_ENDPOINT")) {
    address = *given;
  } else {
    address = config_env("MODELSCOPE_DOMAIN").value_or("www.modelscope.cn");
  }
  if (address.find("://") == std::string::npos) address = "https://" + address;
  return without_last_slash(address);
}

// A hub's ETag of a large file is its SHA-256 in quotes.
std::string digest_in(std::string text) {
  if (text.starts_with("W/")) text.erase(0, 2);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  text = to_lower_ascii(text);
  return is_sha256_hex(text) ? text : "";
}

uint64_t number_in(const std::string& text) {
  if (text.empty() || text.size() > 18) return 0;
  uint64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return 0;
    number = number * 10 + static_cast<uint64_t>(c - '0');
  }
  return number;
}

std::string status_problem(int status, SourceKind kind) {
  switch (status) {
    case 401:
    case 403:
      return fmt::format("{}, it asks for a login; {} can hold a token", status,
                         kind == SourceKind::hugging_face ? "HF_TOKEN" : "MODELSCOPE_API_TOKEN");
    case 404:
      return "404, it has no such file";
    case 429:
      return "429, too many requests from here; later again";
    default:
      return fmt::format("HTTP status {}", status);
  }
}

// GETs a JSON document; an answer that is none becomes a problem.
std::optional<Json> get_json(const HttpRequest& request, SourceKind kind,
                             const std::atomic<bool>* cancel, std::string& problem) {
  std::string text;
  HttpSink sink;
  sink.on_head = [](const HttpHead& head) { return head.status == 200; };
  sink.on_bytes = [&](std::span<const std::byte> bytes) {
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return text.size() <= kMaxListBytes;
  };
  const HttpResult result = http_request(request, sink, cancel);
  if (!result.problem.empty()) {
    problem = result.problem;
  } else if (result.head.status != 200) {
    problem = status_problem(result.head.status, kind);
  } else if (text.size() > kMaxListBytes) {
    problem = "its list of files is too long";
  }
  if (!problem.empty()) return std::nullopt;
  try {
    return parse_json(text, "its list of files");
  } catch (const Error& error) {
    problem = error.what();
    return std::nullopt;
  }
}

// [{"path": …, "size": …, "lfs": {"oid": "<sha256>", "size": …}}, …]
HubAnswer find_in_tree(const Json& tree, const std::string& path, HubFile file) {
  if (!tree.is_array()) return {std::nullopt, "its list of files has an unknown form"};
  for (const Json& row : tree) {
    if (!row.is_object() || row.value("path", Json()) != path) continue;
    const Json lfs = row.value("lfs", Json());
    if (!lfs.is_object()) break;
    const Json digest = lfs.value("oid", Json());
    const Json size = lfs.value("size", Json());
    if (digest.is_string()) file.sha256 = digest_in(digest.get<std::string>());
    if (size.is_number_unsigned()) file.size_bytes = size.get<uint64_t>();
    return {file, ""};
  }
  return {std::nullopt, "its list of files does not hold " + path};
}

HubAnswer ask_hugging_face(const CatalogSource& source, const HttpRequest& base,
                           const std::atomic<bool>* cancel) {
  const std::string home = endpoint(SourceKind::hugging_face);
  HubFile file;
  file.bearer_token = base.bearer_token;
  file.url = fmt::format("{}/{}/resolve/main/{}", home, url_encode_path(source.repository),
                         url_encode_path(source.file));
  HttpRequest request = base;
  request.url = file.url;
  request.head_only = true;
  request.final_header = "x-linked-etag";
  const HttpResult result = http_request(request, {}, cancel);
  if (!result.problem.empty()) return {std::nullopt, result.problem};
  const int status = result.head.status;
  const bool is_linked = !result.head.header("x-linked-etag").empty();
  if (status >= 400 || (status >= 300 && !is_linked)) {
    return {std::nullopt, status_problem(status, SourceKind::hugging_face)};
  }
  file.sha256 = digest_in(result.head.header("x-linked-etag"));
  file.size_bytes = number_in(result.head.header("x-linked-size"));
  if (!file.sha256.empty() && file.size_bytes > 0) return {file, ""};
  // A mirror that leaves those headers out may still have the list.
  HttpRequest list = base;
  list.url = fmt::format("{}/api/models/{}/tree/main?recursive=true", home,
                         url_encode_path(source.repository));
  std::string problem;
  const std::optional<Json> tree = get_json(list, SourceKind::hugging_face, cancel, problem);
  if (tree) {
    HubAnswer answer = find_in_tree(*tree, source.file, file);
    if (answer.file) return answer;
  }
  return {file, ""};
}

// {"Code": 200, "Data": {"Files": [{"Path": …, "Size": …, "Sha256": …}, …]}}
HubAnswer ask_model_scope(const CatalogSource& source, const HttpRequest& base,
                          const std::atomic<bool>* cancel) {
  const std::string home = endpoint(SourceKind::model_scope);
  const std::string repository = url_encode_path(source.repository);
  HttpRequest request = base;
  request.url = fmt::format("{}/api/v1/models/{}/repo/files?Revision=master&Recursive=true", home,
                            repository);
  std::string problem;
  const std::optional<Json> list = get_json(request, SourceKind::model_scope, cancel, problem);
  if (!list) return {std::nullopt, problem};
  const Json data = list->is_object() ? list->value("Data", Json()) : Json();
  const Json files = data.is_object() ? data.value("Files", Json()) : Json();
  if (!files.is_array()) return {std::nullopt, "its list of files has an unknown form"};
  for (const Json& row : files) {
    if (!row.is_object() || row.value("Path", Json()) != source.file) continue;
    HubFile file;
    file.bearer_token = base.bearer_token;
    file.url = fmt::format("{}/models/{}/resolve/master/{}", home, repository,
                           url_encode_path(source.file));
    const Json digest = row.value("Sha256", Json());
    const Json size = row.value("Size", Json());
    if (digest.is_string()) file.sha256 = digest_in(digest.get<std::string>());
    if (size.is_number_unsigned()) file.size_bytes = size.get<uint64_t>();
    return {file, ""};
  }
  return {std::nullopt, "its list of files does not hold " + source.file};
}

}  // namespace

std::string hub_host(SourceKind kind) { return url_host(endpoint(kind)); }

namespace {

HttpRequest base_request(SourceKind kind, int64_t timeout_ms) {
  HttpRequest base;
  base.answer_timeout_ms = timeout_ms;
  base.stall_timeout_ms = timeout_ms;
  base.bearer_token =
      config_env(kind == SourceKind::hugging_face ? "HF_TOKEN" : "MODELSCOPE_API_TOKEN")
          .value_or("");
  return base;
}

// Is `file` what the tag means? "q4_k_m" fits "Model-Q4_K_M.gguf" and "model.q4_k_m.gguf".
bool fits_tag(const std::string& file, const std::string& tag) {
  const std::string name = to_lower_ascii(file);
  if (!name.ends_with(".gguf") || name.find("mmproj") != std::string::npos) return false;
  const std::string stem = name.substr(0, name.size() - 5);
  if (name == tag || stem == tag) return true;
  if (!stem.ends_with(tag) || stem.size() == tag.size()) return false;
  const char before = stem[stem.size() - tag.size() - 1];
  return before == '-' || before == '.' || before == '_' || before == '/';
}

}  // namespace

std::optional<CatalogEntry> find_on_hugging_face(const ModelName& name, int64_t timeout_ms,
                                                 const std::atomic<bool>* cancel,
                                                 std::string& problem) {
  HttpRequest request = base_request(SourceKind::hugging_face, timeout_ms);
  if (request.bearer_token.find_first_of("\r\n") != std::string::npos) {
    problem = "the token in the environment holds a line break";
    return std::nullopt;
  }
  const std::string repository = name.name_space + "/" + name.model;
  request.url = fmt::format("{}/api/models/{}/tree/main?recursive=true",
                            endpoint(SourceKind::hugging_face), url_encode_path(repository));
  const std::optional<Json> tree = get_json(request, SourceKind::hugging_face, cancel, problem);
  if (!tree) return std::nullopt;
  const std::string given = to_lower_ascii(name.tag);
  const std::string tag = given == "latest" ? "q4_k_m" : given;
  std::vector<std::string> files;
  std::vector<std::string> fitting;
  if (tree->is_array()) {
    for (const Json& row : *tree) {
      const Json path = row.is_object() ? row.value("path", Json()) : Json();
      if (!path.is_string() || !to_lower_ascii(path.get<std::string>()).ends_with(".gguf"))
        continue;
      files.push_back(path.get<std::string>());
      if (fits_tag(files.back(), tag)) fitting.push_back(files.back());
    }
  }
  if (files.empty()) {
    problem = fmt::format("the repository {} holds no .gguf file", repository);
    return std::nullopt;
  }
  if (fitting.size() != 1) {
    std::string some;
    for (size_t i = 0; i < files.size() && i < 30; ++i) some += (i == 0 ? "" : ", ") + files[i];
    problem = fmt::format("{} files of {} fit the tag '{}'; it has {}", fitting.size(), repository,
                          tag, some);
    return std::nullopt;
  }
  CatalogEntry entry;
  entry.name = name.short_text();
  entry.title = repository;
  entry.quantization = name.tag == "latest" ? "Q4_K_M" : name.tag;
  entry.sources.push_back({SourceKind::hugging_face, repository, fitting[0], {}, {}, {}});
  return entry;
}

HubAnswer ask_hub(const CatalogSource& source, int64_t timeout_ms,
                  const std::atomic<bool>* cancel) {
  SPARROW_CHECK(source.kind != SourceKind::python_packages);
  const bool is_hugging_face = source.kind == SourceKind::hugging_face;
  const HttpRequest base = base_request(source.kind, timeout_ms);
  // A line break would smuggle a header in.
  if (base.bearer_token.find_first_of("\r\n") != std::string::npos) {
    return {std::nullopt, "the token in the environment holds a line break"};
  }
  return is_hugging_face ? ask_hugging_face(source, base, cancel)
                         : ask_model_scope(source, base, cancel);
}

}  // namespace sparrow
