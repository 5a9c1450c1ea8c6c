// One device's way: observe, plan, apply, report, against clouds in memory.
#include <gmock/gmock.h>

#include "tests/controller/reconcile/device_world.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using api::Phase;
using test::Device;
using test::idOf;
using test::uuidOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

TEST_F(Device, IsProvisionedWithSixRequestsAlsoWhereNoListingTellsOfIt) {
  addDevice(1);
  apply();
  views_.set(test::kFleetKey, *fleets_.look(fleet()));
  forgetCalls();
  reconcile(1);
  EXPECT_EQ(requests(), 6);
  expectConnected(1);
}

TEST_F(Device, ThatSeemsNewAndIsNotIsFoundByTheCreate) {
  provision();
  variables(1).clear();
  RegistrySources unheard{context_, factory_,
                          shareSecret(SecretBytes(std::string(crypto::kSeedBytes, 'f')))};
  FleetSources fleets{context_, unheard, factory_};
  views_.set(test::kFleetKey, *fleets.look(fleet()));
  forgetCalls();
  converge(1);
  EXPECT_EQ(registry().log().calls(),
            (std::vector<std::string>{"createRegistration", "getRegistration"}));
  EXPECT_EQ(registry().size(), 1U);
  expectConnected(1);
}

TEST_F(Device, ThatWasReadAMomentAgoIsNotReadAgain) {
  addDevice(1);
  apply();
  views_.set(test::kFleetKey, *fleets_.look(fleet()));
  EarlyReads& reads = views_.earlyReads();
  const auto put = [&] {
    auto read =
        std::make_shared<EarlyRead>(EarlyRead{*balena().getDevice(uuidOf(1)), clock_.steadyNow()});
    reads.put(test::kFleetKey, uuidOf(1), read);
    return read;
  };
  reads.want(true);
  auto read = put();
  clock_.advance(EarlyReads::kLongest);
  forgetCalls();
  reconcile(1);
  EXPECT_EQ(balena().log().count("getDevice"), 0);
  expectConnected(1);
  forgetCalls();
  reconcile(1);
  EXPECT_EQ(balena().log().count("getDevice"), 1) << "it was for one pass";
  read = put();
  clock_.advance(EarlyReads::kLongest + 1ms);
  forgetCalls();
  reconcile(1);
  EXPECT_EQ(balena().log().count("getDevice"), 1) << "it was too old";
  (void)put();
  forgetCalls();
  reconcile(1);
  EXPECT_EQ(balena().log().count("getDevice"), 1) << "nobody waited any more";
  read = put();
  reads.want(false);
  reads.want(true);
  forgetCalls();
  reconcile(1);
  EXPECT_EQ(balena().log().count("getDevice"), 1) << "no passes were made meanwhile";
}

TEST_F(Device, SaysWhetherAPassHasDeliveredItsKey) {
  addDevice(1);
  apply();
  syncAll();
  const auto reason = [&] {
    return std::string(findCondition(object(1)->status.conditions, "CredentialValid")->reason);
  };
  EXPECT_EQ(reason(), "Delivered");
  reconcile(1);
  EXPECT_EQ(reason(), "Registered");
}

TEST_F(Device, IsProvisionedWithSixRequests) {
  addDevice(1);
  apply();
  sweep();
  EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1)));
  forgetCalls();
  const auto next = reconcile(1);
  EXPECT_EQ(requests(), 6);
  EXPECT_THAT(balena().log().calls(),
              ElementsAre("getDevice", "write GCP_CLIENT_PATH", "write GCP_DATA_TOPIC_ROOT",
                          "write GCP_PROJECT_ID", "write GCP_PRIVATE_KEY"));
  EXPECT_THAT(registry().log().calls(), ElementsAre("createRegistration"));
  expectConnected(1);
  EXPECT_EQ(next, spread(24h, uuidOf(1)));
  const api::DeviceStatus status = object(1)->status;
  EXPECT_EQ(status.phase, Phase::kReady);
  EXPECT_EQ(status.observedGeneration, 1);
  EXPECT_EQ(status.deviceName, balena().device(uuidOf(1)).name);
  EXPECT_EQ(status.registration,
            "projects/p/locations/us-central1/registries/r/devices/" + idOf(1));
  ASSERT_TRUE(status.key);
  EXPECT_THAT(status.key->fingerprint, HasSubstr("sha256:"));
  EXPECT_EQ(status.key->generation, 0U);
  EXPECT_EQ(status.key->issuedAt, clock_.now());
  EXPECT_EQ(status.key->expiresAt, clock_.now() + 2160h);
  EXPECT_EQ(status.key->verifiedAt, clock_.now());
  EXPECT_EQ(status.key->rotateAt, rotateAt(clock_.now(), api::KeyPolicy{}, uuidOf(1)));
  EXPECT_EQ(readyOf(1).reason, "Synced");
}

