// What a sweep believes of an earlier process, and what it leaves to a pass.
#include <gmock/gmock.h>

#include "tests/controller/reconcile/fleet_world.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using api::Phase;
using test::Fleet;
using test::idOf;
using test::kFleetKey;
using test::uuidOf;
using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(Fleet, FindsWhatAnEarlierProcessProvisionedInSyncWithoutAnyDeviceCall) {
  addDevice(1);
  apply();
  syncAll();
  // A new process: same clouds, no memory.
  store_.apply({});
  apply();
  clock_.advance(10min);
  forgetCalls();
  sweep();
  EXPECT_THAT(takeQueued(), IsEmpty());
  EXPECT_EQ(balena().log().count("getDevice"), 0);
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  EXPECT_EQ(object(1)->status.key->generation, 0U);
}

TEST_F(Fleet, ReadsEveryStoredKeyWhenAskedTo) {
  addDevice(1);
  apply();
  syncAll();
  store_.apply({});  // a new process: same clouds, no memory
  apply();
  clock_.advance(10min);
  context_.verifiesAll = true;
  sweep();
  EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1)));
  reconcile(1);
  clock_.advance(10min);
  sweep();
  EXPECT_THAT(takeQueued(), IsEmpty()) << "once";
}

TEST_F(Fleet, FindsNothingWorthAWriteInARestart) {
  addDevice(1);
  apply();
  syncAll();
  clock_.advance(5min);
  sweep();  // counts what was provisioned
  const auto versions = [this] {
    return std::pair(fleet()->meta.resourceVersion,
                     store_.registries().get({"default", "main"})->meta.resourceVersion);
  };
  const auto before = versions();
  clock_.advance(6min);
  // A new process, whose first look at the clouds shows nothing but that time has passed.
  FleetViews views;
  const Context context{store_, views, tally_, clock_, random_, log_, events_, {}};
  RegistrySources registries(context, factory_, nullptr);
  FleetSources fleets(context, registries, factory_);
  FleetSync fleetSync(context, fleets, registries, queue_);
  ASSERT_TRUE(fleetSync.sync(kFleetKey, {}));
  EXPECT_EQ(versions(), before);
  EXPECT_THAT(takeQueued(), IsEmpty());
  // The next one tells that the sweeps go on.
  clock_.advance(5min);
  ASSERT_TRUE(fleetSync.sync(kFleetKey, {}));
  EXPECT_EQ(fleet()->status.lastBalenaSync, clock_.now());
  EXPECT_EQ(store_.registries().get({"default", "main"})->status.lastCompleteSync, clock_.now());
}

TEST_F(Fleet, LeavesADeliveryThatWasPutOffToAPass) {
  addDevice(1);
  apply();
  syncAll();
  registry().remove(idOf(1));
  clock_.advance(10min);
  sweep();
  takeQueued();
  balena().log().failNext("write GCP_PRIVATE_KEY", Error{ErrorCode::kThrottled, "slow down"});
  reconcile(1);
  ASSERT_TRUE(registry().has(idOf(1)));
  // All that a sweep sees is right; the key that is stored is not the new registration's.
  clock_.advance(10min);
  sweep();
  EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1)));
  EXPECT_NE(phaseOf(1), Phase::kReady);
  reconcile(1);
  expectConnected(1);
}

TEST_F(Fleet, LeavesADeliveryThatAnEarlierProcessDidNotComeToToAPass) {
  addDevice(1);
  apply();
  syncAll();
  registry().remove(idOf(1));
  balena().log().failNext("write GCP_PRIVATE_KEY", Error{ErrorCode::kInternal, "killed"});
  clock_.advance(10min);
  reconcile(1);
  ASSERT_TRUE(registry().has(idOf(1)));
  // A new process: it finds nothing missing, but the stored key is not the registered one.
  store_.apply({});
  apply();
  clock_.advance(10min);
  sweep();
  EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1)));
  reconcile(1);
  expectConnected(1);
  // Looked at once, it is not looked at by every sweep.
  clock_.advance(10min);
  sweep();
  EXPECT_THAT(takeQueued(), IsEmpty());
}

// ---- discovery

// Its author's clock was wrong: nobody has looked at the device tomorrow.
TEST_F(Fleet, DoesNotBelieveAVerificationThatIsStillToCome) {
  addDevice(1);
  apply();
  syncAll();
  const auto held = object(1);
  api::DeviceStatus status = held->status;
  status.key->verifiedAt = clock_.now() + 24h;
  ASSERT_TRUE(store_.devices().setStatus(held->meta.key, held->meta.uid, status));
  clock_.advance(1h);
  registry().remove(idOf(1));
  sweep();
  EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1)));
}

TEST_F(Fleet, LeavesAFailureItsOwnTimeToComeBackAndNoMore) {
  addDevice(1);
  apply();
  syncAll();
  const auto held = object(1);
  api::DeviceStatus status = held->status;
  status.failureCount = 1;
  status.lastFailureTime = clock_.now() + 1h;
  ASSERT_TRUE(store_.devices().setStatus(held->meta.key, held->meta.uid, status));
  clock_.advance(1h);
  registry().remove(idOf(1));
  sweep();
  EXPECT_THAT(takeQueued(), IsEmpty());
  clock_.advance(2 * context_.backoff.longest);
  sweep();
  EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1)));
}

// As a process does that began while another one was still at work on the device.
TEST_F(Fleet, HasADeviceVerifiedThatNobodyCameToVerify) {
  addDevice(1);
  apply();
  syncAll();
  clock_.advance(29h);
  sweep();
  EXPECT_THAT(takeQueued(), IsEmpty()) << "a pass may be planned for it";
  clock_.advance(2h);
  sweep();
  EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1)));
}

}  // namespace
}  // namespace bco
