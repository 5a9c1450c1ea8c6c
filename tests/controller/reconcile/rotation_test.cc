// A key's life over time: rotated, renewed, extended, revoked, against clouds in memory.
#include <gmock/gmock.h>

#include "plan/rotation.h"
#include "tests/controller/reconcile/world.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using api::Phase;
using test::idOf;
using test::uuidOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class KeyLife : public test::World {
 protected:
  void provision(int n = 1) {
    addDevice(n);
    apply();
    syncAll();
    ASSERT_EQ(phaseOf(n), Phase::kReady) << readyOf(n).message;
    forgetCalls();
  }
  [[nodiscard]] api::KeyStatus keyOf(int n) { return *object(n)->status.key; }
  // The device's next rotation is due.
  void advanceToRotation(int n = 1) {
    clock_.advance(std::chrono::ceil<std::chrono::seconds>(*keyOf(n).rotateAt) - clock_.now());
  }
  [[nodiscard]] std::string storedKey(int n) { return variables(n).at("GCP_PRIVATE_KEY"); }
  [[nodiscard]] std::size_t credentials(int n) { return registry().at(idOf(n)).credentials.size(); }
  void goOffline(int n) {
    balena().device(uuidOf(n)).isOnline = false;
    balena().device(uuidOf(n)).lastConnectivityEvent = clock_.now();
  }
  void comeBack(int n) {
    balena().device(uuidOf(n)).isOnline = true;
    balena().device(uuidOf(n)).lastConnectivityEvent = clock_.now();
  }
};

TEST_F(KeyLife, IsRotatedWithFiveRequestsAndOneWrittenVariable) {
  provision();
  const std::string before = storedKey(1);
  advanceToRotation();
  sweep();
  EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1)));
  forgetCalls();
  reconcile(1);
  EXPECT_THAT(balena().log().calls(),
              ElementsAre("getDevice", "write GCP_PRIVATE_KEY", "hasVariable"));
  EXPECT_THAT(registry().log().calls(), ElementsAre("getRegistration", "patchRegistration"));
  EXPECT_NE(storedKey(1), before);
  EXPECT_EQ(credentials(1), 2U) << "the old key goes on";
  expectConnected(1);
  EXPECT_EQ(keyOf(1).generation, 1U);
  EXPECT_EQ(keyOf(1).issuedAt, clock_.now());
  EXPECT_EQ(keyOf(1).expiresAt, clock_.now() + 2160h);
  EXPECT_EQ(keyOf(1).rotateAt, rotateAt(clock_.now(), api::KeyPolicy{}, uuidOf(1)));
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  EXPECT_THAT(events_.seen(), Contains("Normal Rotated gate-1"));
}

TEST_F(KeyLife, GoesOnForYearsWithAtMostThreeCredentials) {
  provision();
  std::set<std::string> keys;
  for (int rotation = 0; rotation < 20; ++rotation) {
    keys.insert(storedKey(1));
    advanceToRotation();
    syncAll();
    EXPECT_LE(credentials(1), 2U) << "expired ones are dropped";
    expectConnected(1);
  }
  EXPECT_THAT(keys, SizeIs(20));
  EXPECT_EQ(keyOf(1).generation, 20U);
}

TEST_F(KeyLife, ComesWithoutASweepToo) {
  provision();
  fleetSpec().keys.verifyInterval = 10000h;
  apply();
  sweep();
  const auto next = reconcile(1);
  ASSERT_TRUE(next);
  EXPECT_EQ(clock_.now() + *next, keyOf(1).rotateAt);
}

TEST_F(KeyLife, NoticesThatItsVariableWentWhileItWasWritten) {
  provision();
  advanceToRotation();
  bool gone = false;
  balena().log().onCall([&](const std::string& call) {
    if (call == "write GCP_PRIVATE_KEY" && !gone) {
      gone = true;
      variables(1).erase("GCP_PRIVATE_KEY");
    }
  });
  EXPECT_EQ(reconcile(1), Duration::zero());
  reconcile(1);
  expectConnected(1);
  EXPECT_EQ(keyOf(1).generation, 1U) << "the same key, not another one";
}

// Whatever fails, before or after it has taken effect: what is stored is always registered.
class FaultyRotation : public KeyLife,
                       public testing::WithParamInterface<std::tuple<std::string, test::Moment>> {};

