// Times as people say them: "2 hours ago".
#pragma once

#include <cstdint>
#include <string>

namespace sparrow::cli {

std::string relative_time(int64_t unix_s, int64_t now_unix_s);

}  // namespace sparrow::cli
