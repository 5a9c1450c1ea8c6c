// Fleets that can not, or not yet, be looked after: what is said, and that nothing is judged or
// written.
#include <gmock/gmock.h>

#include <future>
#include <thread>

#include "tests/controller/reconcile/fleet_world.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using api::Phase;
using test::Fleet;
using test::idOf;
using test::kFleetId;
using test::uuidOf;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(Fleet, ThatIsEmptyIsBelievedOnceAllItsDevicesAreDeclaredAbsent) {
  addDevice(1);
  addDevice(2);
  apply();
  syncAll();
  balena().removeDevice(uuidOf(1));
  balena().removeDevice(uuidOf(2));
  for (const int n : {1, 2}) {
    deviceSpec(n).state = api::DesiredState::kAbsent;
    apply();
    clock_.advance(10min);
    sweep();
    if (n == 1) {
      EXPECT_THAT(fleetReady().message, HasSubstr("state: Absent for each of " + uuidOf(2)));
      EXPECT_THAT(fleetReady().message, testing::Not(HasSubstr(uuidOf(1))));
    }
  }
  EXPECT_TRUE(fleetReady().status) << fleetReady().message;
  EXPECT_THAT(takeQueued(), testing::UnorderedElementsAre(uuidOf(1), uuidOf(2)));
  reconcile(1);
  reconcile(2);
  EXPECT_EQ(registry().size(), 0U);
  EXPECT_EQ(phaseOf(1), Phase::kAbsent);
}

// As where the right to write statuses is missing: every attempt would be the first, and news.
TEST(FleetTroubles, AreCountedAndSaidOnceThoughNoStatusCanBeWritten) {
  Troubles troubles;
  api::ObjectMeta fleet;
  fleet.key = {"default", "sensors"};
  fleet.uid = "u-1";
  const auto note = [&](const Error& error) {
    api::FleetStatus status;
    const bool isNews = troubles.note(fleet, status, error, TimePoint());
    return std::pair(status.failureCount, isNews);
  };
  const Error refused{ErrorCode::kForbidden, "no right to update balenafleets/status"};
  EXPECT_EQ(note(refused), std::pair(1, true));
  EXPECT_EQ(note(refused), std::pair(2, false));
  EXPECT_EQ(note({ErrorCode::kForbidden, "another right"}), std::pair(3, true));
  EXPECT_EQ(note({ErrorCode::kUnavailable, "away"}), std::pair(4, true));
  EXPECT_EQ(note({ErrorCode::kUnavailable, "still away"}), std::pair(5, false));
  troubles.forget(fleet.key);
  EXPECT_EQ(note({ErrorCode::kUnavailable, "away again"}), std::pair(1, true));
}

TEST_F(Fleet, WithASeedSecretThatLacksItsKeyNeedsAPerson) {
  secrets_["bco-key-seed"] = {{"sede", std::string(crypto::kSeedBytes, '*')}};
  addDevice(1);
  apply();
  syncAll();
  EXPECT_EQ(fleetReady().reason, "Invalid");
  EXPECT_THAT(fleetReady().message, HasSubstr("bco-key-seed has no key seed"));
  expectNothingWritten();
}

TEST_F(Fleet, SaysThatTheClocksDifferAndCallsNothingInSyncThatMayHaveExpired) {
  addDevice(1);
  apply();
  syncAll();
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  registry().setSkew(fleetSpec().keys.lifetime + 1h);
  store_.apply({});  // a new process
  apply();
  clock_.advance(10min);
  syncAll();
  EXPECT_EQ(readyOf(1).reason, "ClockSkew");
  EXPECT_EQ(phaseOf(1), Phase::kWaiting);
  const auto* skewed = findCondition(fleet()->status.conditions, "ClockSkew");
  ASSERT_NE(skewed, nullptr);
  EXPECT_THAT(skewed->message, HasSubstr("set the clock"));
  EXPECT_THAT(logged_.str(), HasSubstr("clocks differ"));
  registry().setSkew(Duration::zero());
  clock_.advance(10min);
  syncAll();
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  EXPECT_EQ(findCondition(fleet()->status.conditions, "ClockSkew"), nullptr);
}

