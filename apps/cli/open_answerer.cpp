#include "apps/cli/open_answerer.h"

#include <cstdio>

#include "api/model_source.h"
#include "apps/cli/display_text.h"
#include "apps/cli/own_engine.h"
#include "apps/cli/pull.h"
#include "apps/cli/running_server.h"
#include "apps/cli/server_client.h"
#include "base/error.h"

namespace sparrow::cli {
namespace {

bool is_file(const StoredModel& stored) { return stored.digest.empty(); }

// Why a server is not used, and whether that has to be said. No text: it is.
struct Reason {
  std::string text;
  bool is_news = true;
  ErrorCode code = ErrorCode::network;
  std::string way_out = {};  // for those who insist
};

Reason reason_against(const ServerProbe& probe) {
  using Kind = ServerProbe::Kind;
  if (probe.kind == Kind::sparrow) return {};
  // Nothing, or Ollama, on the usual port is nobody's mistake; where a variable names it, it is.
  const bool is_news = probe.kind == Kind::refused || is_server_named();
  if (probe.kind != Kind::none) return {fmt::format("{} {}", server_url(), probe.problem), is_news};
  return {.text = fmt::format("no server answers at {} ({})", server_url(), probe.problem),
          .is_news = is_news,
          .way_out = "; `sparrow serve` starts one"};
}

// Null, and why, if the server has no such model, or is too old.
std::unique_ptr<Answerer> find_at_server(const std::string& model, const std::string& keep_alive,
                                         Reason& reason) {
  try {
    return std::make_unique<RunningServer>(model, keep_alive);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::unsupported) throw;
    const bool is_absent = error.code() == ErrorCode::not_found;
    reason = {is_absent ? fmt::format("the server at {} has no model '{}'", server_url(), model)
                        : error.what(),
              true, error.code()};
    return nullptr;
  }
}

}  // namespace

std::unique_ptr<Answerer> open_answerer(Store& store, ModelPool& pool, const std::string& model,
                                        const AnswererOptions& options) {
  Reason reason;
  if (options.server != ServerUse::never) reason = reason_against(probe_server());
  const bool has_server = options.server != ServerUse::never && reason.text.empty();
  if (has_server && !options.own_flag.empty()) {
    reason = {fmt::format("the server at {} computes as it was started, and {} is for an engine of "
                          "this program's own",
                          server_url(), options.own_flag),
              true, ErrorCode::invalid_argument};
  }
  if (has_server && reason.text.empty()) {
    if (auto answerer = find_at_server(model, options.keep_alive, reason)) return answerer;
  }
  if (options.server == ServerUse::always) fail(reason.code, "{}{}", reason.text, reason.way_out);

  StoredModel stored = find_model(store, model, pull_with_progress);
  if (reason.code == ErrorCode::not_found && !is_file(stored)) {
    // An alias that only this program knows, "default", or what has just come into a store that the
    // server shares.
    const std::string name = stored.name.short_text();
    if (auto answerer = find_at_server(name, options.keep_alive, reason)) return answerer;
  }
  if (options.server == ServerUse::if_there && !reason.text.empty() && reason.is_news) {
    std::fprintf(stderr, "%s: this program answers itself.\n", as_one_line(reason.text).c_str());
  } else if (!options.keep_alive.empty()) {
    std::fprintf(stderr,
                 "--keep-alive changes nothing: there is no server that keeps the model.\n");
  }
  return std::make_unique<OwnEngine>(store, pool, std::move(stored), options.engine);
}

}  // namespace sparrow::cli
