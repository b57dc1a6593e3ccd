#include "chat/built_in_templates.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "gguf/gguf_file.h"

namespace sparrow {
namespace {

// Stands before every one of them: content as text, be it a string or parts.
constexpr std::string_view kTextMacro = R"jinja({%- macro text(content) -%}
    {%- if content is string -%}
        {{- content -}}
    {%- else -%}
        {%- for part in content or [] if part.text is defined -%}
            {{- part.text -}}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro -%}
)jinja";

// Qwen, SmolLM2, Yi and many others.
constexpr std::string_view kChatml = R"jinja({%- for message in messages -%}
    {{- '<|im_start|>' + message.role + '\n' + text(message.content) + '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|im_start|>assistant\n' -}}
{%- endif -%}
)jinja";

// Meta's Llama 3 model card.
constexpr std::string_view kLlama3 = R"jinja({{- bos_token -}}
{%- for message in messages -%}
    {%- set role = 'ipython' if message.role == 'tool' else message.role -%}
    {{- '<|start_header_id|>' + role + '<|end_header_id|>\n\n' + text(message.content)|trim + '<|eot_id|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}
{%- endif -%}
)jinja";

// Google's Gemma 1 to 3, which know no system turn.
constexpr std::string_view kGemma = R"jinja({%- set system = '' -%}
{%- set turns = messages -%}
{%- if messages[0].role == 'system' -%}
    {%- set system = text(messages[0].content)|trim + '\n\n' -%}
    {%- set turns = messages[1:] -%}
{%- endif -%}
{{- bos_token -}}
{%- for message in turns -%}
    {%- set role = 'model' if message.role == 'assistant' else 'user' -%}
    {{- '<start_of_turn>' + role + '\n' + (system if loop.first else '') + text(message.content)|trim + '<end_of_turn>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<start_of_turn>model\n' -}}
{%- endif -%}
)jinja";

// Microsoft's Phi-3 and Phi-4-mini.
constexpr std::string_view kPhi3 = R"jinja({%- for message in messages -%}
    {{- '<|' + message.role + '|>\n' + text(message.content) + '<|end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|assistant|>\n' -}}
{%- endif -%}
)jinja";

// DeepSeek V2.5, V3 and R1.
constexpr std::string_view kDeepseek = R"jinja({{- bos_token -}}
{%- for message in messages -%}
    {%- if message.role == 'system' -%}
        {{- text(message.content) -}}
    {%- elif message.role == 'assistant' -%}
        {{- '<｜Assistant｜>' + text(message.content) + '<｜end▁of▁sentence｜>' -}}
    {%- else -%}
        {{- '<｜User｜>' + text(message.content) -}}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<｜Assistant｜>' -}}
{%- endif -%}
)jinja";

// Mistral's v3 tokenizer: [INST] and [/INST] are tokens of their own.
constexpr std::string_view kMistral = R"jinja({%- set system = '' -%}
{%- set turns = messages -%}
{%- if messages[0].role == 'system' -%}
    {%- set system = text(messages[0].content) + '\n\n' -%}
    {%- set turns = messages[1:] -%}
{%- endif -%}
{{- bos_token -}}
{%- for message in turns -%}
    {%- if (message.role == 'user') != (loop.index0 % 2 == 0) -%}
        {{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') -}}
    {%- endif -%}
    {%- if message.role == 'user' -%}
        {{- '[INST] ' + (system if loop.first else '') + text(message.content) + '[/INST]' -}}
    {%- else -%}
        {{- ' ' + text(message.content).strip() + eos_token -}}
    {%- endif -%}
{%- endfor -%}
)jinja";

// Mistral 7B v0.1 and v0.2, Mixtral: the same words as text, with spaces.
constexpr std::string_view kMistralV1 = R"jinja({%- set system = '' -%}
{%- set turns = messages -%}
{%- if messages[0].role == 'system' -%}
    {%- set system = text(messages[0].content) + '\n\n' -%}
    {%- set turns = messages[1:] -%}
{%- endif -%}
{{- bos_token -}}
{%- for message in turns -%}
    {%- if (message.role == 'user') != (loop.index0 % 2 == 0) -%}
        {{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') -}}
    {%- endif -%}
    {%- if message.role == 'user' -%}
        {{- '[INST] ' + (system if loop.first else '') + text(message.content) + ' [/INST]' -}}
    {%- else -%}
        {{- ' ' + text(message.content).strip() + eos_token -}}
    {%- endif -%}
{%- endfor -%}
)jinja";

// DeepSeek-Coder 1.
constexpr std::string_view kDeepseekCoder = R"jinja({{- bos_token -}}
{%- if not messages|selectattr('role', 'equalto', 'system')|list -%}
    {{- 'You are an AI programming assistant, utilizing the Deepseek Coder model, developed by Deepseek Company, and you only answer questions related to computer science. For politically sensitive questions, security and privacy issues, and other non-computer science questions, you will refuse to answer\n' -}}
{%- endif -%}
{%- for message in messages -%}
    {%- if message.role == 'system' -%}
        {{- text(message.content) -}}
    {%- elif message.role == 'user' -%}
        {{- '### Instruction:\n' + text(message.content) + '\n' -}}
    {%- else -%}
        {{- '### Response:\n' + text(message.content) + '\n<|EOT|>\n' -}}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '### Response:' -}}
{%- endif -%}
)jinja";

