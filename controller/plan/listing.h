// What a sweep keeps of a listed device and of a listed registration: what it judges them by, which
// is a tenth of the whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/fleet.h"
#include "balena/api.h"
#include "clearblade/api.h"
#include "crypto/keys.h"

namespace bco {

struct ListedDevice {
  std::string uuid;
  std::string name;
  bool isSelected = false;    // by the fleet's selector
  bool namesOurPath = false;  // GCP_CLIENT_PATH leads to the device's own registration with us
  bool hasStrayKey = false;   // some key, and no GCP_CLIENT_PATH that says whose
  bool isComplete = false;    // our path, the two other public variables as desired, and some key
};

// The newest key that the mark lists and that is a credential.
struct ListedKey {
  std::uint32_t generation = 0;
  TimePoint issuedAt;
  std::optional<TimePoint> expiresAt;  // of the credential

  friend bool operator==(const ListedKey&, const ListedKey&) = default;
};

struct ListedRegistration {
  bool isOurs = false;                // by a valid mark with our owner id
  bool needsVerification = false;     // says its mark
  bool isBlocked = false;             // a person has done so
  std::int64_t fleetId = 0;           // in its mark
  crypto::Incarnation incarnation{};  // in its mark: another one for each registration of an id
  std::optional<ListedKey> newest;
  // The earliest issue of its credentials and of the newest key that the mark lists; the earliest
  // of all times where the mark does not list a credential.
  TimePoint oldestIssue = TimePoint::max();
  // Of what is not ours: whether it is still what a pass has looked at.
  std::uint64_t digest = 0;
};

// Pure. `registryPath`: "projects/…/registries/…", of the registry that the fleet's devices go to.
[[nodiscard]] ListedDevice summarize(const balena::FleetDevice& row, const api::Selector& selector,
                                     const std::string& project, const std::string& registryPath);
[[nodiscard]] ListedRegistration summarize(const clearblade::Registration& registration,
                                           const std::string& ownerId);

}  // namespace bco
