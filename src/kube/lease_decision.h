// What an elector does next. Pure: the clock's reading is a parameter, and the Lease is what has
// been seen of it.
//
// The algorithm is client-go's (tools/leaderelection): whoever holds the Lease renews it; the
// others take it when it was given back, or when they have seen it unchanged for as long as it says
// it lasts, by their own monotonic clock: no two clocks are compared. Every write names the
// resourceVersion it has seen, so of two that take it one gets a conflict.
//
// Why no two write at once: the holder's right to write ends `renewDeadline` after it *sent* its
// last successful renewal. Whoever takes the Lease has seen that very renewal (else its write would
// conflict), and seen it later than it was sent, and waited for the whole lease duration, which is
// longer. The difference is there for clocks that don't run equally fast and for what is sent last.
// From renewDeadline to leaseDuration the holder only tries to renew (client-go gives up instead):
// if it succeeds, nobody else has had the Lease meanwhile, and an API server that was away for half
// a minute has cost no restart.
#pragma once

#include <optional>
#include <string_view>

#include "core/time.h"
#include "kube/lease.h"

namespace bco::kube {

struct LeaseTerms {
  Duration leaseDuration;  // without a renewal for so long, it is lost
  Duration retryPeriod;    // from one renewal to the next
  Duration lookPeriod;     // those standing by read the Lease after so long without news of it
};

// The Lease as an elector has last seen it.
struct LeaseView {
  bool known = false;                 // false: not read yet, or what was read is out of date
  std::optional<LeaseRecord> record;  // nullopt: there is none
  // When others than the holder may take it, if it does not change meanwhile.
  SteadyPoint freeFrom = SteadyPoint::min();
  SteadyPoint lookedAt = SteadyPoint::min();  // the last news of it
};

// `view` after it was seen as `record` at `now`. `jitter` keeps those standing by from all taking a
// free one at once. A Lease deleted under its holder is not free before it would have ended.
[[nodiscard]] LeaseView seen(LeaseView view, std::optional<LeaseRecord> record, SteadyPoint now,
                             Duration jitter);

struct LeaseState {
  LeaseView view = {};
  // The elector leads, and sent its last successful renewal then.
  std::optional<SteadyPoint> renewed = {};
  bool doubted = false;                          // heard that another holds it: renew now
  SteadyPoint pausedUntil = SteadyPoint::min();  // after a failure
};

enum class LeaseMove { kRead, kCreate, kTake, kRenew, kWait, kLose };

struct LeaseDecision {
  LeaseMove move;
  SteadyPoint until = SteadyPoint::min();  // kWait: then decide again, or when something is heard
};

//   Lease                  │ standing by                 │ leading
//   ───────────────────────┼─────────────────────────────┼──────────────────────────────────
//   (leaseDuration passed) │                             │ lose
//   (paused)               │ wait                        │ wait, but not beyond leaseDuration
//   unknown                │ read                        │ read
//   none                   │ create from freeFrom on     │ lose
//   ours                   │ take: a write of ours whose │ renew after retryPeriod, or now
//                          │ outcome was unknown         │ if doubted
//   nobody's, another's    │ take from freeFrom on; read │ lose
//                          │ after lookPeriod            │
[[nodiscard]] LeaseDecision decide(const LeaseState& state, const LeaseTerms& terms,
                                   std::string_view identity, SteadyPoint now);

}  // namespace bco::kube
