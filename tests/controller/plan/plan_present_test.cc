// What the table leaves open: keys that must or must not be registered, times, texts, variables.
#include <gmock/gmock.h>

#include "tests/controller/plan/builders.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using test::days;
using test::desiredDevice;
using test::kDevicePath;
using test::kNow;
using test::kUuid;
using test::Observed;
using test::outline;
using test::stepOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

// Ours, with key 2 registered, listed since 10 days and derivable; nothing is stored.
Observed ours() {
  return Observed()
      .hasPublicVariables()
      .registered()
      .credential(2)
      .marked()
      .lists(2, kNow - days(10))
      .derivable();
}

Plan planFor(const Observed& observed, const DesiredDevice& desired = desiredDevice()) {
  return plan(desired, observed.get(), kNow);
}

// ---- what stands in the way

TEST(Plan, LeavesASuspendedDeviceAlone) {
  DesiredDevice desired = desiredDevice();
  desired.suspended = true;
  const Plan planned = planFor(Observed(), desired);
  EXPECT_EQ(planned.verdict, Verdict::kWait);
  EXPECT_EQ(planned.reason, Reason::kSuspended);
  EXPECT_EQ(planned.next, std::nullopt);
}

TEST(Plan, RefusesADeviceThatSeveralObjectsDeclare) {
  DesiredDevice desired = desiredDevice();
  desired.duplicate = true;
  EXPECT_EQ(planFor(Observed(), desired).verdict, Verdict::kRefuse);
  EXPECT_EQ(planFor(Observed(), desired).reason, Reason::kDuplicateObject);
}

TEST(Plan, WaitsForADeviceThatBalenaDoesNotKnow) {
  const Plan planned = planFor(Observed().withoutDevice());
  EXPECT_EQ(planned.verdict, Verdict::kWait);
  EXPECT_EQ(planned.reason, Reason::kDeviceNotFound);
  EXPECT_TRUE(planned.steps.empty());
}

TEST(Plan, WaitsForTheServiceToBeInstalled) {
  DesiredDevice desired = desiredDevice();
  desired.service = "relay";
  const Plan planned = planFor(Observed().withoutTarget(), desired);
  EXPECT_EQ(planned.verdict, Verdict::kWait);
  EXPECT_EQ(planned.reason, Reason::kServiceNotInstalled);
  EXPECT_THAT(planned.message, HasSubstr("relay"));
}

TEST(Plan, RefusesADeviceOfAFleetThatIsNotManagedHere) {
  const Plan planned = planFor(ours().inFleet(77));
  EXPECT_EQ(planned.verdict, Verdict::kRefuse);
  EXPECT_EQ(planned.reason, Reason::kWrongFleet);
  EXPECT_THAT(planned.message, HasSubstr("correct fleetRef"));
}

TEST(Plan, SaysHowAnObjectGoesWhoseDeviceIsInAFleetThatIsNotManagedHere) {
  DesiredDevice desired = desiredDevice();
  desired.present = false;
  const Plan planned = planFor(ours().inFleet(77), desired);
  EXPECT_EQ(planned.verdict, Verdict::kRefuse);
  EXPECT_EQ(planned.reason, Reason::kWrongFleet);
  EXPECT_TRUE(planned.steps.empty());
  EXPECT_THAT(planned.message, HasSubstr("provisioning.balena-clearblade.io/release=true"));
}

TEST(Plan, ReleasesADeviceThatMovedToAnotherFleetOfOurs) {
  for (const bool present : {true, false}) {
    DesiredDevice desired = desiredDevice();
    desired.present = present;
    const Plan planned = planFor(ours().inFleet(test::kOtherFleetId), desired);
    EXPECT_EQ(planned.verdict, Verdict::kRefuse);
    EXPECT_EQ(planned.reason, Reason::kMovedToAnotherFleet);
    EXPECT_TRUE(planned.steps.empty());
  }
}

TEST(Plan, LeavesARegistrationWithABrokenMarkAlone) {
  ObservedDevice observed = ours().stores(9).get();
  observed.mark = {MarkState::kBroken, {}};
  for (const bool present : {true, false}) {
    DesiredDevice desired = desiredDevice();
    desired.present = present;
    desired.adoption = api::Adoption::kAlways;
    const Plan planned = plan(desired, observed, kNow);
    EXPECT_EQ(planned.verdict, Verdict::kRefuse);
    EXPECT_EQ(planned.reason, Reason::kMarkUnreadable);
    EXPECT_TRUE(planned.steps.empty());
  }
}