TEST_F(Fleet, NeverReplacesAStoredSeedByARandomOne) {
  addDevice(1);
  apply();
  syncAll();
  secrets_.erase("bco-key-seed");
  apply();
  sweep();
  EXPECT_EQ(fleetReady().reason, "NotFound");
  EXPECT_THAT(fleetReady().message, HasSubstr("put the key seed back"));
}

// ---- errors

TEST_F(Fleet, WithAnUnknownServiceGetsNoKeyAnywhere) {
  for (const std::string service : {"realy", "Relay", ""}) {
    fleetSpec().service = service;
    addDevice(1);
    apply();
    EXPECT_EQ(sweep(), 5min);
    reconcile(1);
    expectNothingWritten();
    EXPECT_EQ(fleetReady().reason, "Invalid");
    EXPECT_THAT(fleetReady().message, HasSubstr("it has: main, relay"));
    EXPECT_NE(findCondition(fleet()->status.conditions, "Stalled"), nullptr);
    EXPECT_EQ(phaseOf(1), Phase::kPending);
    EXPECT_THAT(readyOf(1).message, HasSubstr("no service"));
  }
  fleetSpec().service = "relay";
  apply();
  syncAll();
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  EXPECT_EQ(findCondition(fleet()->status.conditions, "Stalled"), nullptr);
}

TEST_F(Fleet, ThatOwnsRegistrationsButListsNoDeviceIsNotBelieved) {
  addDevice(1);
  apply();
  syncAll();
  balena().removeDevice(uuidOf(1));
  clock_.advance(10min);
  sweep();
  EXPECT_EQ(fleetReady().reason, "Unavailable");
  EXPECT_THAT(fleetReady().message, HasSubstr("not believed"));
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  EXPECT_EQ(fleet()->status.devices.stale, 0);
}

TEST_F(Fleet, ThatIsEmptyAndOwnsNothingIsFine) {
  apply();
  sweep();
  EXPECT_TRUE(fleetReady().status);
}

TEST_F(Fleet, WhoseIdHasChangedIsAnotherFleet) {
  addDevice(1);
  apply();
  syncAll();
  balena().addFleet(99, "acme/sensors", {"main", "relay"});
  balena().device(uuidOf(1)).fleetId = 99;
  clock_.advance(10min);
  sweep();
  EXPECT_EQ(fleetReady().reason, "Invalid");
  EXPECT_THAT(fleetReady().message, HasSubstr("has changed from 2000001 to 99"));
  EXPECT_EQ(fleet()->status.fleetId, kFleetId);
  EXPECT_THAT(takeQueued(), IsEmpty());
}

TEST_F(Fleet, ThatBalenaDoesNotKnowNeedsAPerson) {
  balena().removeFleet("acme/sensors");
  addDevice(1);
  apply();
  EXPECT_EQ(sweep(), 5min);
  EXPECT_EQ(fleetReady().reason, "NotFound");
  EXPECT_NE(findCondition(fleet()->status.conditions, "Stalled"), nullptr);
}

TEST_F(Fleet, WithoutItsSecretNeedsAPerson) {
  for (const std::string name : {"balena", "clearblade"}) {
    auto saved = secrets_[name];
    secrets_.erase(name);
    apply();
    sweep();
    EXPECT_EQ(fleetReady().reason, "NotFound");
    EXPECT_THAT(fleetReady().message, HasSubstr(name));
    secrets_[name] = saved;
  }
  apply();
  sweep();
  EXPECT_TRUE(fleetReady().status);
}

TEST_F(Fleet, TakesATokenWithoutTheLineBreakThatAFileHasAtItsEnd) {
  addSecret("balena", "token", "S3CRET-token\n");
  apply();
  sweep();
  EXPECT_EQ(factory_.lastToken(), "S3CRET-token");
}

TEST_F(Fleet, WithABadSeedNeedsAPerson) {
  // The second is the base64 of 24 bytes: 32 characters.
  for (const char* seed : {"S3CRET-too-short", "UzNDUkVUUzNDUkVUUzNDUkVUUzNDUkVU"}) {
    addSecret("bco-key-seed", "seed", seed);
    apply();
    sweep();
    EXPECT_EQ(fleetReady().reason, "Invalid") << seed;
    EXPECT_THAT(fleetReady().message, HasSubstr("openssl rand -base64 32"));
    EXPECT_THAT(fleetReady().message, testing::Not(HasSubstr(seed)));
  }
}

