// What belongs to no dialect: the page, health, metrics, the requests that run.
#pragma once

#include <vector>

#include "server/http/route.h"
#include "server/server_state.h"

namespace sparrow::general {

std::vector<http::Route> routes(ServerState& state);

}  // namespace sparrow::general
