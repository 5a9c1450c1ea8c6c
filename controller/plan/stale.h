// Registrations of ours whose devices are absent from balena's fleet, and what it takes to believe
// that: two complete snapshots of both sides, and time.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/time.h"
#include "crypto/keys.h"

namespace bco {

// Its device is not in the fleet that its mark names.
struct StaleRegistration {
  std::string uuid;
  crypto::Incarnation incarnation{};  // which of the registrations that this id has had
  // Absent since then, as far as anybody has recorded or seen it.
  std::optional<TimePoint> since = {};
  // There is an object to record it: if that says nothing, or a later time, whoever wrote so has
  // seen the device in the fleet since.
  bool hasRecord = false;

  friend bool operator==(const StaleRegistration&, const StaleRegistration&) = default;
};

// By which a pair of complete snapshots is known.
struct SnapshotTimes {
  TimePoint balena;
  TimePoint registry;
};

// How long who has been absent from one fleet. One thread at a time.
class AbsenceLog {
 public:
  // Takes note of all that one pair of snapshots shows absent. `absent` comes with what earlier
  // processes have recorded and goes with what counts: the same, or since this pair. What is not
  // in it is back, and its time begins anew when it leaves again; so it does when the record says
  // that another process, or a pass, has seen it back between two pairs of ours.
  //
  // Nobody was looking between two pairs that are more than `maxGap` apart, or whose clock went
  // back: all times begin anew. `before`: when any process took the last pair before this log's
  // first; nullopt: never.
  void note(std::vector<StaleRegistration>& absent, SnapshotTimes taken,
            std::optional<TimePoint> before, Duration maxGap);

  // Seen absent in two pairs that share no snapshot, and for `after`.
  [[nodiscard]] bool isDue(const StaleRegistration& registration, Duration after,
                           TimePoint now) const;
  // It may have been absent for longer than it counts as: it was missing when this log began, or
  // in the pair before, and nobody has recorded since when.
  [[nodiscard]] bool isUndated(const StaleRegistration& registration) const;

 private:
  struct Absence {
    crypto::Incarnation incarnation{};
    TimePoint since;
    int pairs = 0;
    bool isUndated = false;
    bool isRecorded = false;  // somebody has recorded this absence, whatever the record says now
  };
  std::map<std::string, Absence> absences_;  // by UUID
  std::optional<TimePoint> seen_;            // balena's side of the last pair
  // The last pair that shares nothing with the one counted before it.
  std::optional<SnapshotTimes> counted_;
};

// Names exactly these registrations, in any order: 16 hex digits; empty for none. A registration
// that was made anew for the same device is another one, so no hash is ever of use twice.
[[nodiscard]] std::string hashOf(std::span<const StaleRegistration> set);

}  // namespace bco
