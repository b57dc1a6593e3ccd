#include "server/ollama/store_changes.h"

#include <charconv>
#include <filesystem>

#include "base/error.h"
#include "base/hash.h"
#include "server/ollama/cards.h"
#include "server/ollama/dialect.h"
#include "server/ollama/pull.h"
#include "server/ollama/status_lines.h"
#include "server/wire.h"
#include "store/blob_upload.h"

namespace sparrow::ollama {
namespace {

// The only way from a client's text to a path: exactly 64 hex digits.
std::string parse_digest(std::string_view text) {
  const bool has_prefix = text.starts_with("sha256:") || text.starts_with("sha256-");
  const std::string_view hex = has_prefix ? text.substr(7) : std::string_view();
  if (!is_sha256_hex(hex)) {
    fail(ErrorCode::invalid_argument,
         "invalid digest format: it must be sha256: and 64 hex digits in lower case");
  }
  return std::string(hex);
}

bool has_file(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

// A model that was given to the server as a file is not the clients' to change.
StoredModel find_in_store(const ServerState& state, const std::string& name) {
  StoredModel stored = state.models.find(name);
  if (stored.digest.empty()) {
    fail(ErrorCode::invalid_argument,
         "'{}' is a file that the server was started with; only models of the store can be changed",
         name);
  }
  return stored;
}

// A blob that is there is read, and forgotten.
class BlobSink final : public http::BodySink {
 public:
  explicit BlobSink(std::unique_ptr<BlobUpload> upload) : upload_(std::move(upload)) {}
  void write(std::string_view bytes) override {
    if (upload_ != nullptr) upload_->write(bytes);
  }
  BlobUpload* upload() { return upload_.get(); }

 private:
  const std::unique_ptr<BlobUpload> upload_;
};

std::string joined_texts(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : "\n\n") + text;
  return joined;
}

// What this server cannot make: refused, never ignored.
void refuse_parts(const JsonFields& fields) {
  constexpr std::pair<const char*, const char*> kAbsent[] = {
      {"adapters", "adapters are not supported in models yet"},
      {"draft_files", "draft models are not supported yet"},
      {"quantize", "quantizing is not supported yet; give a GGUF file that is quantized"},
      {"quantization", "quantizing is not supported yet; give a GGUF file that is quantized"},
      {"draft_quantize", "quantizing is not supported yet"},
      {"remote_host", "models of other hosts are not supported"},
      {"modelfile", "a Modelfile is read by the client; send from, parameters, system and so on"},
      {"path", "this server reads no paths; upload the file as a blob and send files"},
  };
  for (const auto& [name, reason] : kAbsent) {
    const Json* value = fields.find(name);
    const bool is_given = value != nullptr &&
                          !(value->is_string() && value->get<std::string>().empty()) &&
                          !(value->is_structured() && value->empty());
    if (is_given) fail(ErrorCode::unsupported, "{}: {}", name, reason);
  }
}

std::string blob_digest_of(const StoredModel& stored) {
  return std::filesystem::path(stored.model_path).filename().string().substr(7);
}

// From an uploaded GGUF file.
NewModel model_of_file(ServerState& state, const Json& files, StatusLines& lines) {
  if (files.size() != 1) {
    fail(ErrorCode::unsupported,
         "files must hold one GGUF file, got {} files; other formats are not converted",
         files.size());
  }
  const JsonFields fields(files, "files");
  const std::string file_name = files.begin().key();
  const std::string digest = parse_digest(fields.required_text(file_name));
  StoredModel stored = {.model_path = state.models.store().blob_path(digest)};
  if (!has_file(stored.model_path)) {
    fail(ErrorCode::not_found, "files.{}: there is no blob sha256:{}; upload it first", file_name,
         digest);
  }
  lines.status("parsing GGUF");
  NewModel model = {.model_digest = digest};
  try {
    const OpenedModel opened = open_model(stored);
    const ModelCard card = make_card(stored, *opened.file, *opened.chat_template);
    model.config = {{"model_family", card.details["family"]},
                    {"model_type", card.details["parameter_size"]},
                    {"file_type", card.details["quantization_level"]}};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_file && error.code() != ErrorCode::unsupported) throw;
    fail(ErrorCode::invalid_argument, "files.{} is no model for this server: {}", file_name,
         error.what());
  }
  return model;
}

// What the request says over what it starts from.
void apply_layers(const JsonFields& fields, NewModel& model, const std::string& name) {
  const std::string chat_template = fields.text("template").value_or("");
  if (!chat_template.empty()) {
    refuse_go_template(chat_template);
    try {
      ChatTemplate::from_source(chat_template, nullptr);
    } catch (const Error& error) {
      fail(ErrorCode::invalid_argument, "template: {}", error.what());
    }
    model.chat_template = chat_template;
  }
  if (const auto system = fields.text("system"); system && !system->empty()) model.system = *system;
  if (const Json* parameters = fields.object("parameters"))
    model.params.update(saved_params(JsonFields(*parameters, "parameters")));
  if (const Json* messages = fields.list("messages"); messages != nullptr && !messages->empty()) {
    model.messages = Json::array();
    for (const Message& message : parse_messages(*messages, name))
      model.messages.push_back({{"role", message.role}, {"content", message.content}});
  }
  const std::string license = joined_texts(fields.texts("license"));
  if (!license.empty()) model.license = license;
}

}  // namespace

