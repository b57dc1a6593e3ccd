// A model hub for tests: answers as Hugging Face does for one file, whose content server misbehaves
// as the test says.
#pragma once

#include <functional>
#include <string>

#include "base/hash.h"
#include "store/catalog.h"
#include "tests/support/http_server.h"

namespace sparrow {

class HubServer {
 public:
  using Answer = std::function<void(const ServerRequest&, ServerConnection&, size_t attempt)>;

  static constexpr const char* kContentPath = "/content";

  // `content` answers the GETs of the file itself; `attempt` counts them from 0.
  HubServer(std::string body, Answer content)
      : body_(std::move(body)),
        sha256_(sha256_hex(body_)),
        content_(std::move(content)),
        server_([this](const ServerRequest& request, ServerConnection& connection) {
          answer(request, connection);
        }) {}

  // As an honest server: whole, or the rest from a range on while the ETag fits.
  void serve(const ServerRequest& request, ServerConnection& connection,
             const std::string& etag = "\"v1\"", uint64_t cut_after = UINT64_MAX) const {
    uint64_t start = request.range_start();
    const std::string if_range = request.header("if-range");
    if (!if_range.empty() && if_range != etag) start = 0;
    const std::string_view rest = std::string_view(body_).substr(start);
    std::vector<std::string> headers = {"ETag: " + etag,
                                        "Content-Length: " + std::to_string(rest.size())};
    const bool is_part = start > 0;
    if (is_part) {
      headers.push_back("Content-Range: bytes " + std::to_string(start) + "-" +
                        std::to_string(body_.size() - 1) + "/" + std::to_string(body_.size()));
    }
    connection.respond(is_part ? 206 : 200, headers, rest.substr(0, cut_after));
  }

  CatalogEntry entry() const {
    CatalogEntry entry;
    entry.name = "test:tiny";
    entry.title = "Test";
    entry.license = "apache-2.0";
    entry.architecture = "llama";
    entry.parameters = "1K";
    entry.quantization = "F32";
    entry.size_bytes = body_.size();
    entry.sha256 = sha256_;
    entry.sampling = Json{{"temperature", 0.5}};
    entry.sources.push_back({SourceKind::hugging_face, "me/repo", "model.gguf", {}, {}, {}});
    return entry;
  }

  const std::string& body() const { return body_; }
  const std::string& sha256() const { return sha256_; }
  std::string url() const { return server_.url(); }
  std::vector<ServerRequest> requests() const { return server_.requests(); }

  std::vector<ServerRequest> content_requests() const {
    std::vector<ServerRequest> found;
    for (const ServerRequest& request : server_.requests()) {
      if (request.target == kContentPath) found.push_back(request);
    }
    return found;
  }

 private:
  void answer(const ServerRequest& request, ServerConnection& connection) {
    if (request.target == kContentPath) {
      content_(request, connection, attempts_++);
    } else if (request.target.ends_with(".gguf")) {  // of any repository
      connection.respond(302, {"Location: " + std::string(kContentPath),
                               "X-Linked-Size: " + std::to_string(body_.size()),
                               "X-Linked-ETag: \"" + sha256_ + "\""});
    } else {
      connection.respond(404, {});
    }
  }

  const std::string body_;
  const std::string sha256_;
  Answer content_;
  std::atomic<size_t> attempts_ = 0;
  HttpServer server_;
};

}  // namespace sparrow
