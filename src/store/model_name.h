// Names of models: [host/][namespace/]model[:tag][@sha256:digest], as Ollama writes them.
#pragma once

#include <string>
#include <string_view>

namespace sparrow {

// A validated name: every part is safe as one component of a path. Defaults: host
// registry.ollama.ai, namespace library, tag latest. Case is kept, and does not matter when names
// are compared.
struct ModelName {
  std::string host;
  std::string name_space;
  std::string model;
  std::string tag;
  std::string digest;  // 64 lower-case hex digits of the wanted manifest; empty: any

  std::string short_text() const;  // without the parts that are defaults: "qwen2.5-coder:1.5b"
  std::string full_text() const;
};

// The host huggingface.co becomes hf.co. Throws Error{invalid_argument} with the part that is wrong
// and what is allowed.
ModelName parse_model_name(std::string_view text);

// Host, namespace, model and tag, without case.
bool same_model(const ModelName& a, const ModelName& b);

bool is_sha256_hex(std::string_view text);  // 64 lower-case hex digits
std::string to_lower_ascii(std::string_view text);

}  // namespace sparrow
