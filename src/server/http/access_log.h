// One line a request, for people and programs: who asked what, what came of it. Never bodies, query
// strings or keys.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace sparrow::http {

struct AccessRecord {
  std::string id;
  std::string peer;
  std::string method;  // empty, like path, if the head could not be read
  std::string path;    // decoded, without the query
  std::string route;   // its pattern; empty if none fits
  std::string key_name;
  int status = 0;                         // 0: the client went before the answer began
  bool is_whole = false;                  // the answer was sent to its end
  uint64_t received_bytes = 0;            // of the body, as sent
  uint64_t sent_bytes = 0;                // with head and framing
  std::chrono::microseconds duration{0};  // from the request's first byte to the answer's last
};

// Must not throw.
using AccessLog = std::function<void(const AccessRecord&)>;

// A JSON object in one line; control characters and bytes that are not UTF-8 are escaped.
std::string access_line(const AccessRecord& record);

// To base/log, at level info.
void log_access(const AccessRecord& record);

}  // namespace sparrow::http
