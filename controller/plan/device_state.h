// The two things plan() compares: what is desired of a device, and what was observed of it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/device.h"
#include "api/fleet.h"
#include "balena/api.h"
#include "clearblade/api.h"
#include "plan/maintenance.h"
#include "plan/mark.h"

namespace bco {

// When the status says that a key will be replaced. What is spread over time from the moment on
// when it is first seen keeps to what was said then.
struct RotationPromise {
  std::uint32_t generation = 0;
  TimePoint at;
};

struct DesiredDevice {
  std::string uuid;
  bool present = true;  // false: to be deprovisioned
  bool suspended = false;
  bool duplicate = false;  // several objects declare this device
  // Its `Absent` was withdrawn a moment ago: a late request of the removal may still land.
  bool returning = false;

  std::int64_t fleetId = 0;
  std::set<std::int64_t> managedFleets;  // ids of all fleets of ours, this one included
  std::optional<std::string> service;    // nullopt: variables go on the device

  std::string project;
  std::string registryPath;  // "projects/…/registries/…"
  std::string ownerId;
  api::KeyPolicy keys;
  std::vector<Window> windows;   // keys.windows; empty: any time will do
  bool renewsWithFleet = false;  // keys.renewAfter is the fleet's: its pace counts
  std::optional<RotationPromise> promised;
  api::Adoption adoption = api::Adoption::kIfKeyMatches;
};

// What one level (the device, or a service on it) holds of our variables.
struct ObservedLevel {
  balena::VariableParent parent;
  std::map<std::string, std::string, std::less<>> publicVariables;
  bool hasKey = false;
  // Of the stored key, 64 hex digits; nullopt when there is none or it isn't a key.
  std::optional<std::string> keyFingerprint;
  std::string service = {};  // its name; empty: the device itself
};

struct ObservedDevice {
  // nullopt: balena has no such device, or none that the token can see.
  struct InBalena {
    std::int64_t id = 0;
    std::int64_t fleetId = 0;
    std::string name;
    bool isOnline = false;
    std::optional<TimePoint> lastConnectivityEvent;  // it came online, or went, at that time
    // The level the variables belong to; nullopt when the service is not installed yet.
    std::optional<ObservedLevel> target;
    std::vector<ObservedLevel> others;
  };
  std::optional<InBalena> device;

  // nullopt: none, as read in this pass or, if `registrationPresumedAbsent`, as the last snapshot
  // had it; then only its creation may follow, which is its own check.
  std::optional<clearblade::Registration> registration;
  bool registrationPresumedAbsent = false;
  // Fingerprint of each of the registration's credentials; "" for what isn't a P-256 key.
  std::vector<std::string> credentialFingerprints;
  ReadMark mark;
  // The newest key listed in the mark is the one our seed gives.
  bool newestIsDerivable = false;
  // The registry's clock less ours.
  Duration clockSkew{0};
};

}  // namespace bco
