// When keys expire and are due, and which credentials give way to a new one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/fleet.h"
#include "clearblade/api.h"
#include "plan/device_state.h"
#include "plan/listing.h"

namespace bco {

// Beyond this difference between our clock and the cloud's nothing expires.
inline constexpr Duration kMaxClockSkew = std::chrono::minutes(10);
// No second generation within this time of the last one.
inline constexpr Duration kGenerationInterval = std::chrono::hours(1);
// A late request of a writer that has gone may land for this long, and a little more.
inline constexpr Duration kLateWriteHorizon = std::chrono::minutes(65);

// What the rules of a key's life allow for requests and clocks. Of keys that live less than an
// hour, as they may where both clouds are on loopback, the same parts of a lifetime as these are of
// a day.
struct KeyTimes {
  Duration expiryMargin = kMaxClockSkew;
  Duration generationInterval = kGenerationInterval;
  Duration young = std::chrono::minutes(10);  // its request may still be on its way
  Duration firstCheck = std::chrono::minutes(5);
  Duration lateWriteHorizon = kLateWriteHorizon;

  [[nodiscard]] static KeyTimes of(Duration lifetime);
};

// Expired by our clock and the cloud's, less `margin`; never when they differ by more than
// kMaxClockSkew, nor without an expiry.
[[nodiscard]] bool isExpired(const std::optional<TimePoint>& expiresAt, TimePoint now,
                             Duration skew, Duration margin = kMaxClockSkew);

// The two clocks differ by more than kMaxClockSkew: no expiry can be judged, or given to a new key.
[[nodiscard]] bool isSkewed(Duration skew);
// By one of the two clocks it has expired, and they are too far apart to tell.
[[nodiscard]] bool mayHaveExpired(const std::optional<TimePoint>& expiresAt, TimePoint now,
                                  Duration skew);

// lifetime − rotateBefore after the issue, spread by ±10 % of rotateBefore by hash of the UUID. In
// whole seconds, as statuses have it.
[[nodiscard]] TimePoint rotateAt(TimePoint issuedAt, const api::KeyPolicy& policy,
                                 const std::string& uuid);

// `interval` spread by ±10 % by hash of the UUID.
[[nodiscard]] Duration spread(Duration interval, const std::string& uuid);

// In [0, 1) by hash of the text, the same in every process.
[[nodiscard]] double hashFraction(const std::string& text);
[[nodiscard]] Duration scale(Duration duration, double factor);

// The issue time an adopted key is given: so long before now that its rotation comes at some time,
// by hash of the UUID, of the part of a lifetime after which keys are rotated. A fleet's first
// rotations then don't come all at once, and none comes with the adoption.
[[nodiscard]] TimePoint adoptedIssueTime(TimePoint now, const api::KeyPolicy& policy,
                                         const std::string& uuid);
// The first 128 bits of SHA-256("bco/adopt" ‖ uuid ‖ numId): two adopters agree on it.
[[nodiscard]] crypto::Incarnation adoptedIncarnation(const std::string& uuid,
                                                     const std::string& numId);

struct KeptCredentials {
  std::vector<clearblade::Credential> credentials;
  std::vector<MarkedKey> keys;  // of the mark, for those that stay
};
// All that is unexpired.
[[nodiscard]] KeptCredentials keepUnexpired(const ObservedDevice& observed, TimePoint now,
                                            const KeyTimes& times = {});
// What stays when one more is to be added: all that is unexpired; if that leaves no room, the
// oldest that is neither stored nor younger than 10 minutes goes. nullopt when none may go.
[[nodiscard]] std::optional<KeptCredentials> makeRoom(const ObservedDevice& observed,
                                                      const std::string& storedFingerprint,
                                                      TimePoint now, const KeyTimes& times = {});

}  // namespace bco