// DeepSeek-LLM chat.
constexpr std::string_view kDeepseekLlm = R"jinja({{- bos_token -}}
{%- for message in messages -%}
    {%- if message.role == 'user' -%}
        {{- 'User: ' + text(message.content) + '\n\n' -}}
    {%- elif message.role == 'assistant' -%}
        {{- 'Assistant: ' + text(message.content) + eos_token -}}
    {%- else -%}
        {{- text(message.content) + '\n\n' -}}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- 'Assistant:' -}}
{%- endif -%}
)jinja";

// Llama 2 chat and CodeLlama Instruct.
constexpr std::string_view kLlama2 = R"jinja({%- set system = '' -%}
{%- set turns = messages -%}
{%- if messages[0].role == 'system' -%}
    {%- set system = '<<SYS>>\n' + text(messages[0].content) + '\n<</SYS>>\n\n' -%}
    {%- set turns = messages[1:] -%}
{%- endif -%}
{%- for message in turns -%}
    {%- if (message.role == 'user') != (loop.index0 % 2 == 0) -%}
        {{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') -}}
    {%- endif -%}
    {%- if message.role == 'user' -%}
        {%- set content = (system if loop.first else '') + text(message.content) -%}
        {{- bos_token + '[INST] ' + content.strip() + ' [/INST]' -}}
    {%- else -%}
        {{- ' ' + text(message.content).strip() + ' ' + eos_token -}}
    {%- endif -%}
{%- endfor -%}
)jinja";

// No family: turns as plain text.
constexpr std::string_view kPlain = R"jinja({%- for message in messages -%}
    {%- if message.role == 'system' -%}
        {{- text(message.content) + '\n\n' -}}
    {%- else -%}
        {{- message.role|capitalize + ': ' + text(message.content) + '\n\n' -}}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- 'Assistant:' -}}
{%- endif -%}
)jinja";

// The first row whose tokens are all in the vocabulary, and one of whose words (if it has any) is
// in the model's name, is the family.
struct Family {
  std::string_view name;
  std::array<std::string_view, 3> tokens;
  std::array<std::string_view, 2> words;
  std::string_view source;
};

constexpr Family kFamilies[] = {
    {"chatml", {"<|im_start|>", "<|im_end|>"}, {}, kChatml},
    {"llama-3", {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}, {}, kLlama3},
    {"gemma", {"<start_of_turn>", "<end_of_turn>"}, {}, kGemma},
    {"phi-3", {"<|user|>", "<|assistant|>", "<|end|>"}, {}, kPhi3},
    {"deepseek", {"<｜User｜>", "<｜Assistant｜>"}, {}, kDeepseek},
    {"deepseek-coder", {"<｜begin▁of▁sentence｜>", "<|EOT|>"}, {}, kDeepseekCoder},
    {"deepseek-llm", {"<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"}, {}, kDeepseekLlm},
    {"mistral", {"[INST]", "[/INST]"}, {}, kMistral},
    {"mistral-v1", {"<s>", "</s>", "<0x0A>"}, {"mistral", "mixtral"}, kMistralV1},
    {"codellama", {"<s>", "</s>", "▁<PRE>"}, {}, kLlama2},
    {"llama-2", {"<s>", "</s>", "<0x0A>"}, {"llama"}, kLlama2},
    {"plain", {}, {}, kPlain},
};

std::string lower_case(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return result;
}

}  // namespace

BuiltInTemplate find_built_in_template(const GgufFile& file, const Tokenizer& tokenizer) {
  const Metadata& metadata = file.metadata();
  const std::string name = lower_case(metadata.find_string("general.name").value_or("")) + " " +
                           lower_case(metadata.find_string("general.architecture").value_or(""));
  const auto fits = [&](const Family& family) {
    const bool has_tokens = std::all_of(
        family.tokens.begin(), family.tokens.end(),
        [&](std::string_view token) { return token.empty() || tokenizer.find(token).has_value(); });
    const bool has_words =
        family.words[0].empty() ||
        std::any_of(family.words.begin(), family.words.end(), [&](std::string_view word) {
          return !word.empty() && name.find(word) != std::string::npos;
        });
    return has_tokens && has_words;
  };
  const Family* family = std::find_if(std::begin(kFamilies), std::end(kFamilies), fits);
  SPARROW_CHECK(family != std::end(kFamilies));
  return {family->name, std::string(kTextMacro) + std::string(family->source)};
}

}  // namespace sparrow
