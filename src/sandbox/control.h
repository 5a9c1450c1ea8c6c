// The control API under /_sandbox/: what tests and demos do behind the clients' backs, and what
// they look at. docs/sandbox.md lists the routes.
#pragma once

#include <memory>

#include "server/http_server.h"

namespace bco::sandbox {

class Sandbox;

// Thread-safe; call it without the world's mutex.
class Control {
 public:
  explicit Control(Sandbox& sandbox);
  ~Control();

  [[nodiscard]] server::Reply handle(const server::Request& request);

 private:
  class Router;
  Sandbox& sandbox_;
  std::unique_ptr<Router> router_;
};

}  // namespace bco::sandbox