// ---- create

TEST(Plan, CreatesWithOurMarkAndALifetimeFromNow) {
  DesiredDevice desired = desiredDevice();
  desired.keys.lifetime = 48h;
  const auto create = stepOf<CreateRegistration>(
      plan(desired, Observed().get(), kNow + 789ms));  // the mark holds whole seconds
  EXPECT_EQ(create.id, "balena-" + kUuid);
  EXPECT_EQ(create.mark.owner, "site-a");
  EXPECT_EQ(create.mark.fleetId, test::kFleetId);
  EXPECT_EQ(create.key.generation, 0U);
  EXPECT_EQ(create.key.issuedAt, kNow);
  EXPECT_EQ(create.key.expiresAt, kNow + 48h);
}

TEST(Plan, PresumedAbsenceLeadsToACreateAndToNothingElse) {
  for (Observed observed : {Observed(), Observed().stores(1), Observed().hasPublicVariables()}) {
    ObservedDevice presumed = observed.get();
    presumed.registrationPresumedAbsent = true;
    const Plan planned = plan(desiredDevice(), presumed, kNow);
    ASSERT_EQ(planned.steps.size(), 2U);
    // Its create comes first and is its own check: what it refuses stops the rest.
    EXPECT_TRUE(std::holds_alternative<CreateRegistration>(planned.steps[0]));
    EXPECT_TRUE(std::holds_alternative<WriteVariables>(planned.steps[1]));
  }
}

TEST(Plan, WritesTheVariablesWithTheirValuesInOneStep) {
  const auto write = stepOf<WriteVariables>(
      planFor(Observed().variable(balena::kClientPath, "elsewhere").stores(1)));
  EXPECT_EQ(write.parent.deviceId, test::kDeviceId);
  EXPECT_EQ(write.parent.serviceInstallId, std::nullopt);
  ASSERT_EQ(write.changes.size(), 4U);
  EXPECT_EQ(write.changes[0].name, "GCP_CLIENT_PATH");
  EXPECT_EQ(std::get<std::string>(write.changes[0].value), kDevicePath);
  EXPECT_TRUE(write.changes[0].exists);
  EXPECT_EQ(write.changes[1].name, "GCP_DATA_TOPIC_ROOT");
  EXPECT_EQ(std::get<std::string>(write.changes[1].value), "/devices/balena-" + kUuid);
  EXPECT_FALSE(write.changes[1].exists);
  EXPECT_EQ(write.changes[2].name, "GCP_PROJECT_ID");
  EXPECT_EQ(std::get<std::string>(write.changes[2].value), "p");
  EXPECT_EQ(write.changes[3].name, "GCP_PRIVATE_KEY");
  EXPECT_EQ(std::get<std::uint32_t>(write.changes[3].value), 0U);
  EXPECT_TRUE(write.changes[3].exists);
}

TEST(Plan, VerifiesADeviceWhoseVariablesOutlivedItsRegistrationAfter65Minutes) {
  EXPECT_EQ(planFor(Observed().stores(1)).next, kNow + 65min);
  EXPECT_EQ(planFor(Observed()).next, kNow + spread(24h, kUuid));
}

TEST(Plan, VerifiesSoonerThanIn65MinutesWhenThePolicySaysSo) {
  DesiredDevice desired = desiredDevice();
  desired.keys.verifyInterval = 10min;
  EXPECT_EQ(planFor(Observed().stores(1), desired).next, kNow + spread(10min, kUuid));
}

// ---- deliver

TEST(Plan, RegistersTheNewestKeyAgainBeforeItIsStored) {
  const Plan planned = planFor(Observed()
                                   .hasPublicVariables()
                                   .stores(2)
                                   .registered()
                                   .credential(1)
                                   .marked()
                                   .lists(1, kNow - days(20))
                                   .lists(2, kNow - days(10))
                                   .derivable());
  EXPECT_EQ(planned.reason, Reason::kCredentialMissing);
  EXPECT_EQ(outline(planned), "keep 1 add 2 | write GCP_PRIVATE_KEY=2");
  const auto patch = stepOf<PatchRegistration>(planned);
  EXPECT_EQ(patch.numId, "4711");
  EXPECT_EQ(patch.add->issuedAt, kNow - days(10));
  EXPECT_EQ(patch.add->expiresAt, kNow - days(10) + 2160h);
}

