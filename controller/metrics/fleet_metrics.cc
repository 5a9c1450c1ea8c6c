#include "metrics/fleet_metrics.h"

#include <algorithm>
#include <array>

namespace bco::metrics {
namespace {

using telemetry::Families;
using telemetry::seconds;
using telemetry::unixSeconds;

constexpr std::array<Duration, 3> kWindows = {std::chrono::hours(24), std::chrono::hours(24 * 7),
                                              std::chrono::hours(24 * 30)};
constexpr std::array<std::string_view, 3> kWindowNames = {"1d", "7d", "30d"};

// The later of two times, either of which may be missing.
std::optional<TimePoint> laterOf(std::optional<TimePoint> a, std::optional<TimePoint> b) {
  return std::max(a, b);
}

void addTally(Families& families, const std::map<api::ObjectKey, FleetNumbers>& all) {
  const auto devices = families.gauge("balena_clearblade_devices", "Devices by fleet and state.");
  const auto first =
      families.gauge("balena_clearblade_credentials_first_expiry_timestamp_seconds",
                     "When the first of the keys that the fleet's devices use ends, in Unix time.");
  const auto expiring = families.gauge(
      "balena_clearblade_credentials_expiring",
      "Keys in use that end within this time from now; those that have ended included.");
  const auto due = families.gauge("balena_clearblade_rotations_due",
                                  "Devices whose key is due to be rotated and has not been yet.");
  const auto tooLate = families.gauge("balena_clearblade_credentials_expiring_before_rotation",
                                      "Devices whose key threatens to end before it is rotated.");
  for (const auto& [key, numbers] : all) {
    const std::string fleet = toString(key);
    for (std::size_t phase = 0; phase < kPhases; ++phase) {
      devices.add({{"fleet", fleet}, {"state", nameOf(static_cast<api::Phase>(phase))}},
                  numbers.byPhase[phase]);
    }
    if (numbers.firstExpiry) first.add({{"fleet", fleet}}, unixSeconds(*numbers.firstExpiry));
    for (std::size_t i = 0; i < kWindows.size(); ++i) {
      expiring.add({{"fleet", fleet}, {"within", kWindowNames[i]}},
                   i < numbers.expiring.size() ? numbers.expiring[i] : 0);
    }
    due.add({{"fleet", fleet}}, numbers.rotationsDue);
    tooLate.add({{"fleet", fleet}}, numbers.endingUnrotated);
  }
}

void addSnapshots(Families& families, const store::ObjectList<api::BalenaFleet>& fleets,
                  const Activity& activity, TimePoint now) {
  const auto age = families.gauge("balena_clearblade_snapshot_age_seconds",
                                  "Time since the last complete list of this side was begun.");
  for (const auto& fleet : fleets) {
    const std::string name = toString(fleet->meta.key);
    const auto own = activity.snapshotsOf(fleet->meta.key);
    // What an earlier process has taken is in the status; which does not follow every sweep.
    const auto balena =
        laterOf(fleet->status.lastBalenaSync, own ? std::optional(own->balena) : std::nullopt);
    const auto registry =
        laterOf(fleet->status.lastRegistrySync, own ? std::optional(own->registry) : std::nullopt);
    if (balena) age.add({{"fleet", name}, {"side", "balena"}}, seconds(now - *balena));
    if (registry) age.add({{"fleet", name}, {"side", "registry"}}, seconds(now - *registry));
  }
}

// In the hours that began within the last day.
int removedWithinADay(const api::RemovalStatus& removal, TimePoint now) {
  int removed = 0;
  for (const api::RemovalHour& each : removal.recent) {
    if (each.hour > now - std::chrono::hours(24)) removed += each.count;
  }
  return removed;
}

void addFleetObjects(Families& families, const store::ObjectList<api::BalenaFleet>& fleets,
                     TimePoint now) {
  const auto ready = families.gauge("balena_clearblade_fleet_ready",
                                    "1 if the fleet's last sweep succeeded, 0 with the reason if "
                                    "not; no series before the first.");
  const auto suspended =
      families.gauge("balena_clearblade_fleet_suspended", "1 if the fleet is suspended.");
  const auto interval =
      families.gauge("balena_clearblade_fleet_sync_interval_seconds", "The fleet's syncInterval.");
  const auto rotateBefore =
      families.gauge("balena_clearblade_fleet_rotate_before_seconds",
                     "The fleet's keys.rotateBefore: how long before its end a key is rotated.");
  const auto stale = families.gauge("balena_clearblade_stale_registrations",
                                    "Registrations whose device has left the fleet.");
  const auto halted = families.gauge("balena_clearblade_removal_halted",
                                     "1 if the brake holds the removal of stale registrations.");
  const auto candidates = families.gauge("balena_clearblade_removal_candidates",
                                         "Stale registrations that are due to be removed.");
  const auto removed = families.gauge("balena_clearblade_removals_within_day",
                                      "Removals of the last 24 hours that the brake counts.");
  for (const auto& fleet : fleets) {
    const std::string name = toString(fleet->meta.key);
    const api::FleetStatus& status = fleet->status;
    if (const api::Condition* condition = findCondition(status.conditions, "Ready")) {
      ready.add({{"fleet", name}, {"reason", condition->reason}}, condition->status ? 1 : 0);
    }
    suspended.add({{"fleet", name}}, fleet->spec.suspend ? 1 : 0);
    interval.add({{"fleet", name}}, seconds(fleet->spec.syncInterval));
    rotateBefore.add({{"fleet", name}}, seconds(fleet->spec.keys.rotateBefore));
    stale.add({{"fleet", name}}, status.devices.stale);
    halted.add({{"fleet", name}}, status.removal.halted ? 1 : 0);
    candidates.add({{"fleet", name}}, status.removal.candidates);
    removed.add({{"fleet", name}}, removedWithinADay(status.removal, now));
  }
}

void addTokens(Families& families, const store::ObjectList<api::BalenaFleet>& fleets,
               const FleetViews& views) {
  const auto expiry =
      families.gauge("balena_clearblade_balena_token_expiry_timestamp_seconds",
                     "When balena stops accepting the fleet's token, in Unix time; no series if "
                     "it never does or does not say.");
  for (const auto& fleet : fleets) {
    const auto view = views.get(fleet->meta.key);
    if (!view) continue;
    const auto end = (*view)->balena->tokenExpiry();
    if (end) expiry.add({{"fleet", toString(fleet->meta.key)}}, unixSeconds(*end));
  }
}

void addRegistries(Families& families, const Context& context) {
  const auto registrations = families.gauge("balena_clearblade_registrations",
                                            "Registrations in the registry, by whose they are.");
  for (const auto& registry : context.store.registries().list()) {
    const std::string name = toString(registry->meta.key);
    registrations.add({{"registry", name}, {"owner", "ours"}}, registry->status.owned)
        .add({{"registry", name}, {"owner", "others"}}, registry->status.foreign);
  }
}

}  // namespace

void addFleets(Families& families, const Context& context, Activity& activity) {
  const TimePoint now = context.clock.now();
  const auto fleets = context.store.fleets().list();
  auto numbers = context.tally.numbers(now, kWindows);
  std::set<api::ObjectKey> keys;
  for (const auto& fleet : fleets) {
    keys.insert(fleet->meta.key);
    numbers.try_emplace(fleet->meta.key);
  }
  addTally(families, numbers);
  addFleetObjects(families, fleets, now);
  addSnapshots(families, fleets, activity, now);
  addTokens(families, fleets, context.views);
  addRegistries(families, context);
  activity.addTo(families, keys);
}

void addDevices(Families& families, store::ObjectStore& store) {
  const auto ready = families.gauge("balena_clearblade_device_ready",
                                    "1 if the device is as it is desired to be.");
  const auto expiry = families.gauge("balena_clearblade_device_credential_expiry_timestamp_seconds",
                                     "When the key that the device uses ends, in Unix time.");
  for (const auto& device : store.devices().list()) {
    const std::string fleet = toString(device->fleetKey());
    const std::string& uuid = device->spec.uuid;
    const api::Phase phase = device->status.phase;
    const bool isReady = phase == api::Phase::kReady || phase == api::Phase::kAbsent;
    ready.add({{"fleet", fleet}, {"uuid", uuid}}, isReady ? 1 : 0);
    const api::KeyStatus* const key = device->status.keyInUse();
    if (key != nullptr && key->expiresAt) {
      expiry.add({{"fleet", fleet}, {"uuid", uuid}}, unixSeconds(*key->expiresAt));
    }
  }
}

}  // namespace bco::metrics
