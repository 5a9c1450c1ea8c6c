// What a device needs next.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "plan/device_state.h"
#include "plan/reason.h"
#include "plan/step.h"

namespace bco {

enum class Verdict {
  kInSync,  // nothing to do until `next`
  kAct,     // apply the steps
  kWait,    // nothing can be done now; look again at `next`, or when something changes
  kRefuse,  // must not be done; a person decides
};
[[nodiscard]] std::string_view nameOf(Verdict verdict);

struct Plan {
  Verdict verdict = Verdict::kInSync;
  Reason reason = Reason::kSynced;
  std::string message;           // for a person: what is so, and what would mend it
  std::vector<Step> steps = {};  // one after the other
  // When to look again although nothing changed.
  std::optional<TimePoint> next = {};
  // Part of a fleet's renewal: carried out when its pace allows.
  bool isFleetRenewal = false;
};

// Pure: same inputs, same plan. Keys are named by generation; apply() derives them.
//
// clang-format off
//   registration │ no key stored │ stored = newest │ stored = older │ stored expired  │ stored unknown
//   ─────────────┼───────────────┼─────────────────┼────────────────┼─────────────────┼───────────────
//   none         │ create key 0 under a new incarnation and store it, whatever is stored
//   ours         │ deliver key g │ in sync, or     │ deliver key g² │ next generation │ deliver key g
//                │               │ rotate²         │                │                 │
//   unmarked     │ conflict¹     │ adopt           │ adopt          │ conflict¹       │ conflict¹
//   another's    │ conflict      │ conflict        │ conflict       │ conflict        │ conflict
//   ¹ unless adoption: Always
//   ² not while the device is offline: what it holds is extended; in maintenance windows alone
// clang-format on
//
// A stored key that is both older and expired counts as older. g is the newest generation the mark
// lists. Delivering it means: the variable alone when its credential is registered; the credential
// too when it is not; the next generation when it has expired or our seed does not give it.
[[nodiscard]] Plan plan(const DesiredDevice& desired, const ObservedDevice& observed,
                        TimePoint now);

using PlanFunction = std::function<Plan(const DesiredDevice& desired,
                                        const ObservedDevice& observed, TimePoint now)>;

}  // namespace bco
