// What a fleet's status says.
#pragma once

#include "reconcile/device_reconciler.h"

namespace bco {

// What is wrong with the fleet, or with what could be written of it. True when it is news: of what
// passes by itself, such as a cloud that is away, the message may change with every attempt.
[[nodiscard]] bool setProblem(api::FleetStatus& status, const Error& error, std::int64_t generation,
                              TimePoint now);

// A condition that is there while it is true, and its reason.
inline constexpr std::string_view kTokenExpiresSoon = "TokenExpiresSoon";
// As the alert BalenaClearBladeTokenExpires.
inline constexpr Duration kTokenNotice = std::chrono::hours(7 * 24);

// Whether the fleet's balena token, which ends at `expiry` (nullopt: never, or unknown), is to be
// replaced soon. True when it has become so.
[[nodiscard]] bool setTokenExpiry(api::FleetStatus& status, const api::BalenaFleet& fleet,
                                  std::optional<TimePoint> expiry, TimePoint now);

// The counts by phase and the first failing devices.
void countDevices(const Context& context, const api::ObjectKey& fleet, api::FleetStatus& status);

// How far a renewal has come that the fleet's keys.renewAfter asks for.
[[nodiscard]] api::RenewalStatus countRenewal(const Context& context,
                                              const api::BalenaFleet& fleet);

}  // namespace bco