TEST_F(Fleet, IsNotJudgedWhenAnyListingFails) {
  addDevice(1);
  addDevice(2);
  apply();
  syncAll();
  balena().removeDevice(uuidOf(1));
  int failures = 0;
  for (const bool atBalena : {true, false}) {
    clock_.advance(10min);
    auto& log = atBalena ? balena().log() : registry().log();
    log.failNext(atBalena ? "listFleet" : "listRegistrations",
                 Error{ErrorCode::kUnavailable, "page 3 failed"});
    const auto next = sweep();
    EXPECT_LE(*next, 2s);
    EXPECT_EQ(fleet()->status.failureCount, ++failures);
    EXPECT_EQ(fleetReady().reason, "Unavailable");
    EXPECT_FALSE(findCondition(fleet()->status.conditions, "UpstreamAvailable")->status);
    EXPECT_EQ(phaseOf(1), Phase::kReady);
    EXPECT_THAT(takeQueued(), IsEmpty());
  }
  sweep();
  EXPECT_EQ(fleet()->status.failureCount, 0);
  EXPECT_EQ(phaseOf(1), Phase::kStale);
}

TEST_F(Fleet, ThatCantBeReadForAWhileChangesNothingAboutItsDevicesAndSaysSoOnce) {
  addDevice(1);
  deviceSpec(1).state = api::DesiredState::kAbsent;
  addDevice(2);
  deviceSpec(2).suspend = true;
  addDevice(3);
  registry().add({idOf(3), {}, {}});
  apply();
  syncAll();
  const std::vector<api::DeviceStatus> before = {object(1)->status, object(2)->status,
                                                 object(3)->status};
  EXPECT_EQ(before[0].phase, Phase::kAbsent);
  EXPECT_EQ(before[1].phase, Phase::kSuspended);
  EXPECT_EQ(before[2].phase, Phase::kConflict);
  for (const auto* message : {"balena's API is failing (503)", "it is not called for a while"}) {
    balena().log().failNext("getFleet", Error{ErrorCode::kUnavailable, message});
    sweep();
    EXPECT_THAT(std::string(fleetReady().message), HasSubstr(message));
  }
  for (int n = 1; n <= 3; ++n) {
    EXPECT_EQ(object(n)->status, before[static_cast<std::size_t>(n - 1)]) << n;
  }
  EXPECT_EQ(std::ranges::count(events_.seen(), "Warning Unavailable sensors"), 1);
  // What needs a person is told anew when it is something else that he has to do.
  balena().log().failNext("getFleet", Error{ErrorCode::kInvalid, "this"});
  sweep();
  balena().log().failNext("getFleet", Error{ErrorCode::kInvalid, "that"});
  sweep();
  EXPECT_EQ(std::ranges::count(events_.seen(), "Warning Invalid sensors"), 2);
}

TEST_F(Fleet, WhoWaitsForAListingOfTheRegistrySharesItsFailure) {
  apply();
  sweep();
  const auto view = registries_.view({"default", "main"});
  ASSERT_TRUE(view);
  clock_.advance(1h);
  const auto list = [&] { return registries_.listing(**view, clock_.now(), {}); };
  registry().log().forget();
  std::future<Result<std::shared_ptr<const RegistryListing>>> other;
  registry().log().failNext("listRegistrations", {ErrorCode::kDeadline, "silence"});
  registry().log().onCall([&](const std::string& call) {
    if (call != "listRegistrations" || other.valid()) return;
    const int before = clock_.waits();
    other = std::async(std::launch::async, list);
    while (clock_.waits() == before) std::this_thread::yield();
  });
  EXPECT_EQ(list().error().code, ErrorCode::kDeadline);
  EXPECT_EQ(other.get().error().code, ErrorCode::kDeadline);
  EXPECT_EQ(registry().log().count("listRegistrations"), 1);
}

}  // namespace
}  // namespace bco
