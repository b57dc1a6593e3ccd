#include "server/ollama/cloud.h"

#include "server/wire.h"

namespace sparrow::ollama {

void cloud_status(ServerState&, const std::shared_ptr<http::Exchange>& exchange) {
  exchange->reply_json(
      200, to_wire(Json{{"cloud", {{"disabled", true}, {"source", "sparrow has no cloud"}}}}));
}

void refuse_account(ServerState&, const std::shared_ptr<http::Exchange>& exchange) {
  exchange->fail({.status = 401, .message = "unauthorized: this server has no accounts"});
}

void refuse_cloud(ServerState&, const std::shared_ptr<http::Exchange>& exchange) {
  exchange->fail({.status = 403, .message = "cloud is disabled: this server has none"});
}

}  // namespace sparrow::ollama
