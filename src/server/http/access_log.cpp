#include "server/http/access_log.h"

#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"

namespace sparrow::http {
namespace {

constexpr size_t kMaxTextBytes = 1024;  // of one field: a path may have 8 KiB

std::string short_text(const std::string& text) {
  return repair_utf8(text.size() <= kMaxTextBytes ? text : text.substr(0, kMaxTextBytes) + "…");
}

}  // namespace

std::string access_line(const AccessRecord& record) {
  Json line;
  line["id"] = record.id;
  line["peer"] = record.peer;
  line["method"] = short_text(record.method);
  line["path"] = short_text(record.path);
  line["route"] = record.route;
  if (!record.key_name.empty()) line["key"] = short_text(record.key_name);
  line["status"] = record.status;
  line["whole"] = record.is_whole;
  line["received_bytes"] = record.received_bytes;
  line["sent_bytes"] = record.sent_bytes;
  line["duration_ms"] = static_cast<double>(record.duration.count()) / 1000;
  // ASCII only: C1 controls and line separators would reach a terminal otherwise.
  return line.dump(-1, ' ', true);
}

void log_access(const AccessRecord& record) {
  if (log().should_log(spdlog::level::info)) log().info("{}", access_line(record));
}

}  // namespace sparrow::http
