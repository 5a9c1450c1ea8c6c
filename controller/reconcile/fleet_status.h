// What a fleet's status says.
#pragma once

#include "reconcile/device_reconciler.h"

namespace bco {

// What is wrong with the fleet, or with what could be written of it. True when it is news: of what
// passes by itself, such as a cloud that is away, the message may change with every attempt.
[[nodiscard]] bool setProblem(api::FleetStatus& status, const Error& error, std::int64_t generation,
                              TimePoint now);

// The counts by phase and the first failing devices.
void countDevices(const Context& context, const api::ObjectKey& fleet, api::FleetStatus& status);

// How far a renewal has come that the fleet's keys.renewAfter asks for.
[[nodiscard]] api::RenewalStatus countRenewal(const Context& context,
                                              const api::BalenaFleet& fleet);

}  // namespace bco
