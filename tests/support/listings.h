// Whole listings, for tests that look at them.
#pragma once

#include <vector>

#include "balena/api.h"
#include "clearblade/api.h"

namespace bco::test {

struct FleetListing {
  std::vector<balena::FleetDevice> devices;
  TimePoint takenAt;
};

[[nodiscard]] inline Result<FleetListing> listFleet(balena::BalenaApi& api, std::int64_t fleetId,
                                                    const balena::VariableLevel& level = {},
                                                    bool withTags = true) {
  struct Collector final : balena::FleetVisitor {
    void restart() override { listing.devices.clear(); }
    void visit(const balena::FleetDevice& device) override { listing.devices.push_back(device); }
    FleetListing listing;
  } collector;
  const auto takenAt = api.listFleet(fleetId, level, withTags, collector);
  if (!takenAt) return fail(takenAt.error());
  collector.listing.takenAt = *takenAt;
  return std::move(collector.listing);
}

struct RegistryListing {
  std::vector<clearblade::Registration> registrations;
  TimePoint takenAt;
};

[[nodiscard]] inline Result<RegistryListing> listRegistrations(clearblade::RegistryApi& api) {
  RegistryListing listing;
  const auto takenAt = api.listRegistrations([&](const clearblade::Registration& registration) {
    listing.registrations.push_back(registration);
  });
  if (!takenAt) return fail(takenAt.error());
  listing.takenAt = *takenAt;
  return listing;
}

}  // namespace bco::test
