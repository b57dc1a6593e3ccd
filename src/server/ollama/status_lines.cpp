#include "server/ollama/status_lines.h"

#include "server/http/ndjson.h"
#include "server/wire.h"

namespace sparrow::ollama {

void StatusLines::line(const Json& line) {
  if (!is_streaming_) return;
  if (!exchange_->has_begun())
    exchange_->begin_stream(200, {{"Content-Type", std::string(http::kNdjsonContentType)}});
  exchange_->write(http::ndjson_line(line));
}

void StatusLines::status(const std::string& text) { line({{"status", text}}); }

void StatusLines::succeed() {
  if (!is_streaming_) {
    exchange_->reply_json(200, to_wire(Json{{"status", "success"}}));
    return;
  }
  status("success");
  exchange_->end();
}

}  // namespace sparrow::ollama