TEST(Plan, MakesANewKeyWhenTheSeedDoesNotGiveTheNewest) {
  const Observed observed =
      Observed().hasPublicVariables().registered().credential(2).marked().lists(2, kNow - days(10));
  const Plan planned = planFor(observed);
  EXPECT_EQ(planned.reason, Reason::kKeyMissing);
  EXPECT_EQ(outline(planned), "keep 2 add 3 | write GCP_PRIVATE_KEY=3");
  const auto patch = stepOf<PatchRegistration>(planned);
  EXPECT_EQ(patch.add->issuedAt, kNow);
  EXPECT_EQ(patch.add->expiresAt, kNow + 2160h);
}

TEST(Plan, KeepsAStoredKeyThatTheSeedDoesNotGive) {
  // A changed seed alone is no reason to do anything.
  const Plan planned =
      planFor(Observed().hasPublicVariables().stores(2).registered().credential(2).marked().lists(
          2, kNow - days(10)));
  EXPECT_EQ(planned.verdict, Verdict::kInSync);
}

TEST(Plan, MakesNoSecondGenerationWithinTheHour) {
  const auto issued = [](Duration ago) {
    return Observed().hasPublicVariables().registered().credential(2).marked().lists(2, kNow - ago);
  };
  const Plan young = planFor(issued(1h - 1s));
  EXPECT_EQ(young.verdict, Verdict::kWait);
  EXPECT_EQ(young.reason, Reason::kKeyTooYoung);
  EXPECT_EQ(young.next, kNow + 1s);
  EXPECT_TRUE(young.steps.empty());
  EXPECT_EQ(outline(planFor(issued(1h))), "keep 2 add 3 | write GCP_PRIVATE_KEY=3");
}

TEST(Plan, RotatesWhatIsDueWithinTheHourWhenTheCredentialsArePatchedAnyway) {
  DesiredDevice desired = desiredDevice();
  const Duration untilDue = rotateAt(kNow, desired.keys, kUuid) - kNow;
  const auto issued = [&](Duration ago) {
    return Observed()
        .hasPublicVariables()
        .stores(2)
        .registered()
        .marked()
        .lists(2, kNow - ago)
        .derivable();
  };
  EXPECT_EQ(outline(planFor(issued(untilDue - 1h - 1s))),
            "keep none add 2 | write GCP_PRIVATE_KEY=2");
  EXPECT_EQ(outline(planFor(issued(untilDue - 1h + 1s))),
            "keep none add 3 | write GCP_PRIVATE_KEY=3");
}

TEST(Plan, RegistersAYoungKeyAgainEvenWhenShortLivedKeysAreDueAtOnce) {
  // Else the device would be cut off until the hour is over.
  DesiredDevice desired = desiredDevice();
  desired.keys.lifetime = 1h;
  desired.keys.rotateBefore = 30min;
  const Plan planned = planFor(Observed()
                                   .hasPublicVariables()
                                   .stores(2)
                                   .registered()
                                   .marked()
                                   .lists(2, kNow - 20min)
                                   .derivable(),
                               desired);
  EXPECT_EQ(outline(planned), "keep none add 2 | write GCP_PRIVATE_KEY=2");
}

TEST(Plan, NeverRegistersAStoredKeyItDoesNotKnow) {
  for (const bool derivable : {true, false}) {
    for (const auto adoption : {api::Adoption::kIfKeyMatches, api::Adoption::kAlways}) {
      DesiredDevice desired = desiredDevice();
      desired.adoption = adoption;
      Observed marked = Observed().stores(9).registered().marked().lists(2);
      if (derivable) marked.derivable();
      for (const Observed& observed :
           {marked, Observed().stores(9), Observed().stores(9).registered()}) {
        for (const Step& step : planFor(observed, desired).steps) {
          const auto* patch = std::get_if<PatchRegistration>(&step);
          if (patch == nullptr || !patch->keep) continue;
          for (const auto& credential : *patch->keep) EXPECT_NE(test::numberOf(credential), 9);
        }
      }
    }
  }
}

