// The routes beside the resources: who am I, log in, keys, target state, supervisor proxy.
#pragma once

#include <string_view>

#include "sandbox/balena_access.h"

namespace bco::sandbox {

class BalenaAccount {
 public:
  BalenaAccount(BalenaStore& store, BalenaAccess& access, const BalenaHooks& hooks)
      : store_(store), access_(access), hooks_(hooks) {}

  // `path` without the query; 404 for what is no route.
  [[nodiscard]] server::Reply handle(const server::Request& request, const Principal& principal,
                                     std::string_view path);

 private:
  [[nodiscard]] server::Reply whoAmI(const server::Request& request, const Principal& principal,
                                     bool actor) const;
  [[nodiscard]] server::Reply logIn(const server::Request& request);
  [[nodiscard]] server::Reply createKey(const server::Request& request, const Principal& principal);
  [[nodiscard]] server::Reply state(const server::Request& request, const Principal& principal,
                                    std::string_view uuid);
  [[nodiscard]] server::Reply proxy(const server::Request& request, const Principal& principal,
                                    std::string_view path) const;

  BalenaStore& store_;
  BalenaAccess& access_;
  const BalenaHooks& hooks_;
};

}  // namespace bco::sandbox
