// Registrations change their owner: of an installation that is gone, or was given another owner id.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "reconcile/fleet_source.h"

namespace bco {

struct HandoverOptions {
  std::string from;     // the owner id that the registrations carry
  bool dryRun = false;  // nothing is written
  int workers = 16;
};

// What became of one registration of the former owner.
struct HandoverResult {
  enum class Outcome { kHandedOver, kLeft, kFailed } outcome = Outcome::kLeft;
  std::string registration;  // its id
  std::string message;       // why it was left, or could not be handed over
};

// Every registration that carries `from` in its mark and belongs to a fleet of ours gets the owner
// id of our ClearBladeRegistry, by a PATCH of its metadata alone: keys, credentials and every other
// pair stay. In order of id. An error: a registry or fleet can't be read, and nothing was written.
// What is in the way of one registration stops no other. Blocks on the clouds.
[[nodiscard]] Result<std::vector<HandoverResult>> handOver(const Context& context,
                                                           RegistrySources& registries,
                                                           FleetSources& fleets,
                                                           const HandoverOptions& options,
                                                           const std::stop_token& stop);

}  // namespace bco