TEST(Plan, MarksWhatItWritesWhileTheDeviceHoldsAnUnregisteredKey) {
  EXPECT_FALSE(stepOf<CreateRegistration>(planFor(Observed())).mark.needsVerification);
  EXPECT_TRUE(stepOf<CreateRegistration>(planFor(Observed().stores(9))).mark.needsVerification);
  const auto lost = [] {
    return Observed().hasPublicVariables().registered().marked().lists(2).derivable();
  };
  EXPECT_FALSE(stepOf<PatchRegistration>(planFor(lost())).mark.needsVerification);
  EXPECT_TRUE(stepOf<PatchRegistration>(planFor(lost().stores(2))).mark.needsVerification);
  EXPECT_FALSE(stepOf<PatchRegistration>(planFor(lost().credential(1).stores(1).lists(1)))
                   .mark.needsVerification);
  // One that has expired goes with this very patch.
  EXPECT_TRUE(stepOf<PatchRegistration>(planFor(Observed()
                                                    .hasPublicVariables()
                                                    .stores(1)
                                                    .registered()
                                                    .credential(1, kNow - days(1))
                                                    .marked()
                                                    .lists(1, kNow - days(91))))
                  .mark.needsVerification);
}

TEST(Plan, TrustsAStoredKeyOnlyWhenTheMarkListsIt) {
  // Its credential is registered, by whomever: the mark decides.
  const Plan planned = planFor(ours().credential(9).stores(9));
  EXPECT_EQ(planned.reason, Reason::kKeyUnknown);
  EXPECT_EQ(outline(planned), "write GCP_PRIVATE_KEY=2");
}

TEST(Plan, WaitsWhenNoCredentialMayGo) {
  const Plan planned = planFor(Observed()
                                   .hasPublicVariables()
                                   .stores(1)
                                   .registered()
                                   .credential(1)
                                   .credential(2)
                                   .credential(3)
                                   .marked()
                                   .lists(1, kNow - days(10))
                                   .lists(2, kNow - 9min)
                                   .lists(3, kNow - 8min)
                                   .lists(4, kNow - 7min)
                                   .derivable());
  EXPECT_EQ(planned.verdict, Verdict::kWait);
  EXPECT_EQ(planned.reason, Reason::kCredentialSlotsFull);
  EXPECT_THAT(planned.message, HasSubstr("issued less than 10m ago, as revocations do"));
  EXPECT_EQ(planned.next, kNow + 10min);
}

TEST(Plan, RevokesWhateverTheRegistrationHolds) {
  DesiredDevice desired = desiredDevice();
  desired.keys.revokeBefore = kNow - 1min;
  const Observed full = Observed()
                            .hasPublicVariables()
                            .stores(1)
                            .registered()
                            .credential(1)
                            .credential(2)
                            .credential(3)
                            .marked()
                            .lists(1, kNow - 4min)
                            .lists(2, kNow - 3min)
                            .lists(3, kNow - 2min)
                            .derivable();
  const Plan planned = planFor(full, desired);
  EXPECT_EQ(planned.reason, Reason::kRevoked) << "no slot has to become free for it";
  EXPECT_EQ(outline(planned), "keep none add 4 | write GCP_PRIVATE_KEY=4");
}

TEST(Plan, DoesNotCallAKeyExpiredWhileTheClocksAreApart) {
  const Observed expired = Observed()
                               .hasPublicVariables()
                               .stores(2)
                               .registered()
                               .credential(2, kNow - days(1))
                               .marked()
                               .lists(2, kNow - days(91))
                               .derivable();
  EXPECT_EQ(planFor(expired).reason, Reason::kKeyExpired);
  for (const Duration skew : {11min, -11min}) {
    const Plan planned = planFor(Observed(expired).skewed(skew));
    EXPECT_EQ(planned.verdict, Verdict::kWait) << "nor in sync";
    EXPECT_EQ(planned.reason, Reason::kClockSkew);
    EXPECT_THAT(planned.message, HasSubstr("11m apart: set the clock"));
    EXPECT_EQ(planned.next, kNow + 5min);
  }
}

TEST(Plan, IssuesNoKeyWhileTheClocksAreApart) {
  const Observed lost = Observed().hasPublicVariables().registered().marked().lists(2).derivable();
  for (const Observed& observed : {Observed(), lost}) {
    EXPECT_EQ(planFor(observed).verdict, Verdict::kAct);
    EXPECT_EQ(planFor(Observed(observed).skewed(11min)).reason, Reason::kClockSkew);
  }
  // What is registered may be delivered, and what is sound stays.
  EXPECT_EQ(outline(planFor(Observed(ours()).skewed(11min))), "write GCP_PRIVATE_KEY=2");
  EXPECT_EQ(planFor(Observed(ours()).stores(2).skewed(11min)).verdict, Verdict::kInSync);
}

