#include "cli/progress.h"

#include <gmock/gmock.h>

#include "store/memory_store.h"
#include "tests/support/fake_clock.h"

namespace bco::cli {
namespace {

using namespace std::chrono_literals;
using api::Phase;

api::DeviceCounts countsOf(int ready, int pending, int failed = 0, int conflict = 0) {
  api::DeviceCounts counts;
  counts.total = ready + pending + failed + conflict;
  counts.ready = ready;
  counts.pending = pending;
  counts.failed = failed;
  counts.conflict = conflict;
  return counts;
}

TEST(ProgressLine, ShowsPaceAndTimeLeft) {
  EXPECT_EQ(progressLine(countsOf(412, 586, 1, 1), 72, 4s),
            "412/1000 ready, 85/s, 7s left, 2 failed");
  EXPECT_EQ(progressLine(countsOf(100, 0), 0, 10s), "100/100 ready");
}

TEST(ProgressLine, PromisesNothingWithoutAPace) {
  EXPECT_EQ(progressLine(countsOf(0, 10), 0, 0s), "0/10 ready");
  EXPECT_EQ(progressLine(countsOf(5, 5), 5, 10s), "5/10 ready");
  EXPECT_EQ(progressLine({}, 0, 10s), "0/0 ready");
}

class Unsettling : public testing::Test {
 protected:
  void add(const std::string& name, Phase phase, const std::string& reason = "", int failures = 0) {
    api::BalenaDevice device;
    device.meta.key.name = name;
    device.spec.uuid = name;
    device.spec.fleet = "sensors";
    device.status.phase = phase;
    device.status.failureCount = failures;
    if (!reason.empty()) {
      device.status.conditions = {{"Ready", phase == Phase::kReady, reason, "why", 1, {}}};
    }
    ASSERT_TRUE(store_.devices().create(device));
  }
  void addFleet(api::Mode mode, bool stalled) {
    api::BalenaFleet fleet;
    fleet.meta.key.name = "sensors";
    fleet.spec.mode = mode;
    if (stalled) fleet.status.conditions = {{"Stalled", true, "Invalid", "", 1, {}}};
    ASSERT_TRUE(store_.fleets().create(fleet));
  }

  bco::test::FakeClock clock_;
  store::MemoryStore store_{clock_, {}};
};

TEST_F(Unsettling, NamesWhatIsNeitherInSyncNorLeftAlone) {
  add("a", Phase::kReady);
  add("b", Phase::kConflict, "NotOurs");
  add("c", Phase::kSuspended);
  add("d", Phase::kAbsent);
  add("e", Phase::kPending);
  const auto unsettled = unsettledDevices(store_);
  ASSERT_EQ(unsettled.size(), 2U);
  EXPECT_EQ(unsettled[0].uuid, "b");
  EXPECT_EQ(unsettled[0].phase, "Conflict");
  EXPECT_EQ(unsettled[0].reason, "NotOurs");
  EXPECT_EQ(unsettled[0].message, "why");
  EXPECT_EQ(unsettled[1].uuid, "e");
  EXPECT_EQ(unsettled[1].reason, "");
}

TEST_F(Unsettling, IsOverWhenAllHasSettledOrNeedsAPerson) {
  EXPECT_FALSE(anyMaySettle(store_));
  addFleet(api::Mode::kEnforce, false);
  add("a", Phase::kReady);
  add("b", Phase::kConflict, "NotOurs");
  add("c", Phase::kWaiting, "DeviceNotFound");
  EXPECT_FALSE(anyMaySettle(store_));
}

TEST_F(Unsettling, GoesOnWhileADeviceIsPendingOrFailsForNow) {
  addFleet(api::Mode::kEnforce, false);
  add("a", Phase::kPending);
  EXPECT_TRUE(anyMaySettle(store_));
}

TEST_F(Unsettling, GoesOnWhileADeviceFails) {
  addFleet(api::Mode::kEnforce, false);
  add("a", Phase::kFailed, "Unavailable", 3);
  EXPECT_TRUE(anyMaySettle(store_));
}

TEST_F(Unsettling, DoesNotWaitForADeviceThatNeedsAPerson) {
  addFleet(api::Mode::kEnforce, false);
  add("a", Phase::kFailed, "Invalid", 3);
  auto status = store_.devices().get({"default", "a"})->status;
  status.conditions.push_back({"Stalled", true, "Invalid", "", 1, {}});
  ASSERT_TRUE(store_.devices().setStatus({"default", "a"},
                                         store_.devices().get({"default", "a"})->meta.uid, status));
  EXPECT_FALSE(anyMaySettle(store_));
}

TEST_F(Unsettling, GoesOnWhileAServiceIsBeingInstalled) {
  addFleet(api::Mode::kEnforce, false);
  add("a", Phase::kWaiting, "ServiceNotInstalled");
  EXPECT_TRUE(anyMaySettle(store_));
}

TEST_F(Unsettling, DoesNotWaitForAFleetThatNeedsAPerson) {
  addFleet(api::Mode::kEnforce, true);
  add("a", Phase::kPending);
  EXPECT_FALSE(anyMaySettle(store_));
}

TEST_F(Unsettling, DoesNotWaitForAFleetThatIsOnlyObserved) {
  addFleet(api::Mode::kObserve, false);
  add("a", Phase::kPending);
  EXPECT_FALSE(anyMaySettle(store_));
}

}  // namespace
}  // namespace bco::cli
