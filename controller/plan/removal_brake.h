// The brake on removals: how many registrations may go at once, and in a day.
#pragma once

#include <string>
#include <vector>

#include "api/fleet.h"

namespace bco {

enum class Brake {
  kNothing,        // no candidates
  kReport,         // stale.policy: Report
  kOpen,           // all may go
  kApproved,       // all may go, for a person has approved just this set
  kTooManyAtOnce,  // halted: none goes
  kTooManyToday,   // halted: none goes
};

struct RemovalRequest {
  int candidates = 0;     // the whole set
  int counted = 0;        // of them, in `recent` already
  int owned = 0;          // registrations of the fleet, the candidates included
  bool approved = false;  // the annotation holds the set's hash
};

struct BrakeVerdict {
  Brake brake = Brake::kNothing;
  int limit = 0;  // at once
  int recent = 0;

  [[nodiscard]] bool isHalted() const {
    return brake == Brake::kTooManyAtOnce || brake == Brake::kTooManyToday;
  }
  [[nodiscard]] bool isOpen() const { return brake == Brake::kOpen || brake == Brake::kApproved; }
};

// The whole set or none of it:
//
//   policy │ approved │ candidates > limit │ recent + uncounted > maxPerDay │ verdict
//   ───────┼──────────┼────────────────────┼────────────────────────────────┼───────────────
//   Report │ –        │ –                  │ –                              │ kReport
//   Delete │ yes      │ –                  │ –                              │ kApproved
//   Delete │ no       │ yes                │ –                              │ kTooManyAtOnce
//   Delete │ no       │ no                 │ yes                            │ kTooManyToday
//   Delete │ no       │ no                 │ no                             │ kOpen
//
// limit = min(max(1, ⌊maxPercent × owned⌋), maxPerSync). Pure.
[[nodiscard]] BrakeVerdict judgeRemoval(const api::StaleRules& rules, const RemovalRequest& request,
                                        const std::vector<api::RemovalHour>& recent, TimePoint now);

// Why, for a person, with what would let the set named `set` go.
[[nodiscard]] std::string explain(const BrakeVerdict& verdict, const api::StaleRules& rules,
                                  const RemovalRequest& request, const std::string& set);

// Removals that may be less than 24 hours old: an hour counts until its last moment is. What a
// clock ahead of ours has written counts too.
[[nodiscard]] int countRecent(const std::vector<api::RemovalHour>& recent, TimePoint now);
// With `count` more, and without what is a day old. Only for a clock that is known to be right: it
// forgets.
[[nodiscard]] std::vector<api::RemovalHour> withRemovals(std::vector<api::RemovalHour> recent,
                                                         int count, TimePoint now);
// When enough of them will be a day old for one more to fit in; `now` if it fits.
[[nodiscard]] TimePoint roomAt(const std::vector<api::RemovalHour>& recent, int maxPerDay,
                               TimePoint now);

}  // namespace bco