TEST(Plan, ConcludesAVerificationWhenNothingLateCanLandAnyMore) {
  const auto flagged = [](TimePoint issuedAt) {
    ObservedDevice observed = Observed()
                                  .hasPublicVariables()
                                  .stores(2)
                                  .registered()
                                  .credential(2)
                                  .marked()
                                  .lists(2, issuedAt)
                                  .metadata("site", "roof")
                                  .get();
    observed.mark.mark.needsVerification = true;
    return observed;
  };
  const Plan early = plan(desiredDevice(), flagged(kNow - 5min), kNow);
  EXPECT_EQ(early.verdict, Verdict::kInSync);
  EXPECT_EQ(early.next, kNow + 1h);
  const Plan due = plan(desiredDevice(), flagged(kNow - 65min), kNow);
  EXPECT_EQ(due.reason, Reason::kVerified);
  EXPECT_EQ(outline(due), "mark");
  EXPECT_FALSE(stepOf<PatchRegistration>(due).mark.needsVerification);
  EXPECT_THAT(stepOf<PatchRegistration>(due).metadata, Contains(Pair("site", "roof")));
}

TEST(Plan, DoesNotCallACredentialWithoutExpiryExpired) {
  const auto planned = planFor(Observed()
                                   .hasPublicVariables()
                                   .stores(2)
                                   .registered()
                                   .credential(2, std::nullopt)
                                   .marked()
                                   .lists(2, kNow - days(1000)));
  EXPECT_EQ(planned.reason, Reason::kRotated);
  EXPECT_EQ(outline(planned), "keep 2 add 3 | write GCP_PRIVATE_KEY=3");
}

TEST(Plan, DoesNotHealWhatAPersonHasBlocked) {
  ObservedDevice observed = ours().stores(2).get();
  observed.registration->blocked = true;
  EXPECT_EQ(plan(desiredDevice(), observed, kNow).verdict, Verdict::kInSync);
}

// ---- variables

TEST(Plan, CorrectsAPublicVariableWithoutTouchingTheKey) {
  const Plan planned = planFor(ours().stores(2).variable(balena::kProjectId, "other"));
  EXPECT_EQ(planned.verdict, Verdict::kAct);
  EXPECT_EQ(planned.reason, Reason::kVariablesDrifted);
  EXPECT_EQ(outline(planned), "write GCP_PROJECT_ID");
  EXPECT_TRUE(stepOf<WriteVariables>(planned).changes[0].exists);
}

TEST(Plan, WritesToTheServiceWhenThatIsTheTarget) {
  ObservedDevice observed = Observed().get();
  observed.device->target->parent = {.deviceId = {}, .serviceInstallId = 900};
  const auto write = stepOf<WriteVariables>(plan(desiredDevice(), observed, kNow));
  EXPECT_EQ(write.parent.deviceId, std::nullopt);
  EXPECT_EQ(write.parent.serviceInstallId, 900);
}

// ---- times

TEST(Plan, LooksAgainAfterTheVerifyIntervalWhenInSync) {
  EXPECT_EQ(planFor(ours().stores(2)).next, kNow + spread(24h, kUuid));
  DesiredDevice desired = desiredDevice();
  desired.keys.verifyInterval = 2h;
  EXPECT_EQ(planFor(ours().stores(2), desired).next, kNow + spread(2h, kUuid));
}

TEST(Plan, LooksAgainAfter65MinutesWhenAbsentWasWithdrawn) {
  DesiredDevice desired = desiredDevice();
  desired.returning = true;
  EXPECT_EQ(planFor(ours().stores(2), desired).next, kNow + 65min);
  EXPECT_EQ(planFor(Observed(), desired).next, kNow + 65min);
  desired.keys.verifyInterval = 30min;
  EXPECT_EQ(planFor(ours().stores(2), desired).next, kNow + spread(30min, kUuid));
}

// ---- adoption and takeover

