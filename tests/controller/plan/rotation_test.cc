// When keys are replaced, without a plan around it.
#include "plan/rotation.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/controller/plan/builders.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using test::days;
using test::desiredDevice;
using test::kNow;
using test::kUuid;

std::string numbered(int n) {
  std::string hex = "00000000" + std::to_string(n);
  return std::string(24, 'b') + hex.substr(hex.size() - 8);
}

// Issued at that time for so long, by default for the policy's 90 days.
ListedKey keyIssued(TimePoint at, Duration lifetime = days(90)) { return {3, at, at + lifetime}; }

DesiredDevice withLifetime(Duration lifetime, Duration rotateBefore) {
  DesiredDevice desired = desiredDevice();
  desired.keys.lifetime = lifetime;
  desired.keys.rotateBefore = rotateBefore;
  return desired;
}

DesiredDevice inWindows(Duration start, Duration duration) {
  DesiredDevice desired = desiredDevice();
  Window window;  // on Mondays; kNow is one, at 08:00
  window.days.set(1);
  window.start = start;
  window.duration = duration;
  window.zone = std::make_shared<const TimeZone>();
  desired.windows = {window};
  return desired;
}

TEST(Rotation, ComesAtLifetimeLessRotateBefore) {
  const DesiredDevice desired = desiredDevice();
  const TimePoint at = rotateAt(kNow, desired.keys, kUuid);
  EXPECT_EQ(rotationOf(keyIssued(kNow), desired, kNow).at, at);
  EXPECT_EQ(rotationOf(keyIssued(kNow), desired, at - 1s).at, at);
  const RotationTime due = rotationOf(keyIssued(kNow), desired, at + days(1));
  EXPECT_EQ(due.at, at + days(1));
  EXPECT_EQ(due.since, at);
  EXPECT_EQ(due.shown(at + days(1)), std::chrono::ceil<std::chrono::seconds>(at));
}

TEST(Rotation, IsShownInWholeSecondsAsTheApiServerKeepsIt) {
  RotationTime time{.at = kNow + 1h + 1ms, .since = kNow + 1ms};
  EXPECT_EQ(time.shown(kNow), kNow + 1h + 1s);
  EXPECT_EQ(time.shown(kNow + 2h), kNow + 1s);
}

TEST(Rotation, OfAKeyWithoutExpiryComesByItsIssue) {
  EXPECT_EQ(rotationOf({3, kNow, std::nullopt}, desiredDevice(), kNow).at,
            rotateAt(kNow, api::KeyPolicy{}, kUuid));
}

TEST(Rotation, DoesNotComeWithinAnHourOfTheLast) {
  const DesiredDevice desired = withLifetime(2h, 119min);
  EXPECT_EQ(rotationOf(keyIssued(kNow, 2h), desired, kNow).at, kNow + 1h);
}

TEST(Rotation, OfShortLivedKeysIsAsMuchSooner) {
  DesiredDevice desired = withLifetime(2min, 119s);
  TimePoint first = TimePoint::max();
  for (int i = 0; i < 100; ++i) {
    desired.uuid = numbered(i);
    first = std::min(first, rotationOf(keyIssued(kNow, 2min), desired, kNow).at);
  }
  EXPECT_EQ(first, kNow + 5s);
}

TEST(Rotation, OfALongerLifetimeAppliesFromTheNextKeyOn) {
  // Issued for 30 days; the policy says 90 now, and to rotate 30 days before the end.
  const TimePoint at = rotationOf(keyIssued(kNow, days(30)), desiredDevice(), kNow).at;
  EXPECT_GE(at, kNow + days(19));
  EXPECT_LE(at, kNow + days(21));
}

TEST(Rotation, OfAShorterLifetimeIsBroughtForward) {
  const DesiredDevice desired = withLifetime(days(10), days(4));
  EXPECT_EQ(rotationOf(keyIssued(kNow), desired, kNow).at, rotateAt(kNow, desired.keys, kUuid));
}

TEST(Rotation, ThatAShorterLifetimeMakesOverdueIsSpreadOverTheNewLifetime) {
  DesiredDevice desired = withLifetime(days(10), days(4));
  const ListedKey old = keyIssued(kNow - days(40));
  std::set<TimePoint> seen;
  int early = 0;
  for (int i = 0; i < 1000; ++i) {
    desired.uuid = numbered(i);
    const TimePoint at = rotationOf(old, desired, kNow).at;
    EXPECT_GE(at, kNow);
    EXPECT_LE(at, kNow + days(10));
    early += at < kNow + days(5) ? 1 : 0;
    seen.insert(at);
  }
  EXPECT_GT(seen.size(), 990U);
  EXPECT_GT(early, 400);
  EXPECT_LT(early, 600);
}

TEST(Rotation, ThatIsSpreadComesWhenItWasPromised) {
  DesiredDevice desired = withLifetime(days(10), days(4));
  const ListedKey old = keyIssued(kNow - days(40));
  desired.promised = RotationPromise{3, rotationOf(old, desired, kNow).at};
  for (const Duration later : {Duration(1h), Duration(days(3))}) {
    const TimePoint now = kNow + later;
    EXPECT_EQ(rotationOf(old, desired, now).at, std::max(desired.promised->at, now));
  }
  // Of another key.
  desired.promised->generation = 2;
  EXPECT_NE(rotationOf(old, desired, kNow + 1h).at, rotationOf(old, desired, kNow).at);
  // Farther away than the new lifetime: from before it was shortened.
  desired.promised = RotationPromise{3, kNow + days(20)};
  EXPECT_LE(rotationOf(old, desired, kNow).at, kNow + days(10));
}

