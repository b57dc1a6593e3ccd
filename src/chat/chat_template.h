// A model's chat template: conversations in, prompt segments out, byte for byte as Hugging Face
// renders them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/segment.h"
#include "sparrow/chat.h"
#include "text/tokenizer.h"

namespace sparrow {

class GgufFile;

// Everything a template may look at. `messages` and `tools` are Hugging Face's JSON.
struct TemplateInput {
  Json messages = Json::array();
  Json tools;  // null: none
  bool add_generation_prompt = true;
  bool continue_final_message = false;
  std::string continue_field = "content";  // or "reasoning_content": what of it to continue
  Json variables = Json::object();         // further ones, such as enable_thinking
};

Json to_json(std::span<const Message> messages);
Json to_json(std::span<const Tool> tools);

// Loaded once, immutable; any thread.
class ChatTemplate {
 public:
  // The file's tokenizer.chat_template (the one named tool_use where it has several and tools are
  // given); a file without one gets its family's built-in template, and is_built_in() says so. A
  // template that does not parse is reported when it is rendered, so that the model can be used
  // without it. Throws Error{invalid_file} for a template that is no string.
  static std::shared_ptr<const ChatTemplate> from_gguf(const GgufFile& file,
                                                       const Tokenizer& tokenizer);
  // Throws Error{invalid_file} with line and column where the source does not parse.
  static std::shared_ptr<const ChatTemplate> from_source(std::string source,
                                                         const Tokenizer* tokenizer);

  ~ChatTemplate();

  // What transformers' apply_chat_template makes of the same input, with the tokenizer's special
  // tokens as bos_token, eos_token and so on. Throws Error{invalid_argument} for what the template
  // itself refuses (raise_exception) and for what goes wrong inside it, with line and column, and
  // for input that transformers refuses.
  std::vector<Segment> render(const TemplateInput& input) const;

  // The prompt's ids: render, encode, and exactly one BOS where the model wants one: a template
  // that writes it suppresses the tokenizer's.
  std::vector<TokenId> encode(const TemplateInput& input, const Tokenizer& tokenizer) const;

  const std::string& source() const;
  const std::string& source_for_tools() const;  // the one that renders when there are tools
  bool is_built_in() const;
  const std::string& built_in_name() const;  // "chatml", "llama-3", … when is_built_in()

 private:
  struct Impl;
  explicit ChatTemplate(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sparrow