TEST(Plan, AdoptionAddsTheMarkAndChangesNoCredential) {
  const Plan planned = planFor(Observed()
                                   .hasPublicVariables()
                                   .stores(5)
                                   .registered()
                                   .credential(5, std::nullopt)
                                   .metadata("site", "roof"));
  const auto patch = stepOf<PatchRegistration>(planned);
  EXPECT_FALSE(patch.keep);
  EXPECT_FALSE(patch.add);
  EXPECT_THAT(patch.metadata, Contains(Pair("site", "roof")));
  EXPECT_EQ(patch.mark.owner, "site-a");
  EXPECT_EQ(patch.mark.fleetId, test::kFleetId);
  EXPECT_EQ(patch.mark.incarnation, adoptedIncarnation(kUuid, "4711"));
  ASSERT_EQ(patch.mark.keys.size(), 1U);
  EXPECT_EQ(patch.mark.keys[0].shortFingerprint, test::testKey(5).fingerprint.substr(0, 16));
  EXPECT_EQ(patch.mark.keys[0].generation, 0U);
  EXPECT_EQ(patch.mark.keys[0].issuedAt, adoptedIssueTime(kNow, api::KeyPolicy{}, kUuid));
  EXPECT_EQ(readMark(patch.metadata).mark, patch.mark);
}

TEST(Plan, AdoptionCorrectsThePublicVariables) {
  EXPECT_EQ(outline(planFor(Observed().stores(5).registered().credential(5))),
            "mark | write GCP_CLIENT_PATH, GCP_DATA_TOPIC_ROOT, GCP_PROJECT_ID");
}

TEST(Plan, SaysWhyARegistrationIsNotAdopted) {
  EXPECT_THAT(planFor(Observed().registered().credential(5)).message,
              HasSubstr("no key is stored"));
  EXPECT_THAT(planFor(Observed().stores(4).registered().credential(5)).message,
              HasSubstr("is not one of its credentials"));
  EXPECT_THAT(planFor(Observed().stores(5).registered().credential(5, kNow - days(1))).message,
              HasSubstr("has expired"));
}

TEST(Plan, AdoptionWithANewKeyKeepsForeignMetadataAndCredentials) {
  DesiredDevice desired = desiredDevice();
  desired.adoption = api::Adoption::kAlways;
  const auto patch = stepOf<PatchRegistration>(planFor(
      Observed().registered().foreignCredential().credential(5).metadata("site", "roof"), desired));
  EXPECT_EQ(patch.keep->size(), 2U);
  EXPECT_THAT(patch.metadata, Contains(Pair("site", "roof")));
  EXPECT_TRUE(patch.mark.keys.empty());
  EXPECT_EQ(patch.mark.incarnation, adoptedIncarnation(kUuid, "4711"));
}

TEST(Plan, TakeoverChangesTheFleetInTheMarkAndNothingElse) {
  const Observed observed = Observed()
                                .registered()
                                .metadata("site", "roof")
                                .credential(2)
                                .marked("site-a", test::kOtherFleetId)
                                .lists(2);
  const Plan planned = planFor(observed);
  const auto patch = stepOf<PatchRegistration>(planned);
  EXPECT_FALSE(patch.keep);
  Mark expected = observed.get().mark.mark;
  expected.fleetId = test::kFleetId;
  EXPECT_EQ(patch.mark, expected);
  EXPECT_EQ(readMark(patch.metadata).mark, expected);
  EXPECT_THAT(patch.metadata, Contains(Pair("site", "roof")));
  EXPECT_EQ(planned.next, kNow);  // the variables follow by what is observed then
}

TEST(Plan, TellsPeopleWhatItDoesWithoutSecrets) {
  const Plan planned = planFor(Observed().stores(1));
  EXPECT_EQ(describe(planned.steps[0]), "create registration balena-" + kUuid + " with key 0");
  EXPECT_EQ(describe(planned.steps[1]),
            "write GCP_CLIENT_PATH, GCP_DATA_TOPIC_ROOT, GCP_PROJECT_ID, GCP_PRIVATE_KEY");
  EXPECT_EQ(describe(Step(DeleteRegistration{"4711"})), "delete registration 4711");
  EXPECT_EQ(describe(Step(DeleteVariables{})), "delete the GCP_* variables");
  PatchRegistration patch;
  EXPECT_EQ(describe(Step(patch)), "mark the registration as ours");
  patch.keep.emplace();
  EXPECT_EQ(describe(Step(patch)), "change the registration's credentials and mark");
  patch.add = NewKey{3, kNow, kNow};
  EXPECT_EQ(describe(Step(patch)), "make key 3 the registration's only one");
  patch.keep->emplace_back();
  EXPECT_EQ(describe(Step(patch)), "add key 3 to the registration");
}

}  // namespace
}  // namespace bco
