// What becomes of a request once its head is known, before any of its body is read: a row that will
// handle it, or an answer at once.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "server/http/access_control.h"
#include "server/http/request.h"
#include "server/http/request_head.h"
#include "server/http/router.h"

namespace sparrow::http {

struct Peer {
  std::string host;  // without the port, for counting
  std::string name;  // "127.0.0.1:52114", "unix"
  bool is_loopback = false;
  bool is_encrypted = false;
};

struct Admission {
  Request request;                     // without its body
  std::shared_ptr<const Route> route;  // never null: where none fits, one that only shapes errors
  bool has_route = false;
  Headers response_headers;        // for whatever is answered
  std::optional<Failure> failure;  // this is the answer
  bool is_options = false;         // the answer is 204 with response_headers
};

// `head` is used up.
Admission admit(RequestHead& head, const Peer& peer, const std::shared_ptr<const Router>& router,
                AccessControl& access);

// For a head that could not be read.
Admission refuse(const Failure& failure, const Peer& peer);

}  // namespace sparrow::http