void copy(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  const StoredModel source = state.models.find(fields.required_text("source"));
  const std::string destination = fields.required_text("destination");
  state.models.store().save(parse_model_name(destination), source, {});
  state.models.forget(state.models.find(destination).name);
  exchange->reply(200, {}, "");
}

void remove(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const Json body = parse_body(exchange->request().body);
  const std::string name = model_of(JsonFields(body));
  const StoredModel stored = find_in_store(state, name);
  state.models.store().remove(stored.name);
  state.models.forget(stored.name);
  exchange->reply(200, {}, "");
}

void create(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  const std::string name = model_of(fields);
  const ModelName new_name = parse_model_name(name);
  refuse_parts(fields);
  const std::string from = fields.text("from").value_or("");
  const Json* files = fields.object("files");
  const bool has_files = files != nullptr && !files->empty();
  if (from.empty() == !has_files)
    fail(ErrorCode::invalid_argument, "neither 'from' or 'files' was specified: give one of them");

  const bool takes_saved = fields.boolean("saved_messages").value_or(true);
  StatusLines lines(exchange, fields.boolean("stream").value_or(true));
  lines.run([&] {
    NewModel model;
    Store& store = state.models.store();
    if (has_files) {
      model = model_of_file(state, *files, lines);
    } else {
      StoredModel base = pull_with_lines(state, exchange, from, lines);
      if (base.digest.empty()) {  // a plain file becomes a blob
        store.save(new_name, base, {});
        base = store.find(new_name).value();
      }
      model = {.model_digest = blob_digest_of(base),
               .config = base.config,
               .chat_template = base.chat_template,
               .system = base.system,
               .params = base.params,
               .messages = base.messages,
               .license = base.license};
      model.config["parent_model"] = from;
    }
    if (!takes_saved) {
      model.system.reset();
      model.messages = Json::array();
    }
    apply_layers(fields, model, name);
    lines.status("using existing layer sha256:" + model.model_digest);
    lines.status("writing manifest");
    if (!store.put(new_name, model)) {
      fail(ErrorCode::not_found, "the blob sha256:{} was deleted meanwhile; upload it again",
           model.model_digest);
    }
    state.models.forget(state.models.find(name).name);
  });
}

void has_blob(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const std::string digest = parse_digest(exchange->request().path_parameter("digest"));
  const bool is_there = has_file(state.models.store().blob_path(digest));
  exchange->reply(is_there ? 200 : 404, {}, "");
}

std::shared_ptr<http::BodySink> open_blob(ServerState& state, const http::Request& request) {
  const std::string digest = parse_digest(request.path_parameter("digest"));
  const Store& store = state.models.store();
  if (has_file(store.blob_path(digest))) return std::make_shared<BlobSink>(nullptr);
  uint64_t size_bytes = 0;  // as far as the client says it
  const std::string_view length = request.headers.value("content-length");
  std::from_chars(length.data(), length.data() + length.size(), size_bytes);
  return std::make_shared<BlobSink>(std::make_unique<BlobUpload>(store, digest, size_bytes));
}

void put_blob(ServerState&, const std::shared_ptr<http::Exchange>& exchange) {
  auto& sink = dynamic_cast<BlobSink&>(*exchange->request().body_sink);
  const bool is_new = sink.upload() != nullptr;
  if (is_new) sink.upload()->finish();
  exchange->reply(is_new ? 201 : 200, {}, "");
}

}  // namespace sparrow::ollama
