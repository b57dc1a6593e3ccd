#include "server/openai/embeddings.h"

#include <bit>
#include <cmath>

#include "api/model_defaults.h"
#include "base/error.h"
#include "server/openai/dialect.h"
#include "server/openai/prompts.h"
#include "server/wire.h"

namespace sparrow::openai {
namespace {

constexpr size_t kMostInputs = 2048;

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t word = 0;
    for (size_t k = 0; k < 3; ++k)
      word = word << 8 | (k < count ? static_cast<uint8_t>(bytes[i + k]) : 0u);
    for (size_t k = 0; k < 4; ++k) text += k <= count ? kDigits[word >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

// Little-endian float32, on any machine.
std::string float_bytes(std::span<const float> values) {
  std::string bytes;
  for (const float value : values) {
    const uint32_t word = std::bit_cast<uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(word >> shift & 255);
  }
  return bytes;
}

// The first numbers of a vector, at length 1 again.
void shorten(std::vector<float>& vector, int64_t dimensions) {
  vector.resize(static_cast<size_t>(dimensions));
  double square = 0;
  for (const float value : vector)
    square += static_cast<double>(value) * static_cast<double>(value);
  if (square == 0) return;
  const double factor = 1 / std::sqrt(square);
  for (float& value : vector) value = static_cast<float>(static_cast<double>(value) * factor);
}

struct Asked {
  std::string model;
  bool is_base64 = false;
  std::optional<int64_t> dimensions;
};

class Writer final : public AnswerWriter {
 public:
  Writer(std::shared_ptr<http::Exchange> exchange, Asked asked, size_t count)
      : exchange_(std::move(exchange)), asked_(std::move(asked)), vectors_(count) {}

  void write(const AnswerPart& part) override {
    std::vector<float>& vector = vectors_[static_cast<size_t>(part.index)];
    vector.insert(vector.end(), part.raw.embedding.begin(), part.raw.embedding.end());
    if (part.is_last()) token_count_ += part.stats.prompt_tokens;
  }

  void finish() override {
    const int64_t width = static_cast<int64_t>(vectors_.front().size());
    if (asked_.dimensions && (*asked_.dimensions < 1 || *asked_.dimensions > width)) {
      fail({.status = 400,
            .message =
                fmt::format("dimensions must be in [1, {}], got {}", width, *asked_.dimensions),
            .parameter = "dimensions"});
      return;
    }
    Json data = Json::array();
    for (size_t i = 0; i < vectors_.size(); ++i) {
      if (asked_.dimensions) shorten(vectors_[i], *asked_.dimensions);
      data.push_back(
          {{"object", "embedding"}, {"index", i}, {"embedding", vector_json(vectors_[i])}});
    }
    exchange_->reply_json(
        200, to_wire(Json{
                 {"object", "list"},
                 {"data", std::move(data)},
                 {"model", asked_.model},
                 {"usage", {{"prompt_tokens", token_count_}, {"total_tokens", token_count_}}}}));
  }

  void fail(const http::Failure& failure) override { exchange_->fail(failure); }

 private:
  Json vector_json(const std::vector<float>& vector) const {
    if (asked_.is_base64) return base64(float_bytes(vector));
    return vector;
  }

  const std::shared_ptr<http::Exchange> exchange_;
  const Asked asked_;
  std::vector<std::vector<float>> vectors_;
  int64_t token_count_ = 0;
};

}  // namespace

void embeddings(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  Asked asked = {.model = fields.text("model").value_or(""),
                 .dimensions = fields.integer("dimensions")};
  const std::string format = fields.text("encoding_format").value_or("float");
  if (format != "float" && format != "base64")
    fail(ErrorCode::invalid_argument, "encoding_format must be float or base64, got {}", format);
  asked.is_base64 = format == "base64";

  const std::shared_ptr<Engine> engine = state.models.acquire(asked.model);
  const OpenedModel& model = opened_model(*engine);
  Answering answering;
  for (std::vector<TokenId>& ids : parse_prompts(fields, "input", model, kMostInputs)) {
    const int64_t count = static_cast<int64_t>(ids.size());
    if (count > engine->info().context_length) {
      fail(ErrorCode::context_full, "an input has {} tokens, and the context holds {}", count,
           engine->info().context_length);
    }
    // A chat model's last token has seen all of the text.
    answering.requests.push_back({.prompt = std::move(ids),
                                  .pooling = model_pooling(model.file->metadata(), Pooling::last)});
  }
  answering.model = asked.model;
  answering.exchange = exchange;
  answering.engine = engine;
  answering.writer =
      std::make_unique<Writer>(exchange, std::move(asked), answering.requests.size());
  answer(state, std::move(answering));
}

}  // namespace sparrow::openai
