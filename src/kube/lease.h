// A Lease of coordination.k8s.io/v1 as leader election uses it.
//
// Source: the API's LeaseSpec, and client-go's tools/leaderelection/resourcelock/leaselock.go,
// whose records ours can be exchanged with.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/secret.h"

namespace bco::kube {

// How long a Lease that does not say so lasts.
inline constexpr Duration kDefaultLeaseDuration = std::chrono::seconds(60);

struct LeaseRecord {
  std::string holder;  // empty: nobody's
  Duration duration = kDefaultLeaseDuration;
  std::string resourceVersion;
  // The object as it was read: what an update does not concern goes back as it came.
  std::string json;
};

// kInternal: not a Lease.
[[nodiscard]] Result<LeaseRecord> parseLease(std::string json);

// Bodies of requests. `now` is our wall clock: shown to people, never compared by anybody.
//
// A new Lease, held by `identity`.
[[nodiscard]] SecretBytes newLease(const std::string& name, const std::string& identity,
                                   Duration duration, TimePoint now);
// `record` taken by `identity`, or if it holds it already, renewed. It differs from `record` in any
// case: a server that has nothing to change would tell nobody of the renewal.
[[nodiscard]] SecretBytes takenLease(const LeaseRecord& record, const std::string& identity,
                                     Duration duration, TimePoint now);
// `record` given back: nobody's, and for clients that look at the time alone, over in a second.
[[nodiscard]] SecretBytes releasedLease(const LeaseRecord& record, TimePoint now);

// "2026-11-23T07:00:00.123000Z": Kubernetes reads a MicroTime with exactly six decimals.
[[nodiscard]] std::string formatMicroTime(TimePoint time);

}  // namespace bco::kube
