// What one client may cost: sizes, counts and times of HTTP, all checked while bytes come in.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sparrow::http {

using Milliseconds = std::chrono::milliseconds;

struct Limits {
  size_t request_line_bytes = size_t{8} << 10;  // without its CRLF; 414 beyond
  size_t header_bytes = size_t{32} << 10;       // all lines with their CRLFs; 431 beyond
  size_t header_count = 100;                    // 431 beyond
  size_t chunk_extension_bytes = 256;           // of one chunk; 400 beyond
  // Of a body, as sent and again once it is decompressed; 413 beyond. A route says which.
  size_t large_body_bytes = size_t{32} << 20;
  size_t control_body_bytes = size_t{1} << 20;
  size_t streamed_body_bytes = size_t{1} << 40;  // into a sink, which knows better

  Milliseconds header_time{10'000};  // from the first byte (or the connection) to the empty line
  Milliseconds body_grace{10'000};   // then a body has to come at least this fast on average:
  size_t body_bytes_per_second = 1024;
  Milliseconds idle_time{75'000};         // between two requests of a connection
  Milliseconds write_stall_time{30'000};  // without the client taking a byte
  Milliseconds linger_time{2'000};        // for a client to read why it was refused

  int64_t connections = 1024;
  int64_t connections_per_peer = 256;
  int64_t connections_from_loopback = 1024;
};

}  // namespace sparrow::http
