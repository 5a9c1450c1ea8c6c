// What a sandbox starts with: fleets, devices, tokens, service accounts, registries.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "sandbox/sandbox.h"

namespace bco::sandbox {

struct FleetPlan {
  FleetSpec spec;
  std::size_t devices = 0;              // with UUIDs made up by the sandbox
  std::vector<std::string> uuids = {};  // and these
};

struct RegistryPlan {
  std::string project;
  std::string region;
  std::string id;
};

struct WorldPlan {
  std::vector<FleetPlan> fleets;
  std::vector<TokenSpec> tokens;
  std::vector<ServiceAccount> serviceAccounts;
  std::vector<RegistryPlan> registries;
};

// Fleet acme/sensors (service relay) with `devices` devices, fleet acme/gateways (service main)
// without; a token for both; project my-project with registry devices in us-central1.
[[nodiscard]] WorldPlan defaultWorld(std::size_t devices);
// Reads --world's JSON; docs/sandbox.md has its form. kInvalid: what is wrong, and in which entry.
[[nodiscard]] Result<WorldPlan> parseWorld(std::string_view json);

// What a plan came to: what was generated for it.
struct BuiltWorld {
  std::vector<std::string> tokens;
  std::vector<ServiceAccount> serviceAccounts;
};
// With the mutex held. kAlreadyExists, kNotFound: the plan contradicts itself.
[[nodiscard]] Result<BuiltWorld> build(Sandbox& sandbox, const WorldPlan& plan);

}  // namespace bco::sandbox
