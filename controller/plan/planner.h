// What the parts of plan() share: the facts of one planning, derived once, and the steps they are
// made of. Internal to this library.
#pragma once

#include <string>

#include "plan/key_schedule.h"
#include "plan/plan.h"

namespace bco {

// Of a device that is there, in the right fleet, with a level to write to, whose registration is
// ours, unmarked or absent. Refers to what it was made from.
class Planner {
 public:
  Planner(const DesiredDevice& desiredDevice, const ObservedDevice& observedDevice, TimePoint at);

  const DesiredDevice& desired;
  const ObservedDevice& observed;
  const ObservedLevel& target;
  const Mark& mark;
  const TimePoint now;
  const TimePoint stamp;  // of what is issued now: in whole seconds, as a mark holds them
  const KeyTimes times;

  // ── facts
  // The listed key that is stored; nullptr when it is none of them.
  [[nodiscard]] const MarkedKey* stored() const;
  // The credential of this full or short fingerprint; nullptr when it is not registered.
  [[nodiscard]] const clearblade::Credential* credentialOf(const std::string& fingerprint) const;
  [[nodiscard]] bool isExpired(const std::optional<TimePoint>& expiresAt) const;
  [[nodiscard]] bool isYoung(const MarkedKey& key) const;  // too young for a successor
  // Rotation of the newest key is due, or falls due within an hour.
  [[nodiscard]] bool isAboutToRotate() const;
  [[nodiscard]] NewKey nextKey() const;
  [[nodiscard]] TimePoint verifyAt() const;
  [[nodiscard]] Mark ownMark() const;

  // ── plans
  [[nodiscard]] Plan inSync() const;
  [[nodiscard]] Plan act(Reason reason, std::string message) const;
  [[nodiscard]] Plan slotsFull() const;
  [[nodiscard]] Plan waitForClocks(const std::string& what) const;

  // ── steps
  // Metadata alone.
  void patchMark(Plan& plan, const Mark& newMark) const;
  // `kept` and, if given, `key` are what is registered from then on.
  void patchCredentials(Plan& plan, Mark newMark, KeptCredentials kept,
                        std::optional<NewKey> key) const;
  // Adds `key` to what is unexpired. False when there is no room for it.
  [[nodiscard]] bool addKey(Plan& plan, const NewKey& key) const { return addKey(plan, mark, key); }
  [[nodiscard]] bool addKey(Plan& plan, const Mark& newMark, const NewKey& key) const;
  // Writes whatever differs of the three public variables, and key `generation` if given.
  void writeVariables(Plan& plan, std::optional<std::uint32_t> generation,
                      bool readBack = false) const;
};

// ── the parts, each of which decides a row of the table in plan.h, or a question within it
[[nodiscard]] Plan planProvisioning(const Planner& planner);  // registration: none
[[nodiscard]] Plan planAdoption(const Planner& planner);      // unmarked
[[nodiscard]] Plan planTakeOver(const Planner& planner);      // of another fleet of ours
[[nodiscard]] Plan planUpkeep(const Planner& planner);        // ours

// nullopt: nothing is to be revoked.
[[nodiscard]] std::optional<Plan> planRevocation(const Planner& planner);
// The newest key that the mark lists, by the least change that makes it registered and stored.
[[nodiscard]] Plan planDelivery(const Planner& planner, Reason reason, std::string message);
[[nodiscard]] Plan planNextGeneration(const Planner& planner, Reason reason, std::string message);
// The stored key is the newest, registered and unexpired.
[[nodiscard]] Plan planRotation(const Planner& planner, const clearblade::Credential& credential);
// The stored key is older than the newest.
[[nodiscard]] Plan planSuccession(const Planner& planner, const MarkedKey& stored);
// nullopt: the device is online, or has been away for so long that waiting is no use any more.
[[nodiscard]] std::optional<Plan> planForOffline(const Planner& planner, const MarkedKey& stored,
                                                 const clearblade::Credential& credential);

// For a device that is there, in the right fleet, with a level to write to, whose registration is
// ours, unmarked or absent.
[[nodiscard]] Plan planPresent(const DesiredDevice& desired, const ObservedDevice& observed,
                               TimePoint now);

// For a device that is to have no registration: the registration first, then the variables of each
// level that belong to it.
//
//   GCP_CLIENT_PATH │ the level's key             │ its variables
//   ────────────────┼─────────────────────────────┼──────────────────────────────────────────────
//   ours            │ any                         │ are removed
//   another         │ any                         │ stay: somebody else's registration
//   none            │ none                        │ stay: they give no access to anything
//   none            │ the removed registration's  │ get our path, so that whoever comes after a
//                   │                             │ crash knows them, and are removed
//   none            │ another                     │ stay, and are named: whose they are, a person
//                   │                             │ has to say
[[nodiscard]] Plan planRemoval(const DesiredDevice& desired, const ObservedDevice& observed,
                               TimePoint now);

// For a registration that has been cleared for removal: the one with incarnation `cleared`, of a
// device that a sweep has found absent. Whatever this pass sees differently refuses:
//
//   device in balena          │ registration            │ plan
//   ──────────────────────────┼─────────────────────────┼─────────────────────────────────────────
//   in its fleet              │ any                     │ refuse: it is back
//   in another fleet of ours ¹│ any                     │ refuse: that one takes over
//   elsewhere, or nowhere     │ none                    │ in sync
//   elsewhere, or nowhere     │ not ours, another       │ refuse
//                             │ fleet's or incarnation's│
//   elsewhere, or nowhere     │ the one that was cleared│ delete it, then variables that name it
//   ¹ or it might be: not all fleets of ours are known by number (`allFleetsKnown`)
[[nodiscard]] Plan planStaleRemoval(const DesiredDevice& desired, const ObservedDevice& observed,
                                    const crypto::Incarnation& cleared, bool allFleetsKnown,
                                    TimePoint now);

}  // namespace bco
