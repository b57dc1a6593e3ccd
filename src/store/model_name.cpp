#include "store/model_name.h"

#include <algorithm>
#include <vector>

#include "base/error.h"

namespace sparrow {
namespace {

constexpr std::string_view kDefaultHost = "registry.ollama.ai";
constexpr std::string_view kDefaultNamespace = "library";
constexpr std::string_view kDefaultTag = "latest";
constexpr size_t kMaxHostBytes = 350;
constexpr size_t kMaxPartBytes = 80;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// The first character rules out "", ".", ".." and hidden files.
void check_part(std::string_view whole, std::string_view part, std::string_view kind,
                std::string_view extra_characters, size_t max_bytes) {
  const auto wrong = [&](std::string_view reason) {
    fail(ErrorCode::invalid_argument, "model name '{}': the {} {}", whole.substr(0, 200), kind,
         reason);
  };
  if (part.empty()) wrong("is empty; a name is [host/][namespace/]model[:tag]");
  if (part.size() > max_bytes)
    wrong(fmt::format("has {} characters, at most {} are allowed", part.size(), max_bytes));
  if (!is_alphanumeric(part.front()) && part.front() != '_')
    wrong(fmt::format("'{}' must start with a letter, a digit or '_'", part));
  for (const char c : part) {
    if (is_alphanumeric(c) || extra_characters.find(c) != std::string_view::npos) continue;
    wrong(fmt::format("may hold letters, digits and {} only", extra_characters));
  }
}

}  // namespace

std::string to_lower_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool is_sha256_hex(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string ModelName::short_text() const {
  std::string text;
  if (to_lower_ascii(host) != kDefaultHost) {
    text = host + "/" + name_space + "/";
  } else if (to_lower_ascii(name_space) != kDefaultNamespace) {
    text = name_space + "/";
  }
  text += model;
  if (to_lower_ascii(tag) != kDefaultTag) text += ":" + tag;
  return text;
}

std::string ModelName::full_text() const {
  return host + "/" + name_space + "/" + model + ":" + tag;
}

ModelName parse_model_name(std::string_view text) {
  ModelName name{std::string(kDefaultHost), std::string(kDefaultNamespace), "",
                 std::string(kDefaultTag), ""};
  std::string_view rest = text;
  if (text.size() > 1024) {
    fail(ErrorCode::invalid_argument, "a model name has at most 1024 characters, this has {}",
         text.size());
  }
  if (rest.starts_with("https://")) rest.remove_prefix(8);
  if (const size_t at = rest.find('@'); at != std::string_view::npos) {
    const std::string_view digest = rest.substr(at + 1);
    const std::string hex =
        to_lower_ascii(digest.starts_with("sha256:") ? digest.substr(7) : std::string_view());
    if (!is_sha256_hex(hex)) {
      fail(ErrorCode::invalid_argument,
           "model name '{}': what follows '@' must be sha256: and 64 hex digits", text);
    }
    name.digest = hex;
    rest = rest.substr(0, at);
  }
  std::vector<std::string_view> parts;
  for (size_t slash = rest.find('/'); slash != std::string_view::npos; slash = rest.find('/')) {
    parts.push_back(rest.substr(0, slash));
    rest.remove_prefix(slash + 1);
  }
  if (parts.size() > 2) {
    fail(ErrorCode::invalid_argument,
         "model name '{}' has {} parts between slashes; a name is [host/][namespace/]model[:tag]",
         text, parts.size() + 1);
  }
  if (parts.size() == 2) name.host = parts[0];
  if (!parts.empty()) name.name_space = parts.back();
  // Only the last part can hold a tag: a colon in the host is a port.
  if (const size_t colon = rest.find(':'); colon != std::string_view::npos) {
    name.tag = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
  }
  name.model = rest;
  if (to_lower_ascii(name.host) == "huggingface.co") name.host = "hf.co";
  check_part(text, name.host, "host", "-._:", kMaxHostBytes);
  check_part(text, name.name_space, "namespace", "-._", kMaxPartBytes);
  check_part(text, name.model, "model", "-._", kMaxPartBytes);
  check_part(text, name.tag, "tag", "-._", kMaxPartBytes);
  return name;
}

bool same_model(const ModelName& a, const ModelName& b) {
  return to_lower_ascii(a.full_text()) == to_lower_ascii(b.full_text());
}

}  // namespace sparrow
