// Status line and header fields as they go out.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "server/http/headers.h"

namespace sparrow::http {

std::string_view reason_phrase(int status);

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(std::time_t time);

// Without the empty line. Fields that frame a message (Content-Length, Transfer-Encoding,
// Connection, Date) and names that are none are left out; control characters in values become
// spaces, so that no text can begin a field or a response of its own.
std::string response_head(int status, const Headers& headers, const Headers& more);

}  // namespace sparrow::http
