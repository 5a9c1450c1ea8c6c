#include "plan/rotation.h"

#include <algorithm>

#include "plan/key_schedule.h"

namespace bco {
namespace {

// Times in registries are not kept to the millisecond.
constexpr Duration kRounding = std::chrono::seconds(2);

TimePoint lastCall(TimePoint expiresAt, const DesiredDevice& desired) {
  return expiresAt - desired.keys.rotateBefore / 10;
}

TimePoint inWindow(const DesiredDevice& desired, TimePoint from) {
  const auto opening = nextOpening(desired.windows, from);
  return opening ? std::max(opening->opens, from) : from;
}

// One moment of the `span` from `earliest` or now on, by hash of the UUID; the one promised stays.
TimePoint spreadOver(Duration span, TimePoint earliest, const ListedKey& key,
                     const DesiredDevice& desired, TimePoint now) {
  const TimePoint base = inWindow(desired, std::max(earliest, now));
  const bool isPromised = desired.promised && desired.promised->generation == key.generation;
  if (isPromised && desired.promised->at <= base + span) return desired.promised->at;
  return std::chrono::floor<std::chrono::seconds>(
      base + scale(span, hashFraction("bco/pace" + desired.uuid)));
}

bool outlives(const ListedKey& key, const api::KeyPolicy& policy) {
  return key.expiresAt && *key.expiresAt - key.issuedAt > policy.lifetime + kRounding;
}

}  // namespace

TimePoint usualRotation(const ListedKey& newest, const api::KeyPolicy& policy,
                        const std::string& uuid) {
  api::KeyPolicy own = policy;
  if (newest.expiresAt && *newest.expiresAt - newest.issuedAt < policy.lifetime - kRounding) {
    own.lifetime = std::max(*newest.expiresAt - newest.issuedAt, Duration(1));
    own.rotateBefore = scale(policy.rotateBefore, static_cast<double>(own.lifetime.count()) /
                                                      static_cast<double>(policy.lifetime.count()));
  }
  return rotateAt(newest.issuedAt, own, uuid);
}

TimePoint mayRestartAt(const std::optional<TimePoint>& expiresAt, const DesiredDevice& desired,
                       TimePoint from) {
  const TimePoint at = inWindow(desired, from);
  return expiresAt && at > lastCall(*expiresAt, desired)
             ? std::max(from, lastCall(*expiresAt, desired))
             : at;
}

RotationTime rotationOf(const ListedKey& newest, const DesiredDevice& desired, TimePoint now) {
  const api::KeyPolicy& keys = desired.keys;
  RotationTime rotation;
  TimePoint due = usualRotation(newest, keys, desired.uuid);
  if (outlives(newest, keys) && due < now) {
    const TimePoint byItsOwn = *newest.expiresAt - (newest.issuedAt + keys.lifetime - due);
    due = std::min(spreadOver(keys.lifetime, due, newest, desired, now), byItsOwn);
  }
  if (keys.renewAfter && newest.issuedAt < *keys.renewAfter) {
    const TimePoint renewal =
        desired.renewsWithFleet
            ? spreadOver(keys.renewal.window, *keys.renewAfter, newest, desired, now)
            : *keys.renewAfter;
    rotation.isFleetRenewal = desired.renewsWithFleet && renewal < due;
    due = std::min(due, renewal);
  }
  due = std::max(due, newest.issuedAt + KeyTimes::of(keys.lifetime).generationInterval);
  rotation.at = mayRestartAt(newest.expiresAt, desired, std::max(due, now));
  rotation.since = due;
  if (const auto opening = nextOpening(desired.windows, now); opening && opening->opens <= now) {
    rotation.since = std::max(due, opening->opens);
  } else if (newest.expiresAt && !desired.windows.empty()) {
    rotation.since = std::max(due, lastCall(*newest.expiresAt, desired));
  }
  return rotation;
}

}  // namespace bco