TEST_P(FaultyRotation, NeverCutsTheDeviceOff) {
  const auto& [call, moment] = GetParam();
  provision();
  advanceToRotation();
  const auto watch = [&](const std::string&) { expectConnected(1); };
  balena().log().onCall(watch);
  registry().log().onCall(watch);
  for (int i = 0; i < 3; ++i) {
    auto& log = call.starts_with("write") || call == "getDevice" || call == "hasVariable"
                    ? balena().log()
                    : registry().log();
    log.failNext(call, Error{ErrorCode::kUnavailable, "fault"}, moment);
  }
  converge(1);
  expectConnected(1);
  EXPECT_EQ(keyOf(1).generation, 1U);
  EXPECT_EQ(credentials(1), 2U);
}

INSTANTIATE_TEST_SUITE_P(
    AtEachCall, FaultyRotation,
    testing::Combine(testing::Values("getDevice", "getRegistration", "patchRegistration",
                                     "write GCP_PRIVATE_KEY", "hasVariable"),
                     testing::Values(test::Moment::kBefore, test::Moment::kAfter)));

// ---- offline

TEST_F(KeyLife, OfAnOfflineDeviceIsExtendedAndRotatedWhenItIsBack) {
  provision();
  clock_.advance(2h);
  goOffline(1);
  const std::string held = storedKey(1);
  clock_.advance(*keyOf(1).expiresAt - clock_.now() - 15 * 24h);
  forgetCalls();
  syncAll();
  EXPECT_THAT(registry().log().calls(), Contains("patchRegistration"));
  EXPECT_EQ(storedKey(1), held);
  EXPECT_EQ(keyOf(1).expiresAt, clock_.now() + 15 * 24h + 2160h) << "what is so, at once";
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  expectConnected(1);
  // Nothing more while it is away.
  forgetCalls();
  for (int day = 0; day < 60; ++day) {
    clock_.advance(24h);
    syncAll();
    reconcile(1);
  }
  EXPECT_EQ(writes(), 0);
  expectConnected(1);
  comeBack(1);
  reconcile(1);
  EXPECT_NE(storedKey(1), held);
  expectConnected(1);
}

TEST_F(KeyLife, OfAnOfflineDeviceIsNotLookedAtByEverySweep) {
  provision();
  clock_.advance(2h);
  goOffline(1);
  advanceToRotation();
  sweep();
  EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1)));
  reconcile(1);
  for (int i = 0; i < 5; ++i) {
    clock_.advance(5min);
    sweep();
    EXPECT_THAT(takeQueued(), IsEmpty());
  }
}

// ---- policies that change

TEST_F(KeyLife, IsShortenedByANewPolicyAndTheStatusSaysWhen) {
  provision();
  clock_.advance(20 * 24h);
  sweep();
  takeQueued();
  fleetSpec().keys.lifetime = 10 * 24h;
  fleetSpec().keys.rotateBefore = 4 * 24h;
  apply();
  sweep();
  const TimePoint promised = *keyOf(1).rotateAt;
  EXPECT_GE(promised, clock_.now());
  EXPECT_LE(promised, clock_.now() + 10 * 24h);
  clock_.advance(24h);
  sweep();
  EXPECT_EQ(keyOf(1).rotateAt, promised) << "it stays";
  clock_.advance(std::max(promised - clock_.now(), Duration(0)));
  syncAll();
  EXPECT_EQ(keyOf(1).generation, 1U);
  EXPECT_EQ(keyOf(1).expiresAt, clock_.now() + 10 * 24h);
}

TEST_F(KeyLife, OfAWholeFleetIsRenewedAtItsPace) {
  for (int n = 1; n <= 6; ++n) addDevice(n);
  apply();
  syncAll();
  clock_.advance(24h);
  fleetSpec().keys.renewAfter = clock_.now();
  fleetSpec().keys.renewal = {2, 0s};
  apply();
  sweep();
  EXPECT_EQ(fleet()->status.renewal, (api::RenewalStatus{6, 0}));
  const auto queued = takeQueued();
  EXPECT_THAT(queued, SizeIs(6));
  std::vector<Duration> waits;
  for (const auto& uuid : queued) waits.push_back(*reconciler_.reconcile(uuid));
  fleetSync_.refresh(test::kFleetKey);
  EXPECT_EQ(fleet()->status.renewal, (api::RenewalStatus{6, 2}));
  EXPECT_THAT(std::vector(waits.begin() + 2, waits.end()), ElementsAre(1min, 1min, 2min, 2min));
  for (int n = 1; n <= 6; ++n) EXPECT_EQ(phaseOf(n), Phase::kReady);
  clock_.advance(1min);
  for (const auto& uuid : queued) reconciler_.reconcile(uuid);
  clock_.advance(1min);
  for (const auto& uuid : queued) reconciler_.reconcile(uuid);
  fleetSync_.refresh(test::kFleetKey);
  EXPECT_EQ(fleet()->status.renewal, (api::RenewalStatus{6, 6}));
  for (int n = 1; n <= 6; ++n) {
    EXPECT_EQ(keyOf(n).generation, 1U);
    expectConnected(n);
  }
}

