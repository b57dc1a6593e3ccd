#include "apps/cli/serve_flags.h"

#include "server/environment.h"
#include "server/http/api_keys.h"
#include "server/ollama/dialect.h"

namespace sparrow::cli {

void add_serve_flags(CLI::App& app, ServeFlags& flags) {
  app.add_option("--host", flags.hosts,
                 "Where to listen; several times for several (127.0.0.1:11434)")
      ->type_name("HOST:PORT");
  app.add_option("--model", flags.models,
                 "A .gguf file or a model of the store to be served; the first is the one that "
                 "requests without a model get. The store's other models are served too")
      ->type_name("MODEL");
  app.add_option("--unix-socket", flags.unix_socket, "Listen there too, for its owner alone")
      ->type_name("PATH");
  CLI::Option* certificate =
      app.add_option("--tls-certificate", flags.certificate, "TLS: the certificate chain, PEM")
          ->type_name("FILE");
  CLI::Option* key = app.add_option("--tls-key", flags.private_key, "TLS: its private key, PEM")
                         ->type_name("FILE");
  certificate->needs(key);
  key->needs(certificate);
  app.add_option("--keys", flags.keys,
                 "API keys with their scopes and limits, JSON (docs/server.md)")
      ->type_name("FILE");
  app.add_flag("--allow-anonymous", flags.allow_anonymous,
               "Listen beyond this machine without keys: everybody may use it");
  app.add_option("--allow-name", flags.names, "A name this server is called by, for its Host check")
      ->type_name("NAME");
  app.add_option("--allow-origin", flags.origins, "A web page's origin that may use it")
      ->type_name("ORIGIN");
  app.add_option("--keep-alive", flags.keep_alive,
                 "How long a model stays loaded after its last use: 5m, 1h30m, -1 for good (5m)")
      ->type_name("DURATION");
  app.add_option("--max-requests", flags.max_requests, "Answered at once; more get 503 (512)")
      ->type_name("COUNT")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20));
  app.add_option("--context", flags.context,
                 "Tokens of one request, prompt and answer (the model's, but at most 32768)")
      ->type_name("TOKENS")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 24));
  app.add_option("--max-sequences", flags.max_sequences, "Answers computed together (32)")
      ->type_name("COUNT")
      ->check(CLI::Range(int64_t{1}, int64_t{1024}));
  add_engine_flags(app, flags.engine);
}

ServiceOptions service_options(const ServeFlags& flags) {
  ServiceOptions options;
  options.http.addresses = {"127.0.0.1:11434"};
  apply_environment(options);
  if (!flags.hosts.empty()) options.http.addresses = flags.hosts;
  options.http.unix_socket = flags.unix_socket;
  options.http.certificate_file = flags.certificate;
  options.http.private_key_file = flags.private_key;
  options.http.access.hosts = flags.names;
  for (const std::string& origin : flags.origins) options.http.access.origins.push_back(origin);
  if (!flags.keys.empty()) options.http.access.keys = http::read_api_keys(flags.keys);
  options.models.models = flags.models;
  if (!flags.keep_alive.empty())
    options.models.keep_alive = ollama::parse_duration(flags.keep_alive);
  EngineOptions& engine = options.models.engine;
  options.max_requests = flags.max_requests.value_or(options.max_requests);
  engine.context_length = flags.context.value_or(engine.context_length);
  engine.max_sequences = flags.max_sequences.value_or(engine.max_sequences);
  engine.thread_count = flags.engine.threads.value_or(engine.thread_count);
  engine.kv_cache_type = flags.engine.kv_type.value_or(engine.kv_cache_type);
  engine.activations = flags.engine.activations.value_or(engine.activations);
  return options;
}

}  // namespace sparrow::cli
