#include "tests/support/tiny_model.h"

#include <cmath>

#include "base/error.h"

namespace sparrow::test_support {
namespace {

// GPT-2 writes bytes as printable characters: the printable ones as themselves, the others from
// U+0100 on.
std::vector<std::string> byte_tokens() {
  std::vector<int> printable;
  std::vector<bool> is_printable(256, false);
  for (const auto& [first, last] : {std::pair{0x21, 0x7e}, {0xa1, 0xac}, {0xae, 0xff}}) {
    for (int byte = first; byte <= last; ++byte) {
      printable.push_back(byte);
      is_printable[static_cast<size_t>(byte)] = true;
    }
  }
  std::vector<std::string> tokens;
  const auto append = [&](int code_point) {
    if (code_point < 0x80) {
      tokens.push_back(std::string(1, static_cast<char>(code_point)));
    } else {
      tokens.push_back({static_cast<char>(0xc0 | code_point >> 6),
                        static_cast<char>(0x80 | (code_point & 0x3f))});
    }
  };
  for (const int byte : printable) append(byte);
  int next = 0x100;
  for (size_t byte = 0; byte < 256; ++byte) {
    if (!is_printable[byte]) append(next++);
  }
  return tokens;
}

constexpr const char* kChatTemplate =
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + "
    "'<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ "
    "'<|im_start|>assistant\\n' }}{% endif %}";

// `more`: tokens behind the others.
void add_vocabulary(GgufWriter& writer, const std::vector<std::string>& more = {}) {
  std::vector<std::string> tokens = byte_tokens();
  for (const char* merged : {"he", "in", "Ġt", "Ġthe"}) tokens.push_back(merged);
  std::vector<int32_t> types(tokens.size(), 1);
  for (const char* control : {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}) {
    tokens.push_back(control);
    types.push_back(3);
  }
  tokens.insert(tokens.end(), more.begin(), more.end());
  types.resize(tokens.size(), 1);
  const std::vector<std::string> merges = {"h e", "i n", "Ġ t", "Ġt he"};
  writer.add_string("tokenizer.ggml.model", "gpt2");
  writer.add_string("tokenizer.ggml.pre", "qwen2");
  writer.add_strings("tokenizer.ggml.tokens", tokens);
  writer.add_int32s("tokenizer.ggml.token_type", types);
  writer.add_strings("tokenizer.ggml.merges", merges);
  writer.add_uint32("tokenizer.ggml.bos_token_id", kTinyEndOfText);
  writer.add_uint32("tokenizer.ggml.eos_token_id", kTinyImEnd);
  writer.add_bool("tokenizer.ggml.add_bos_token", false);
  writer.add_string("tokenizer.chat_template", kChatTemplate);
}

void add_hyperparameters(GgufWriter& writer, const TinyModel& m) {
  const auto key = [&](const char* name) { return m.architecture + "." + name; };
  const auto add = [&](const char* name, int64_t value) {
    writer.add_uint32(key(name), static_cast<uint32_t>(value));
  };
  writer.add_string("general.architecture", m.architecture);
  writer.add_string("general.name", "tiny " + m.architecture);
  add("block_count", m.layer_count);
  add("context_length", m.context_length);
  add("embedding_length", m.hidden_size);
  add("attention.head_count", m.head_count);
  add("attention.head_count_kv", m.kv_head_count);
  add("attention.key_length", m.head_size);
  add("attention.value_length", m.head_size);
  writer.add_float32(key("attention.layer_norm_rms_epsilon"), m.rms_norm_epsilon);
  writer.add_float32(key("rope.freq_base"), m.rope_base);
  if (m.expert_count > 0) {
    add("expert_count", m.expert_count);
    add("expert_used_count", m.expert_used_count);
    add("expert_feed_forward_length", m.expert_ffn_size);
  } else {
    add("feed_forward_length", m.ffn_size);
  }
  if (m.rope_scaling.empty()) return;
  writer.add_string(key("rope.scaling.type"), m.rope_scaling);
  writer.add_float32(key("rope.scaling.factor"), m.rope_scaling_factor);
  if (m.rope_original_context > 0)
    add("rope.scaling.original_context_length", m.rope_original_context);
}

Shape vector_shape(int64_t size) { return {{size, 1, 1, 1}, 1}; }
Shape matrix_shape(int64_t in, int64_t out) { return {{in, out, 1, 1}, 2}; }

void add_layer(std::map<std::string, Shape>& tensors, const TinyModel& m, int64_t layer) {
  const std::string prefix = "blk." + std::to_string(layer) + ".";
  const int64_t q_size = m.head_count * m.head_size;
  const int64_t kv_size = m.kv_head_count * m.head_size;
  tensors[prefix + "attn_norm.weight"] = vector_shape(m.hidden_size);
  tensors[prefix + "attn_q.weight"] = matrix_shape(m.hidden_size, q_size);
  tensors[prefix + "attn_k.weight"] = matrix_shape(m.hidden_size, kv_size);
  tensors[prefix + "attn_v.weight"] = matrix_shape(m.hidden_size, kv_size);
  tensors[prefix + "attn_output.weight"] = matrix_shape(q_size, m.hidden_size);
  tensors[prefix + "ffn_norm.weight"] = vector_shape(m.hidden_size);
  if (m.architecture == "qwen2" || m.has_attention_bias) {
    tensors[prefix + "attn_q.bias"] = vector_shape(q_size);
    tensors[prefix + "attn_k.bias"] = vector_shape(kv_size);
    tensors[prefix + "attn_v.bias"] = vector_shape(kv_size);
  }
  if (m.architecture == "qwen3" || m.architecture == "qwen3moe") {
    tensors[prefix + "attn_q_norm.weight"] = vector_shape(m.head_size);
    tensors[prefix + "attn_k_norm.weight"] = vector_shape(m.head_size);
  }
  if (m.expert_count == 0) {
    tensors[prefix + "ffn_gate.weight"] = matrix_shape(m.hidden_size, m.ffn_size);
    tensors[prefix + "ffn_up.weight"] = matrix_shape(m.hidden_size, m.ffn_size);
    tensors[prefix + "ffn_down.weight"] = matrix_shape(m.ffn_size, m.hidden_size);
    return;
  }
  const int64_t experts = m.expert_count;
  tensors[prefix + "ffn_gate_inp.weight"] = matrix_shape(m.hidden_size, experts);
  tensors[prefix + "ffn_gate_exps.weight"] = {{m.hidden_size, m.expert_ffn_size, experts, 1}, 3};
  tensors[prefix + "ffn_up_exps.weight"] = {{m.hidden_size, m.expert_ffn_size, experts, 1}, 3};
  tensors[prefix + "ffn_down_exps.weight"] = {{m.expert_ffn_size, m.hidden_size, experts, 1}, 3};
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

// SplitMix64's output function (Steele, Lea and Flood 2014).
uint64_t mix(uint64_t state) {
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;
  state = (state ^ (state >> 27)) * 0x94d049bb133111ebu;
  return state ^ (state >> 31);
}

}  // namespace

TinyModel tiny_model(std::string_view architecture) {
  TinyModel model;
  model.architecture = architecture;
  if (architecture == "qwen3") model.head_size = 24;
  if (architecture == "qwen3moe") {
    model.expert_count = 8;
    model.expert_used_count = 2;
    model.expert_ffn_size = 48;
  }
  return model;
}

std::map<std::string, Shape> tiny_tensors(const TinyModel& model) {
  std::map<std::string, Shape> tensors;
  tensors["token_embd.weight"] = matrix_shape(model.hidden_size, kTinyVocabulary);
  tensors["output_norm.weight"] = vector_shape(model.hidden_size);
  if (!model.is_tied) tensors["output.weight"] = matrix_shape(model.hidden_size, kTinyVocabulary);
  for (int64_t layer = 0; layer < model.layer_count; ++layer) add_layer(tensors, model, layer);
  return tensors;
}

// Uniform in [-1, 1) in steps of 2^-23, then a power of two: exact in f32 everywhere.
std::vector<float> tiny_weights(const std::string& name, int64_t count) {
  uint64_t seed = 0xcbf29ce484222325u;  // FNV-1a of the name
  for (const char c : name) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  float scale = 0.25f;
  if (name == "token_embd.weight") scale = 1.0f;
  if (name.ends_with(".bias")) scale = 0.5f;
  const float offset = contains(name, "norm") ? 1.0f : 0.0f;
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    const uint64_t bits = mix(seed + (i + 1) * 0x9e3779b97f4a7c15u) >> 40;
    values[i] = offset + (std::ldexp(static_cast<float>(bits), -23) - 1.0f) * scale;
  }
  return values;
}

GgufWriter tiny_writer(const TinyModel& model) {
  GgufWriter writer;
  add_hyperparameters(writer, model);
  add_vocabulary(writer);
  return writer;
}

namespace {

void add_tensors(GgufWriter& writer, const TinyModel& model) {
  for (const auto& [name, shape] : tiny_tensors(model))
    writer.add_tensor_f32(name, shape, tiny_weights(name, shape.count()));
  if (!model.rope_divisors.empty()) {
    writer.add_tensor_f32("rope_freqs.weight",
                          vector_shape(static_cast<int64_t>(model.rope_divisors.size())),
                          model.rope_divisors);
  }
}

}  // namespace

std::vector<std::byte> tiny_gguf(const TinyModel& model) {
  GgufWriter writer = tiny_writer(model);
  add_tensors(writer, model);
  return writer.to_bytes();
}

namespace {

// As GPT-2 writes them.
std::string vocabulary_text(const std::string& piece) {
  std::string text;
  for (const char c : piece) {
    if (c == ' ') {
      text += "Ġ";
    } else if (c == '\n') {
      text += "Ċ";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

// Each piece has a dimension of its own, all other tokens share the first one. The layers add
// nothing, so the last token's dimension alone says what follows.
std::vector<std::byte> scripted_gguf(const std::vector<std::string>& pieces, int64_t unused_count) {
  TinyModel model = tiny_model("qwen2");
  model.is_tied = false;
  const size_t width = static_cast<size_t>(model.hidden_size);
  const size_t first = static_cast<size_t>(kTinyVocabulary);
  const size_t count = pieces.size();
  SPARROW_CHECK(count + 2 <= width);

  std::vector<std::string> texts;
  for (const std::string& piece : pieces) texts.push_back(vocabulary_text(piece));
  for (int64_t i = 0; i < unused_count; ++i) texts.push_back("unused" + std::to_string(i));
  GgufWriter writer;
  add_hyperparameters(writer, model);
  add_vocabulary(writer, texts);

  const float norm = std::sqrt(static_cast<float>(width));  // RMSNorm makes a unit vector this long
  const size_t vocabulary = first + texts.size();
  std::vector<float> embeddings(vocabulary * width);
  std::vector<float> outputs(vocabulary * width);
  for (size_t id = 0; id < vocabulary; ++id) {
    const bool is_piece = id >= first && id < first + count;
    embeddings[id * width + (is_piece ? id - first + 1 : 0)] = 1;
  }
  for (size_t i = 0; i <= count; ++i) {
    const size_t next = i < count ? first + i : static_cast<size_t>(kTinyImEnd);
    outputs[next * width + i] = 64 / norm;
  }
  const Shape rows = matrix_shape(model.hidden_size, static_cast<int64_t>(vocabulary));
  for (const auto& [name, shape] : tiny_tensors(model)) {
    if (name == "token_embd.weight") {
      writer.add_tensor_f32(name, rows, embeddings);
    } else if (name == "output.weight") {
      writer.add_tensor_f32(name, rows, outputs);
    } else {
      const float value = contains(name, "norm") ? 1.0f : 0.0f;
      const std::vector<float> values(static_cast<size_t>(shape.count()), value);
      writer.add_tensor_f32(name, shape, values);
    }
  }
  return writer.to_bytes();
}

TinyModel smallest_model(std::string_view architecture) {
  TinyModel model = tiny_model(architecture);
  model.layer_count = 1;
  model.hidden_size = 8;
  model.head_count = 2;
  model.kv_head_count = 1;
  model.head_size = 4;
  model.ffn_size = 8;
  model.context_length = 16;
  if (model.expert_count > 0) {
    model.expert_count = 3;
    model.expert_ffn_size = 8;
  }
  return model;
}

std::vector<std::byte> tiny_network(const TinyModel& model) {
  GgufWriter writer;
  add_hyperparameters(writer, model);
  add_tensors(writer, model);
  return writer.to_bytes();
}

}  // namespace sparrow::test_support