TEST_F(KeyLife, OfOneDeviceIsRenewedAtOnce) {
  provision();
  clock_.advance(24h);
  fleetSpec().keys.renewal = {1, 1000h};
  deviceSpec(1).keys.renewAfter = clock_.now();
  apply();
  syncAll();
  EXPECT_EQ(keyOf(1).generation, 1U);
  EXPECT_EQ(fleet()->status.renewal, api::RenewalStatus{});
}

TEST_F(KeyLife, ThatIsRevokedIsServedBeforeEverythingElse) {
  provision(1);
  provision(2);
  clock_.advance(24h);
  const std::string leaked = storedKey(2);
  deviceSpec(2).keys.revokeBefore = clock_.now();
  addDevice(3);
  variables(1).erase("GCP_PRIVATE_KEY");
  apply();
  sweep();
  EXPECT_EQ(takeQueued().front(), uuidOf(2));
  forgetCalls();
  EXPECT_EQ(reconcile(2), 5min);
  EXPECT_EQ(credentials(2), 1U);
  EXPECT_NE(storedKey(2), leaked);
  expectConnected(2);
  EXPECT_THAT(events_.seen(), Contains("Normal Revoked gate-2"));
}

TEST_F(KeyLife, ThatIsRevokedStaysCutWhenALateRequestBringsItBack) {
  provision();
  clock_.advance(24h);
  const auto old = registry().at(idOf(1)).credentials.front();
  fleetSpec().keys.revokeBefore = clock_.now();
  apply();
  syncAll();
  clock_.advance(30min);
  registry().at(idOf(1)).credentials.push_back(old);
  syncAll();
  EXPECT_EQ(credentials(1), 1U);
  EXPECT_EQ(keyOf(1).generation, 1U) << "the key it has since is good";
  expectConnected(1);
}

// Times of issue are kept in whole seconds.
TEST_F(KeyLife, IsRevokedOnceByATimeWithAFraction) {
  provision();
  clock_.advance(24h + 20ms);
  fleetSpec().keys.revokeBefore = clock_.now();
  apply();
  clock_.advance(500ms);
  syncAll();
  EXPECT_EQ(keyOf(1).generation, 1U);
  clock_.advance(1s);
  forgetCalls();
  syncAll();
  reconcile(1);
  EXPECT_EQ(keyOf(1).generation, 1U) << "what was issued since is good";
  EXPECT_THAT(registry().log().calls(), Not(Contains("patchRegistration")));
  expectConnected(1);
}

TEST_F(KeyLife, IsRenewedOnceByATimeWithAFraction) {
  provision();
  clock_.advance(24h + 20ms);
  fleetSpec().keys.renewal = {10, 0s};
  fleetSpec().keys.renewAfter = clock_.now();
  apply();
  clock_.advance(500ms);
  syncAll();
  EXPECT_EQ(keyOf(1).generation, 1U);
  sweep();
  EXPECT_EQ(fleet()->status.renewal, (api::RenewalStatus{1, 1}));
  clock_.advance(61min);
  syncAll();
  EXPECT_EQ(keyOf(1).generation, 1U);
}

// ---- restart

