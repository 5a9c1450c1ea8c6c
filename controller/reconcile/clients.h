// How the engine comes by its clients of the two clouds: over HTTP in the program, in memory in
// simulations.
#pragma once

#include <memory>
#include <optional>

#include "api/fleet.h"
#include "api/object.h"
#include "api/registry.h"
#include "balena/api.h"
#include "clearblade/api.h"
#include "core/result.h"
#include "core/secret.h"

namespace bco {

class CloudFactory {
 public:
  virtual ~CloudFactory() = default;

  // kInvalid: the URL, token, service account or CA bundle can't be used, and why. Thread-safe.
  [[nodiscard]] virtual Result<std::shared_ptr<balena::BalenaApi>> connectBalena(
      const api::BalenaFleet& fleet, SharedSecret token,
      const std::optional<std::string>& caPem) = 0;
  [[nodiscard]] virtual Result<std::shared_ptr<clearblade::RegistryApi>> connectRegistry(
      const api::ClearBladeRegistry& registry, SharedSecret serviceAccount,
      const std::optional<std::string>& caPem) = 0;

  // What an object's callBudget allows and is not used, because another object with the same
  // account allows less: "requestsPerSecond 5, not 20"; empty: nothing. Thread-safe.
  [[nodiscard]] virtual std::string smallerBudget(api::ObjectKind, const api::ObjectKey&) const {
    return {};
  }

  // Ends every call that is in flight, and whatever comes later, with kUnavailable. Thread-safe.
  virtual void close() {}
};

}  // namespace bco
