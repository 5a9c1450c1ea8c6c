// Our mark in a registration's metadata: whose it is, for which fleet, and which of its credentials
// are which generation of our key.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "clearblade/api.h"
#include "core/time.h"
#include "crypto/keys.h"

namespace bco {

inline constexpr std::string_view kManagerName = "balena-clearblade-operator";

// Of a fingerprint, so many hex digits stand in the mark.
inline constexpr std::size_t kShortFingerprint = 16;

// One key of ours, as listed in the mark.
struct MarkedKey {
  std::string shortFingerprint;  // the first kShortFingerprint hex digits of SHA-256 of the SPKI
  std::uint32_t generation = 0;
  TimePoint issuedAt;

  friend bool operator==(const MarkedKey&, const MarkedKey&) = default;
};

struct Mark {
  std::string owner;
  std::int64_t fleetId = 0;
  crypto::Incarnation incarnation{};
  std::vector<MarkedKey> keys;
  // Written while the device held a key that is no credential: whether the right one has been
  // delivered since, only a look at the stored key can tell. A sweep does not have that look.
  bool needsVerification = false;

  // The highest generation; nullptr when none is listed.
  [[nodiscard]] const MarkedKey* newest() const;
  // The key of this fingerprint, be it whole (64 hex digits) or short; nullptr: none.
  [[nodiscard]] const MarkedKey* find(std::string_view fingerprint) const;

  friend bool operator==(const Mark&, const Mark&) = default;
};

// What the metadata says of its owner. A mark of ours that somebody edited into nonsense is neither
// absent nor to be trusted: it is broken, and the registration is left alone.
enum class MarkState { kAbsent, kValid, kBroken };
struct ReadMark {
  MarkState state = MarkState::kAbsent;
  Mark mark;
};

// The pairs `bco-manager`, `bco-owner`, `bco-fleet`, `bco-incarnation` (32 hex digits), `bco-keys`
// (`<16 hex>=<generation>@<RFC 3339>` joined by ';'), and `bco-verify` ("true") where that is so.
// Keys of metadata may not contain '/'.
[[nodiscard]] ReadMark readMark(const clearblade::Metadata& metadata);
// `metadata` with our pairs set and every other pair as it was.
[[nodiscard]] clearblade::Metadata withMark(clearblade::Metadata metadata, const Mark& mark);

// The mark with which owner `to` takes a registration over from owner `from`: nullopt when it is
// not `from`'s, or of none of these fleets.
[[nodiscard]] std::optional<Mark> handedOver(const ReadMark& read, const std::string& from,
                                             const std::string& to,
                                             const std::set<std::int64_t>& fleetIds);

[[nodiscard]] std::string shortFingerprint(std::string_view fingerprint);
[[nodiscard]] std::string shortFingerprint(const crypto::PublicKey& key);

}  // namespace bco