TEST_F(KeyLife, OfADeliveryThatAnEarlierProcessDidNotComeToIsFoundSoonAfterARestart) {
  provision();
  advanceToRotation();
  balena().log().failNext("write GCP_PRIVATE_KEY", Error{ErrorCode::kUnavailable, "killed"});
  reconcile(1);
  // Another process, which knows nothing of this one.
  store::MemoryStore store(clock_, {});
  api::Manifests manifests;
  manifests.registries = manifests_.registries;
  manifests.fleets = manifests_.fleets;
  manifests.devices = manifests_.devices;
  for (const auto& [name, values] : secrets_) {
    for (const auto& [key, value] : values) {
      manifests.secrets[{"default", name}].values[key] = SecretBytes(value);
    }
  }
  store.apply(std::move(manifests));
  FleetViews views;
  Tally tally;
  const Context context{store, views, tally, clock_, random_, log_, events_, {}};
  RegistrySources registries(context, factory_,
                             shareSecret(SecretBytes(std::string(crypto::kSeedBytes, 'f'))));
  FleetSources fleets(context, registries, factory_);
  WorkQueue queue(clock_);
  FleetSync sync(context, fleets, registries, queue);
  sync.sync(test::kFleetKey, {});
  EXPECT_EQ(queue.depth(), 0U);
  clock_.advance(5min);
  EXPECT_EQ(queue.take({}), uuidOf(1));
  DeviceReconciler(context).reconcile(uuidOf(1));
  expectConnected(1);
  EXPECT_EQ(credentials(1), 2U);
  EXPECT_EQ(store.devicesByUuid(uuidOf(1)).front()->status.key->generation, 1U);
}

TEST_F(KeyLife, ThatAnotherProcessHasRotatedIsLookedAt) {
  provision();
  advanceToRotation();
  const api::DeviceStatus before = object(1)->status;
  reconcile(1);
  ASSERT_TRUE(store_.devices().setStatus(object(1)->meta.key, object(1)->meta.uid, before));
  clock_.advance(1min);
  sweep();
  EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1)));
  reconcile(1);
  EXPECT_EQ(keyOf(1).generation, 1U);
  EXPECT_EQ(credentials(1), 2U);
}

// ---- what a fleet may say

TEST_F(KeyLife, KeepsToMaintenanceWindows) {
  provision();
  fleetSpec().keys.windows = {{{"Sat"}, "02:00", 4h, "Europe/Berlin"}};
  apply();
  clock_.advance(5min);
  sweep();
  advanceToRotation();
  const TimeZone berlin = *TimeZone::load("Europe/Berlin");
  const LocalTime at = berlin.toLocal(clock_.now());
  const auto day = std::chrono::floor<std::chrono::days>(at);
  EXPECT_EQ(std::chrono::weekday(day), std::chrono::Saturday);
  EXPECT_GE(at - LocalTime(day), 2h);
  EXPECT_LT(at - LocalTime(day), 6h);
  syncAll();
  EXPECT_EQ(keyOf(1).generation, 1U);
}

TEST_F(KeyLife, WithAnUnknownTimeZoneNeedsAPerson) {
  fleetSpec().keys.windows = {{{}, "02:00", 4h, "Europe/Atlantis"}};
  apply();
  sweep();
  EXPECT_EQ(fleetReady().reason, "Invalid");
  EXPECT_THAT(fleetReady().message, HasSubstr("Europe/Atlantis"));
}

TEST_F(KeyLife, OfMinutesIsForRegistriesOnThisMachineAlone) {
  fleetSpec().keys.lifetime = 10min;
  fleetSpec().keys.rotateBefore = 5min;
  const auto account = [](const std::string& url) {
    return R"({"systemKey":"k","token":"t","project":"p","url":")" + url + "\"}";
  };
  addSecret("clearblade", "service-account.json", account("https://iot.clearblade.com"));
  apply();
  sweep();
  EXPECT_EQ(fleetReady().reason, "Invalid");
  EXPECT_THAT(fleetReady().message, HasSubstr("less than an hour"));
  addSecret("clearblade", "service-account.json", account("http://127.0.0.1:9"));
  apply();
  sweep();
  EXPECT_TRUE(fleetReady().status) << fleetReady().message;
}

// ---- repairs

TEST_F(KeyLife, IsGivenBackWhereItWasPutAtTheOtherLevel) {
  fleetSpec().service = "relay";
  provision();
  auto& row = balena().device(uuidOf(1));
  for (auto& [id, held] : row.installVariables) row.variables.merge(held);
  clock_.advance(5min);
  syncAll();
  int holders = 0;
  for (const auto& [id, held] : row.installVariables) {
    if (held.empty()) continue;
    ++holders;
    expectConnected(1, held);
  }
  EXPECT_EQ(holders, 1);
}

TEST_F(KeyLife, EditedInTheRegistrationIsPutRight) {
  provision();
  registry().at(idOf(1)).credentials.clear();
  clock_.advance(5min);
  syncAll();
  expectConnected(1);
  EXPECT_EQ(keyOf(1).generation, 0U);
}

}  // namespace
}  // namespace bco
