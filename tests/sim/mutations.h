// Seeded defects, each at a seam of the program: what the simulation must be able to find.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "plan/plan.h"
#include "telemetry/log.h"
#include "tests/sim/parts.h"

namespace bco::sim {

// What a defect knows of the process it is in.
struct Mutant {
  Parts& parts;
  Dice& dice;
  telemetry::Logger& log;
  // For defects that remember: something a device, or registration, has to do with.
  std::map<std::string, std::string> seen = {};
};

struct Mutation {
  using Balena = std::shared_ptr<balena::BalenaApi>;
  using Registry = std::shared_ptr<clearblade::RegistryApi>;

  std::string name;
  std::string what;
  // The planner, instead of plan().
  std::function<Plan(Mutant&, DesiredDevice, ObservedDevice, TimePoint)> plan = {};
  // The clients, around the right ones.
  std::function<Balena(Mutant&, Balena)> balena = {};
  std::function<Registry(Mutant&, Registry)> registry = {};
  // What is read of a fleet's object, and of a device's.
  std::function<void(api::FleetSpec&)> fleet = {};
  std::function<void(api::BalenaDevice&)> device = {};
  // Makes keys, instead of deriving them.
  std::function<Result<crypto::PrivateKey>(Mutant&, const SecretBytes& seed, std::string_view uuid,
                                           const crypto::Incarnation&, std::uint32_t)>
      key = {};
  bool ignoresLease = false;
  // How the promises begin that it is meant to break: breaking another doesn't count as found.
  std::vector<std::string> breaks = {};
  // Of a world that shows it, where to look first; 0: none is known.
  std::uint64_t seed = 0;
};

[[nodiscard]] std::span<const Mutation> mutations();
// nullptr: none of that name.
[[nodiscard]] const Mutation* findMutation(const std::string& name);

// By what they break.
[[nodiscard]] std::vector<Mutation> planMutations();
[[nodiscard]] std::vector<Mutation> clientMutations();
[[nodiscard]] std::vector<Mutation> otherMutations();

}  // namespace bco::sim