TEST_F(Device, GetsItsFinalizerBeforeTheFirstWriteAndNotBefore) {
  addDevice(1);
  apply();
  sweep();
  int watched = 0;
  registry().log().onCall([&](const std::string& call) {
    if (call != "createRegistration") return;
    ++watched;
    EXPECT_TRUE(object(1)->meta.hasFinalizer());
  });
  balena().log().onCall([&](const std::string& call) {
    EXPECT_EQ(object(1)->meta.hasFinalizer(), call != "getDevice") << call;
  });
  reconcile(1);
  EXPECT_EQ(watched, 1);
}

TEST_F(Device, ThatIsDeletedBeforeItHasItsFinalizerIsNotWrittenToAnyCloud) {
  addDevice(1);
  apply();
  sweep();
  balena().log().onCall([this](const std::string& call) {
    const auto seen = object(1);
    if (call != "getDevice" || seen == nullptr) return;
    ASSERT_TRUE(store_.devices().remove(seen->meta.key, seen->meta.uid));
  });
  EXPECT_EQ(reconcile(1), 0s) << "to see what has become of it";
  EXPECT_EQ(reconcile(1), std::nullopt);
  EXPECT_EQ(writes(), 0);
  EXPECT_EQ(registry().size(), 0U);
  EXPECT_EQ(tally_.counts().total, 0);
}

TEST_F(Device, ThatIsDeletedWhileItIsLookedAtIsNotRegisteredAgain) {
  fleetSpec().deletionPolicy = api::DeletionPolicy::kDelete;
  provision();
  registry().remove(idOf(1));
  balena().log().onCall([this](const std::string& call) {
    const auto seen = object(1);
    if (call != "getDevice" || seen == nullptr) return;
    ASSERT_TRUE(store_.devices().remove(seen->meta.key, seen->meta.uid));
  });
  reconcile(1);
  EXPECT_EQ(registry().log().count("createRegistration"), 0);
  converge(1);
  EXPECT_EQ(object(1), nullptr);
  EXPECT_EQ(registry().size(), 0U);
}

TEST_F(Device, StaysUntouchedOnceInSync) {
  provision();
  syncAll();
  EXPECT_EQ(reconcile(1), spread(24h, uuidOf(1)));
  EXPECT_EQ(writes(), 0);
}

TEST_F(Device, GetsTheSameKeyAgainWhenItsVariableIsLost) {
  provision();
  const std::string key = variables(1).at("GCP_PRIVATE_KEY");
  variables(1).erase("GCP_PRIVATE_KEY");
  clock_.advance(10min);
  syncAll();
  EXPECT_EQ(variables(1).at("GCP_PRIVATE_KEY"), key);
  EXPECT_EQ(writes(), 1);
  expectConnected(1);
}

TEST_F(Device, GetsItsKeyBackWhenSomebodyStoredAnother) {
  provision();
  const std::string key = variables(1).at("GCP_PRIVATE_KEY");
  const auto stranger = crypto::PrivateKey::generate();
  variables(1)["GCP_PRIVATE_KEY"] = std::string(toVariableValue(*stranger).reveal());
  reconcile(1);
  EXPECT_EQ(variables(1).at("GCP_PRIVATE_KEY"), key);
  EXPECT_THAT(registry().log().calls(), Not(Contains("patchRegistration")));
}

TEST_F(Device, GetsANewKeyWhenTheSeedHasChanged) {
  provision();
  clock_.advance(2h);
  addSecret("bco-key-seed", "seed", std::string(crypto::kSeedBytes, '!'));
  apply();
  variables(1).erase("GCP_PRIVATE_KEY");
  syncAll();
  expectConnected(1);
  EXPECT_EQ(object(1)->status.key->generation, 1U);
  EXPECT_EQ(registry().at(idOf(1)).credentials.size(), 2U) << "the old one until it expires";
}

TEST_F(Device, IsRegisteredAgainWhenSomebodyDeletedItsRegistration) {
  provision();
  const std::string key = variables(1).at("GCP_PRIVATE_KEY");
  registry().remove(idOf(1));
  clock_.advance(10min);
  syncAll();
  converge(1);
  expectConnected(1);
  EXPECT_NE(variables(1).at("GCP_PRIVATE_KEY"), key) << "each registration has its own incarnation";
}

