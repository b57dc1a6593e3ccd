// Who can reach a server, and whether that was meant.
#pragma once

#include <string>
#include <vector>

#include "server/http/server.h"

namespace sparrow {

// Refuses to listen where other machines reach it and nobody needs a key. Throws
// Error{invalid_argument} that names the address and the two ways out: a file of keys, or
// `allow_anonymous`. True: it is open to strangers because that was allowed, which should be said.
bool check_exposure(const http::ServerOptions& options, bool allow_anonymous);

}  // namespace sparrow
