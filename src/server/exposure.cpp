#include "server/exposure.h"

#include "base/error.h"

namespace sparrow {
namespace {

// "HOST:PORT" or "[HOST]:PORT"; what has no port is refused when it is listened on.
std::string host_of(const std::string& address) {
  const size_t colon = address.rfind(':');
  std::string host = colon == std::string::npos ? address : address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

}  // namespace

bool check_exposure(const http::ServerOptions& options, bool allow_anonymous) {
  if (!options.access.keys.empty()) return false;
  for (const std::string& address : options.addresses) {
    if (http::is_loopback_name(host_of(address))) continue;
    if (allow_anonymous) return true;
    fail(ErrorCode::invalid_argument,
         "{} can be reached from other machines, and nobody would need a key: give the keys in a "
         "file (--keys FILE), or let everybody in (--allow-anonymous)",
         address);
  }
  return false;
}

}  // namespace sparrow