TEST_F(Device, GetsItsVariablesOnTheServiceAndNowhereElse) {
  fleetSpec().service = "relay";
  addDevice(1);
  apply();
  syncAll();
  EXPECT_EQ(phaseOf(1), Phase::kReady) << readyOf(1).message;
  EXPECT_THAT(variables(1), IsEmpty());
  auto& row = balena().device(uuidOf(1));
  EXPECT_THAT(row.installVariables[row.installs.at(test::kFleetId + 1)], IsEmpty());
  expectConnected(1, row.installVariables[row.installs.at(test::kFleetId + 2)]);
}

TEST_F(Device, WaitsForItsServiceToBeInstalled) {
  fleetSpec().service = "relay";
  addDevice(1);
  balena().device(uuidOf(1)).installs.clear();
  apply();
  syncAll();
  EXPECT_EQ(phaseOf(1), Phase::kWaiting);
  EXPECT_EQ(readyOf(1).reason, "ServiceNotInstalled");
  EXPECT_EQ(writes(), 0);
}

// ---- adoption

TEST_F(Device, IsAdoptedByItsMetadataAlone) {
  const std::string key = preprovision(1);
  apply();
  syncAll();
  EXPECT_EQ(phaseOf(1), Phase::kReady) << readyOf(1).message;
  EXPECT_EQ(writes(), 1);
  EXPECT_EQ(variables(1).at("GCP_PRIVATE_KEY"), key);
  EXPECT_EQ(registry().at(idOf(1)).credentials.size(), 1U);
  EXPECT_THAT(registry().at(idOf(1)).metadata, Contains(Pair("site", "roof")));
  expectConnected(1);
  ASSERT_TRUE(object(1)->status.key);
  EXPECT_EQ(object(1)->status.key->issuedAt,
            adoptedIssueTime(clock_.now(), api::KeyPolicy{}, uuidOf(1)));
  EXPECT_TRUE(object(1)->status.key->rotateAt);
  forgetCalls();
  clock_.advance(10min);
  syncAll();
  EXPECT_EQ(writes(), 0);
}

TEST_F(Device, IsNotAdoptedWithoutItsKeyUnlessAlways) {
  preprovision(1);
  variables(1).erase("GCP_PRIVATE_KEY");
  apply();
  syncAll();
  EXPECT_EQ(phaseOf(1), Phase::kConflict);
  EXPECT_EQ(readyOf(1).reason, "KeyMismatch");
  EXPECT_EQ(writes(), 0);
  deviceSpec(1).adoption = api::Adoption::kAlways;
  apply();
  syncAll();
  EXPECT_EQ(phaseOf(1), Phase::kReady) << readyOf(1).message;
  expectConnected(1);
  EXPECT_EQ(registry().at(idOf(1)).credentials.size(), 2U);
}

// ---- removal

TEST_F(Device, IsDeprovisionedWhenAbsentIsDesiredAndProvisionedAgainAfterwards) {
  provision();
  deviceSpec(1).state = api::DesiredState::kAbsent;
  apply();
  reconcile(1);
  EXPECT_EQ(phaseOf(1), Phase::kAbsent);
  EXPECT_EQ(registry().size(), 0U);
  EXPECT_THAT(variables(1), IsEmpty());
  EXPECT_FALSE(object(1)->status.key);
  EXPECT_EQ(object(1)->status.registration, "");
  forgetCalls();
  clock_.advance(10min);
  syncAll();
  EXPECT_EQ(writes(), 0);

  deviceSpec(1).state = api::DesiredState::kPresent;
  apply();
  balena().log().failNext("getDevice", Error{ErrorCode::kUnavailable, "down"});
  reconcile(1);
  EXPECT_EQ(reconcile(1), 65min) << "a late request of the removal may still land";
  expectConnected(1);
}

TEST_F(Device, DeletedGoesAccordingToItsPolicy) {
  for (const auto policy : {api::DeletionPolicy::kRetain, api::DeletionPolicy::kDelete}) {
    const int n = policy == api::DeletionPolicy::kRetain ? 1 : 2;
    addDevice(n);
    deviceSpec(n).deletionPolicy = policy;
    apply();
    syncAll();
    ASSERT_EQ(phaseOf(n), Phase::kReady);
    const auto meta = object(n)->meta;
    ASSERT_TRUE(store_.devices().remove(meta.key, meta.uid));
    EXPECT_EQ(reconcile(n), std::nullopt);
    EXPECT_EQ(object(n), nullptr) << "nobody brings it back for another pass";
    EXPECT_EQ(registry().has(idOf(n)), policy == api::DeletionPolicy::kRetain);
    EXPECT_EQ(variables(n).empty(), policy == api::DeletionPolicy::kDelete);
  }
}

