#include "server/service.h"

#include "server/anthropic/dialect.h"
#include "server/general/routes.h"
#include "server/native/dialect.h"
#include "server/ollama/dialect.h"
#include "server/openai/dialect.h"
#include "server/operation.h"
#include "server/wire.h"

namespace sparrow {
namespace {

std::vector<http::Route> all_routes(ServerState& state) {
  std::vector<http::Route> routes;
  for (auto family :
       {general::routes, ollama::routes, openai::routes, anthropic::routes, native::routes}) {
    std::vector<http::Route> rows = family(state);
    routes.insert(routes.end(), std::make_move_iterator(rows.begin()),
                  std::make_move_iterator(rows.end()));
  }
  state.openapi = to_wire(openapi_document(routes));
  return routes;
}

}  // namespace

Service::Service(const ServiceOptions& options)
    : state_(options.models, options.max_requests),
      server_(options.http, all_routes(state_), &state_.metrics) {}

}  // namespace sparrow
