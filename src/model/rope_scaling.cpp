#include "model/rope_scaling.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "model/rope.h"

namespace sparrow {
namespace {

constexpr RopeScalingType kTypes[] = {RopeScalingType::none, RopeScalingType::linear,
                                      RopeScalingType::yarn, RopeScalingType::llama3};

// A field of Hugging Face's object.
struct Field {
  std::string_view name;
  double RopeScaling::*member;
  RopeScalingType type;  // none: of every type
};

constexpr Field kFields[] = {
    {"factor", &RopeScaling::factor, RopeScalingType::none},
    {"attention_factor", &RopeScaling::attention_factor, RopeScalingType::yarn},
    {"beta_fast", &RopeScaling::beta_fast, RopeScalingType::yarn},
    {"beta_slow", &RopeScaling::beta_slow, RopeScalingType::yarn},
    {"low_freq_factor", &RopeScaling::low_freq_factor, RopeScalingType::llama3},
    {"high_freq_factor", &RopeScaling::high_freq_factor, RopeScalingType::llama3},
};
constexpr std::string_view kOriginal = "original_max_position_embeddings";

RopeScalingType parse_type(std::string_view name) {
  for (const RopeScalingType type : kTypes)
    if (name == to_string(type)) return type;
  if (name == "default") return RopeScalingType::none;
  fail(ErrorCode::invalid_argument, "a RoPE scaling is none, linear, yarn or llama3, got '{}'",
       name);
}

template <typename Number>
Number parse_number(std::string_view text, std::string_view name) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    fail(ErrorCode::invalid_argument, "the {} of a RoPE scaling must be a number, got '{}'", name,
         text);
  }
  return value;
}

RopeScaling from_json(const Json& json) {
  if (!json.is_object()) {
    fail(ErrorCode::invalid_argument, "a RoPE scaling must be a JSON object, got {}",
         json.type_name());
  }
  RopeScaling scaling;
  const auto number = [](std::string_view name, const Json& value) {
    if (value.is_number()) return value.get<double>();
    fail(ErrorCode::invalid_argument, "{} of a RoPE scaling must be a number, got {}", name,
         value.type_name());
  };
  for (const auto& [name, value] : json.items()) {
    const auto field = std::ranges::find(kFields, name, &Field::name);
    if (name == "rope_type" || name == "type") {
      if (!value.is_string()) {
        fail(ErrorCode::invalid_argument, "{} of a RoPE scaling must be a string, got {}", name,
             value.type_name());
      }
      scaling.type = parse_type(value.get<std::string>());
    } else if (name == kOriginal) {
      const double count = number(name, value);
      if (!(count >= 0 && count <= kMaxContextLength)) {
        fail(ErrorCode::invalid_argument, "{} must be in [0, {}], got {}", name, kMaxContextLength,
             count);
      }
      scaling.original_context_length = static_cast<int64_t>(count);
    } else if (field != std::end(kFields)) {
      if (!value.is_null()) scaling.*field->member = number(name, value);
    } else {
      fail(
          ErrorCode::invalid_argument,
          "a RoPE scaling has rope_type, {} and, by its type, factor, attention_factor, beta_fast, "
          "beta_slow, low_freq_factor and high_freq_factor, not '{}'",
          kOriginal, name);
    }
  }
  return scaling;
}

// TYPE[:FACTOR[:ORIGINAL]]
RopeScaling from_words(std::string_view text) {
  RopeScaling scaling;
  const size_t colon = text.find(':');
  scaling.type = parse_type(text.substr(0, colon));
  if (colon == std::string_view::npos) return scaling;
  const std::string_view rest = text.substr(colon + 1);
  const size_t second = rest.find(':');
  scaling.factor = parse_number<double>(rest.substr(0, second), "factor");
  if (second != std::string_view::npos) {
    scaling.original_context_length =
        parse_number<int64_t>(rest.substr(second + 1), "original context");
  }
  return scaling;
}

void check(const RopeScaling& s) {
  const auto need = [](bool is_right, std::string_view name, std::string_view range, double value) {
    if (!is_right) {
      fail(ErrorCode::invalid_argument, "{} of a RoPE scaling must be {}, got {}", name, range,
           value);
    }
  };
  const double original = static_cast<double>(s.original_context_length);
  need(s.factor >= 1 && s.factor <= 1024, "factor", "in [1, 1024]", s.factor);
  need(s.type != RopeScalingType::none || s.factor == 1, "factor",
       "1 where the type is none (types: linear, yarn, llama3)", s.factor);
  need(original >= 0 && original <= kMaxContextLength, "the original context", "in [0, 16777216]",
       original);
  need(s.attention_factor >= 0 && s.attention_factor <= 100, "attention_factor", "in [0, 100]",
       s.attention_factor);
  need(s.beta_slow > 0 && std::isfinite(s.beta_slow), "beta_slow", "above 0", s.beta_slow);
  need(s.beta_fast > s.beta_slow && std::isfinite(s.beta_fast), "beta_fast", "above beta_slow",
       s.beta_fast);
  need(s.low_freq_factor > 0 && std::isfinite(s.low_freq_factor), "low_freq_factor", "above 0",
       s.low_freq_factor);
  need(s.high_freq_factor > s.low_freq_factor && std::isfinite(s.high_freq_factor),
       "high_freq_factor", "above low_freq_factor", s.high_freq_factor);
}

}  // namespace

std::string_view to_string(RopeScalingType type) {
  switch (type) {
    case RopeScalingType::none:
      return "none";
    case RopeScalingType::linear:
      return "linear";
    case RopeScalingType::yarn:
      return "yarn";
    case RopeScalingType::llama3:
      return "llama3";
  }
  return "?";
}

RopeScaling parse_rope_scaling(std::string_view text) {
  const RopeScaling scaling =
      text.starts_with('{') ? from_json(parse_json(text, "the RoPE scaling")) : from_words(text);
  check(scaling);
  return scaling;
}

std::string to_string(const RopeScaling& scaling) {
  Json json = {{"rope_type", to_string(scaling.type)}};
  if (scaling.type == RopeScalingType::none) return json.dump();
  for (const Field& field : kFields) {
    if (field.type == RopeScalingType::none || field.type == scaling.type)
      json[std::string(field.name)] = scaling.*field.member;
  }
  json[std::string(kOriginal)] = scaling.original_context_length;
  return json.dump();
}

ModelConfig with_rope_scaling(ModelConfig config, const RopeScaling& scaling) {
  check(scaling);
  RopeScaling& own = config.rope_scaling;
  const int64_t trained =
      own.original_context_length > 0 ? own.original_context_length : config.context_length;
  own = scaling;
  config.has_rope_divisors = false;
  if (own.original_context_length == 0) own.original_context_length = trained;
  if (own.attention_factor == 0) own.attention_factor = yarn_attention_factor(own.factor);
  const double grown = own.factor * static_cast<double>(own.original_context_length);
  if (grown > kMaxContextLength) {
    fail(ErrorCode::invalid_argument,
         "a context of {} stretched {} times is more than the {} tokens that can be counted",
         own.original_context_length, own.factor, kMaxContextLength);
  }
  config.context_length = std::max(config.context_length, static_cast<int64_t>(grown));
  return config;
}

}  // namespace sparrow