TEST_F(Device, DeletedWithDeleteGoesEvenIfItsRegistrationIsNotOurs) {
  provision();
  deviceSpec(1).deletionPolicy = api::DeletionPolicy::kDelete;
  apply();
  registry().at(idOf(1)).metadata["bco-owner"] = "site-b";
  const auto meta = object(1)->meta;
  ASSERT_TRUE(store_.devices().remove(meta.key, meta.uid));
  reconcile(1);
  EXPECT_EQ(object(1), nullptr);
  EXPECT_EQ(writes(), 0);
}

// ---- modes

TEST_F(Device, IsOnlyLookedAtInObserveMode) {
  fleetSpec().mode = api::Mode::kObserve;
  addDevice(1);
  apply();
  syncAll();
  EXPECT_EQ(writes(), 0);
  EXPECT_EQ(phaseOf(1), Phase::kPending);
  EXPECT_EQ(readyOf(1).reason, "NotRegistered");
  EXPECT_THAT(readyOf(1).message, HasSubstr("would create registration"));
  EXPECT_FALSE(object(1)->meta.hasFinalizer());
}

TEST_F(Device, IsNeitherReadNorWrittenWhileSuspended) {
  addDevice(1);
  deviceSpec(1).suspend = true;
  apply();
  sweep();
  forgetCalls();
  EXPECT_EQ(reconcile(1), std::nullopt);
  EXPECT_EQ(requests(), 0);
  EXPECT_EQ(phaseOf(1), Phase::kSuspended);
  deviceSpec(1).suspend = false;
  apply();
  reconcile(1);
  EXPECT_EQ(phaseOf(1), Phase::kReady);
}

TEST_F(Device, ShowsABlockedRegistrationAndLeavesItBlocked) {
  provision();
  registry().at(idOf(1)).blocked = true;
  reconcile(1);
  EXPECT_NE(findCondition(object(1)->status.conditions, "Blocked"), nullptr);
  EXPECT_EQ(writes(), 0);
  registry().at(idOf(1)).blocked = false;
  reconcile(1);
  EXPECT_EQ(findCondition(object(1)->status.conditions, "Blocked"), nullptr);
}

TEST_F(Device, SaysThatItsKeyIsAtAnotherPlaceTooUntilItIsNot) {
  fleetSpec().service = "relay";
  provision();
  auto& row = balena().device(uuidOf(1));
  for (const auto& [id, held] : row.installVariables)
    row.variables.insert(held.begin(), held.end());
  reconcile(1);
  const auto told = object(1);
  const auto* condition = findCondition(told->status.conditions, "KeyElsewhere");
  ASSERT_NE(condition, nullptr);
  EXPECT_THAT(condition->message, HasSubstr("on the device"));
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  EXPECT_EQ(writes(), 0);
  EXPECT_THAT(events_.seen(), Contains("Warning CopyOfKey gate-1"));
  reconcile(1);
  const std::vector<std::string> seen = events_.seen();
  EXPECT_EQ(std::ranges::count(seen, "Warning CopyOfKey gate-1"), 1);
  row.variables.erase("GCP_PRIVATE_KEY");
  reconcile(1);
  EXPECT_EQ(findCondition(object(1)->status.conditions, "KeyElsewhere"), nullptr);
  EXPECT_THAT(events_.seen(), Contains("Normal KeyElsewhereNoMore gate-1"));
}

TEST_F(Device, SaysWhatAPersonShouldKnowWhateverBecomesOfThePass) {
  provision();
  registry().at(idOf(1)).blocked = true;
  balena().device(uuidOf(1)).variables.erase("GCP_PROJECT_ID");
  balena().log().failNext("write GCP_PROJECT_ID", {ErrorCode::kInvalid, "no"});
  reconcile(1);
  ASSERT_EQ(phaseOf(1), Phase::kFailed);
  EXPECT_NE(findCondition(object(1)->status.conditions, "Blocked"), nullptr);
  EXPECT_THAT(events_.seen(), Contains("Warning BlockedInRegistry gate-1"));
}