TEST(Rotation, ThatIsSpreadComesInTimeForTheKeysOwnExpiry) {
  DesiredDevice desired = withLifetime(days(60), days(4));
  const ListedKey old = keyIssued(kNow - days(85));
  for (int i = 0; i < 100; ++i) {
    desired.uuid = numbered(i);
    EXPECT_LE(rotationOf(old, desired, kNow).at, *old.expiresAt - days(3));
  }
}

// ---- renewal

TEST(Renewal, OfOneDeviceComesAtOnce) {
  DesiredDevice desired = desiredDevice();
  desired.keys.renewAfter = kNow - 1h;
  EXPECT_EQ(rotationOf(keyIssued(kNow - days(1)), desired, kNow).at, kNow);
  EXPECT_FALSE(rotationOf(keyIssued(kNow - days(1)), desired, kNow).isFleetRenewal);
  desired.keys.renewAfter = kNow + 2h;
  EXPECT_EQ(rotationOf(keyIssued(kNow - days(1)), desired, kNow).at, kNow + 2h);
}

TEST(Renewal, IsOverWithTheKeyThatWasIssuedAfterIt) {
  DesiredDevice desired = desiredDevice();
  desired.keys.renewAfter = kNow;
  EXPECT_EQ(rotationOf(keyIssued(kNow), desired, kNow).at, rotateAt(kNow, desired.keys, kUuid));
  desired.renewsWithFleet = true;
  EXPECT_EQ(rotationOf(keyIssued(kNow), desired, kNow).at, rotateAt(kNow, desired.keys, kUuid));
}

TEST(Renewal, OfAFleetIsSpreadOverItsWindow) {
  for (const TimePoint renewAfter : {kNow - days(3), kNow + days(1)}) {
    DesiredDevice desired = desiredDevice();
    desired.renewsWithFleet = true;
    desired.keys.renewAfter = renewAfter;
    desired.keys.renewal.window = 4h;
    const TimePoint from = std::max(renewAfter, kNow);
    int early = 0;
    for (int i = 0; i < 1000; ++i) {
      desired.uuid = numbered(i);
      const RotationTime time = rotationOf(keyIssued(kNow - days(5)), desired, kNow);
      EXPECT_TRUE(time.isFleetRenewal);
      EXPECT_GE(time.at, from);
      EXPECT_LE(time.at, from + 4h);
      early += time.at < from + 2h ? 1 : 0;
      desired.promised = RotationPromise{3, time.at};
      EXPECT_EQ(rotationOf(keyIssued(kNow - days(5)), desired, time.at).at, time.at);
      desired.promised.reset();
    }
    EXPECT_GT(early, 400);
    EXPECT_LT(early, 600);
  }
}

TEST(Renewal, LeavesAnEarlierRotationWhereItIs) {
  DesiredDevice desired = desiredDevice();
  desired.renewsWithFleet = true;
  desired.keys.renewAfter = kNow + days(80);
  const RotationTime time = rotationOf(keyIssued(kNow), desired, kNow);
  EXPECT_EQ(time.at, rotateAt(kNow, desired.keys, kUuid));
  EXPECT_FALSE(time.isFleetRenewal);
}

// ---- maintenance windows

TEST(RotationInWindows, WaitsForTheNextOne) {
  const ListedKey due = keyIssued(kNow - days(70));
  const RotationTime closed = rotationOf(due, inWindows(9h, 2h), kNow);
  EXPECT_EQ(closed.at, kNow + 1h);
  const RotationTime open = rotationOf(due, inWindows(7h, 2h), kNow);
  EXPECT_EQ(open.at, kNow);
  EXPECT_EQ(open.since, kNow - 1h) << "since it has opened";
  const RotationTime over = rotationOf(due, inWindows(6h, 2h), kNow);
  EXPECT_EQ(over.at, kNow + days(7) - 2h);
}

TEST(RotationInWindows, ThatIsNotDueComesInTheFirstOneAfterItIs) {
  const DesiredDevice desired = inWindows(9h, 2h);
  const TimePoint usual = rotateAt(kNow, desired.keys, kUuid);
  const TimePoint at = rotationOf(keyIssued(kNow), desired, kNow).at;
  EXPECT_GE(at, usual);
  EXPECT_LE(at, usual + days(7));
  EXPECT_EQ((at - kNow) % days(7), 1h);
}

TEST(RotationInWindows, ComesOutsideOfThemBeforeTheKeyExpires) {
  // Ends in four days, three before the next window.
  const ListedKey key = keyIssued(kNow - days(86));
  const DesiredDevice desired = inWindows(6h, 2h);
  EXPECT_EQ(rotationOf(key, desired, kNow).at, *key.expiresAt - days(3));
  const ListedKey later = keyIssued(kNow - days(88));
  EXPECT_EQ(rotationOf(later, desired, kNow).at, kNow);
  EXPECT_EQ(rotationOf(later, desired, kNow).since, *later.expiresAt - days(3));
}

TEST(RotationInWindows, OfAFleetsRenewalIsSpreadFromItsOpening) {
  DesiredDevice desired = inWindows(9h, 4h);
  desired.renewsWithFleet = true;
  desired.keys.renewAfter = kNow - 1h;
  std::set<TimePoint> seen;
  for (int i = 0; i < 100; ++i) {
    desired.uuid = numbered(i);
    const TimePoint at = rotationOf(keyIssued(kNow - days(5)), desired, kNow).at;
    EXPECT_GE(at, kNow + 1h);
    EXPECT_LE(at, kNow + 2h);
    seen.insert(at);
  }
  EXPECT_GT(seen.size(), 90U);
}

}  // namespace
}  // namespace bco