TEST_F(Device, ThatIsToGoIsNotToldOfWhatGoesWithIt) {
  fleetSpec().service = "relay";
  provision();
  auto& row = balena().device(uuidOf(1));
  for (const auto& [id, held] : row.installVariables) {
    row.variables.insert(held.begin(), held.end());
  }
  deviceSpec(1).state = api::DesiredState::kAbsent;
  apply();
  reconcile(1);
  EXPECT_EQ(phaseOf(1), Phase::kAbsent);
  EXPECT_EQ(findCondition(object(1)->status.conditions, "KeyElsewhere"), nullptr);
  EXPECT_THAT(events_.seen(), Not(Contains("Warning CopyOfKey gate-1")));
  EXPECT_EQ(row.variables.count("GCP_PRIVATE_KEY"), 0U);
}

TEST_F(Device, SaysNothingToBeOverWhileNobodyCanLook) {
  provision();
  registry().at(idOf(1)).blocked = true;
  reconcile(1);
  balena().device(uuidOf(1)).fleetId = 99;
  reconcile(1);
  EXPECT_NE(findCondition(object(1)->status.conditions, "Blocked"), nullptr);
  balena().removeDevice(uuidOf(1));
  reconcile(1);
  EXPECT_NE(findCondition(object(1)->status.conditions, "Blocked"), nullptr);
  EXPECT_THAT(events_.seen(), Not(Contains("Normal Unblocked gate-1")));
}

TEST_F(Device, ThatIsBoundToAGatewaySaysSoUntilItIsUnboundAndRemoved) {
  provision();
  deviceSpec(1).state = api::DesiredState::kAbsent;
  apply();
  Error bound{ErrorCode::kInvalid, "bound"};
  bound.reason = clearblade::kBoundToGateway;
  registry().log().failNext("deleteRegistration", bound);
  ASSERT_TRUE(reconcile(1)) << "it comes again by itself";
  const auto condition = [&]() -> std::optional<api::Condition> {
    const auto seen = object(1);
    const auto* found = findCondition(seen->status.conditions, "BoundToGateway");
    return found == nullptr ? std::nullopt : std::optional(*found);
  };
  ASSERT_TRUE(condition());
  EXPECT_THAT(condition()->message, HasSubstr("unbind"));
  EXPECT_EQ(readyOf(1).reason, "BoundToGateway");
  EXPECT_NE(findCondition(object(1)->status.conditions, "Stalled"), nullptr);
  // Not known to be so any more, and not known not to be.
  balena().log().failNext("getDevice", Error{ErrorCode::kUnavailable, "down"});
  reconcile(1);
  EXPECT_TRUE(condition());
  converge(1);
  EXPECT_FALSE(condition());
  EXPECT_EQ(phaseOf(1), Phase::kAbsent);
}

TEST_F(Device, TellsWhenItWasLastSeenAlongWithAnotherChangeAlone) {
  provision();
  const auto first = clock_.now();
  registry().at(idOf(1)).lastSeen = first;
  clock_.advance(1s);
  reconcile(1);
  EXPECT_EQ(object(1)->status.lastSeen, first) << "along with verifiedAt";
  registry().at(idOf(1)).metadata.clear();
  deviceSpec(1).adoption = api::Adoption::kNever;
  apply();
  reconcile(1);
  ASSERT_EQ(phaseOf(1), Phase::kConflict);
  registry().at(idOf(1)).lastSeen = clock_.now();
  clock_.advance(1h);
  reconcile(1);
  EXPECT_EQ(object(1)->status.lastSeen, first) << "nothing else has changed";
}

TEST_F(Device, PreviewWritesNothing) {
  addDevice(1);
  apply();
  sweep();
  forgetCalls();
  const Pass pass = reconciler_.preview(*object(1));
  EXPECT_EQ(pass.plan.reason, Reason::kNotRegistered);
  EXPECT_EQ(writes(), 0);
  EXPECT_EQ(object(1)->status.observedGeneration, -1);
}

TEST_F(Device, NeverLogsAKeyOrAToken) {
  provision();
  variables(1).erase("GCP_PRIVATE_KEY");
  reconcile(1);
  EXPECT_THAT(logged_.str(), Not(HasSubstr(variables(1).at("GCP_PRIVATE_KEY").substr(0, 60))));
  EXPECT_THAT(logged_.str(), Not(HasSubstr("S3CRET")));
  EXPECT_THAT(logged_.str(), HasSubstr(uuidOf(1)));
}

TEST_F(Device, ThatNobodyDesiresIsLeftAlone) {
  apply();
  EXPECT_EQ(reconcile(7), std::nullopt);
  EXPECT_EQ(requests(), 0);
}

}  // namespace
}  // namespace bco
