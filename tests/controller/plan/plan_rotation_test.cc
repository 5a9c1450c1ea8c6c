// Rotation as plans: what is patched, what is written, and when nothing is.
#include <gmock/gmock.h>

#include "tests/controller/plan/builders.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using test::days;
using test::desiredDevice;
using test::kNow;
using test::kUuid;
using test::Observed;
using test::outline;
using test::stepOf;

// Ours and online; key 2 is stored, registered and was issued so long ago.
Observed holding(Duration age, std::optional<TimePoint> expiresAt) {
  return Observed()
      .hasPublicVariables()
      .stores(2)
      .registered()
      .credential(2, expiresAt)
      .marked()
      .lists(2, kNow - age);
}
Observed holding(Duration age) { return holding(age, kNow - age + days(90)); }

Plan rotationPlan(const Observed& observed, const DesiredDevice& desired = desiredDevice()) {
  return plan(desired, observed.get(), kNow);
}

TEST(RotationPlan, AddsTheNextKeyThenStoresIt) {
  const Plan planned = rotationPlan(holding(days(70)));
  EXPECT_EQ(planned.verdict, Verdict::kAct);
  EXPECT_EQ(planned.reason, Reason::kRotated);
  EXPECT_EQ(outline(planned), "keep 2 add 3 | write GCP_PRIVATE_KEY=3");
  EXPECT_FALSE(planned.isFleetRenewal);
  const auto patch = stepOf<PatchRegistration>(planned);
  EXPECT_EQ(patch.add->issuedAt, kNow);
  EXPECT_EQ(patch.add->expiresAt, kNow + days(90));
  EXPECT_EQ(patch.keep->front().expiresAt, kNow + days(20)) << "until its own expiry";
  EXPECT_FALSE(patch.mark.needsVerification);
  EXPECT_TRUE(stepOf<WriteVariables>(planned).readBack);
}

TEST(RotationPlan, DropsWhatHasExpired) {
  EXPECT_EQ(outline(rotationPlan(
                holding(days(70)).credential(1, kNow - days(1)).lists(1, kNow - days(130)))),
            "keep 2 add 3 | write GCP_PRIVATE_KEY=3");
  EXPECT_EQ(outline(rotationPlan(
                holding(days(70)).credential(1, kNow + days(1)).lists(1, kNow - days(130)))),
            "keep 2,1 add 3 | write GCP_PRIVATE_KEY=3");
}

TEST(RotationPlan, WaitsUntilItIsDue) {
  const DesiredDevice desired = desiredDevice();
  const Duration life = rotateAt(kNow, desired.keys, kUuid) - kNow;
  const Plan planned = rotationPlan(holding(life - 2h), desired);
  EXPECT_EQ(planned.verdict, Verdict::kInSync);
  EXPECT_EQ(planned.next, kNow + 2h);
  EXPECT_EQ(rotationPlan(holding(life), desired).reason, Reason::kRotated);
}

TEST(RotationPlan, NeedsNeitherTheStoredKeysSeedNorItsExpiry) {
  // As of an adopted registration.
  const Plan planned = rotationPlan(holding(days(70), std::nullopt));
  EXPECT_EQ(outline(planned), "keep 2 add 3 | write GCP_PRIVATE_KEY=3");
}

TEST(RotationPlan, GivesCredentialsWithoutExpiryTheOverlap) {
  DesiredDevice desired = desiredDevice();
  desired.keys.overlap = days(5);
  const auto patch = stepOf<PatchRegistration>(
      rotationPlan(holding(days(70), std::nullopt).foreignCredential(), desired));
  ASSERT_EQ(patch.keep->size(), 2U);
  EXPECT_EQ((*patch.keep)[0].expiresAt, kNow + days(5));
  EXPECT_EQ((*patch.keep)[1].expiresAt, kNow + days(5));
}

TEST(RotationPlan, LeavesCredentialsWithoutExpiryAloneUntilThen) {
  // Registered again, which is no rotation.
  const auto patch = stepOf<PatchRegistration>(plan(desiredDevice(),
                                                    Observed()
                                                        .hasPublicVariables()
                                                        .stores(2)
                                                        .registered()
                                                        .foreignCredential()
                                                        .marked()
                                                        .lists(2, kNow - days(10))
                                                        .derivable()
                                                        .get(),
                                                    kNow));
  EXPECT_EQ(patch.keep->front().expiresAt, std::nullopt);
}

TEST(RotationPlan, NeverMakesAFourthCredential) {
  const Observed full = holding(days(70)).credential(1).credential(0).lists(1, kNow - days(71));
  EXPECT_EQ(outline(rotationPlan(Observed(full).lists(0, kNow - days(72)))),
            "keep 2,1 add 3 | write GCP_PRIVATE_KEY=3");
}

TEST(RotationPlan, WaitsWhereNoCredentialMayGo) {
  Observed full = holding(days(70));
  full.credential(1).credential(0).lists(1, kNow - 5min).lists(0, kNow - 5min);
  const Plan planned = rotationPlan(full);
  EXPECT_EQ(planned.verdict, Verdict::kWait);
  EXPECT_EQ(planned.reason, Reason::kCredentialSlotsFull);
}

TEST(RotationPlan, IsNotMadeWhileTheClocksAreApart) {
  const Plan planned = rotationPlan(holding(days(70)).skewed(11min));
  EXPECT_EQ(planned.verdict, Verdict::kInSync) << "the device is fine";
  EXPECT_TRUE(planned.steps.empty());
}

TEST(RotationPlan, WritesWhateverElseDiffersInTheSameStep) {
  EXPECT_EQ(outline(rotationPlan(holding(days(70)).variable(balena::kProjectId, "other"))),
            "keep 2 add 3 | write GCP_PROJECT_ID, GCP_PRIVATE_KEY=3");
}

TEST(RotationPlan, KeepsToMaintenanceWindows) {
  DesiredDevice desired = desiredDevice();
  Window window;
  window.days.set(1);
  window.start = 9h;  // an hour from kNow
  window.duration = 1h;
  window.zone = std::make_shared<const TimeZone>();
  desired.windows = {window};
  const Plan closed = rotationPlan(holding(days(70)), desired);
  EXPECT_EQ(closed.verdict, Verdict::kInSync);
  EXPECT_EQ(closed.next, kNow + 1h);
  EXPECT_EQ(plan(desired, holding(days(70)).get(), kNow + 1h).reason, Reason::kRotated);
  // A repair restarts the container, too, but the device can't publish without it.
  EXPECT_EQ(rotationPlan(Observed(holding(days(70))).stores(9), desired).verdict, Verdict::kAct);
  // Delivering what is registered already is the second half of a rotation.
  const Observed half = holding(days(70)).stores(1).credential(1).lists(1, kNow - days(80));
  EXPECT_EQ(rotationPlan(Observed(half).derivable(), desired).next, kNow + 1h);
  EXPECT_EQ(plan(desired, Observed(half).derivable().get(), kNow + 1h).reason,
            Reason::kKeyOutdated);
}

TEST(RotationPlan, SaysWhenItIsPartOfAFleetsRenewal) {
  DesiredDevice desired = desiredDevice();
  desired.renewsWithFleet = true;
  desired.keys.renewAfter = kNow - days(1);
  desired.promised = RotationPromise{2, kNow};
  EXPECT_TRUE(rotationPlan(holding(days(5)), desired).isFleetRenewal);
  EXPECT_EQ(outline(rotationPlan(holding(days(5)), desired)),
            "keep 2 add 3 | write GCP_PRIVATE_KEY=3");
}

TEST(RotationPlan, IsAddedToWhateverPatchNamesCredentialsOfAKeyToBeRenewed) {
  DesiredDevice desired = desiredDevice();
  desired.keys.renewAfter = kNow - days(1);
  EXPECT_EQ(outline(plan(desired,
                         Observed()
                             .hasPublicVariables()
                             .stores(2)
                             .registered()
                             .marked()
                             .lists(2, kNow - days(10))
                             .derivable()
                             .get(),
                         kNow)),
            "keep none add 3 | write GCP_PRIVATE_KEY=3");
}

TEST(RotationPlan, OfShortLivedKeysHasItsTimesInProportion) {
  DesiredDevice desired = desiredDevice();
  desired.keys.lifetime = 4min;
  desired.keys.rotateBefore = 2min;
  EXPECT_EQ(rotationPlan(holding(150s, kNow + 90s), desired).reason, Reason::kRotated);
  // Expired for as long as 10 minutes are of a day.
  EXPECT_EQ(rotationPlan(holding(5min, kNow - 1s), desired).reason, Reason::kRotated);
  EXPECT_EQ(rotationPlan(holding(5min, kNow - 2s), desired).reason, Reason::kKeyExpired);
}

TEST(RotationPlan, ComesBackForTheNextOne) {
  DesiredDevice desired = desiredDevice();
  desired.keys.verifyInterval = days(1000);
  const TimePoint next = rotateAt(kNow, desired.keys, kUuid);
  EXPECT_EQ(rotationPlan(holding(days(70)), desired).next, next);
  EXPECT_EQ(rotationPlan(Observed(), desired).next, next) << "of the first key, too";
}

// ---- offline

TEST(OfflinePlan, DoesNotRotate) {
  const Plan planned = rotationPlan(holding(days(70)).offlineSince(kNow - days(1)));
  EXPECT_EQ(planned.verdict, Verdict::kInSync);
  EXPECT_TRUE(planned.steps.empty());
}

TEST(OfflinePlan, ExtendsWhatTheDeviceHoldsInOnePatchAndDeliversNothing) {
  // Half of rotateBefore before its end.
  const Plan planned = rotationPlan(holding(days(75)).offlineSince(kNow - days(20)));
  EXPECT_EQ(planned.verdict, Verdict::kAct);
  EXPECT_EQ(planned.reason, Reason::kExtendedOffline);
  EXPECT_EQ(outline(planned), "keep 2 add 3") << "rotation is due, so the next key goes along";
  EXPECT_EQ(stepOf<PatchRegistration>(planned).keep->front().expiresAt, kNow + days(15 + 90));
}

TEST(OfflinePlan, ComesBackWhenItIsTimeToExtend) {
  DesiredDevice desired = desiredDevice();
  desired.keys.verifyInterval = days(30);
  const Plan planned = rotationPlan(holding(days(70)).offlineSince(kNow - days(1)), desired);
  EXPECT_EQ(planned.next, kNow + days(5));
}

TEST(OfflinePlan, LeavesTheNextKeyUndeliveredUntilTheDeviceIsBack) {
  const Observed extended = holding(days(80), kNow + days(100))
                                .credential(3, kNow + days(85))
                                .lists(3, kNow - days(5))
                                .derivable();
  const Plan away = rotationPlan(Observed(extended).offlineSince(kNow - days(20)));
  EXPECT_EQ(away.verdict, Verdict::kInSync);
  EXPECT_TRUE(away.steps.empty());
  const Plan back = rotationPlan(extended);
  EXPECT_EQ(back.reason, Reason::kKeyOutdated);
  EXPECT_EQ(outline(back), "write GCP_PRIVATE_KEY=3");
}

// A key that was registered while the device was away may be due itself by now: it would have to be
// replaced at once, or would end before anybody looked again.
TEST(OfflinePlan, GivesADeviceThatIsBackAKeyThatLasts) {
  const Plan back = rotationPlan(holding(days(170), kNow + days(10))
                                     .credential(3, kNow + days(2))
                                     .lists(3, kNow - days(88))
                                     .derivable());
  EXPECT_EQ(back.reason, Reason::kKeyOutdated);
  EXPECT_EQ(outline(back), "keep 2,3 add 4 | write GCP_PRIVATE_KEY=4");
}

TEST(OfflinePlan, DoesNotReplaceAKeyThatWorksByOneThatMayHaveExpired) {
  const Observed back = holding(days(100), kNow + days(30))
                            .credential(3, kNow + 1h)
                            .lists(3, kNow - days(5))
                            .derivable();
  EXPECT_EQ(rotationPlan(back).verdict, Verdict::kAct);
  EXPECT_EQ(rotationPlan(Observed(back).skewed(2h)).reason, Reason::kClockSkew);
}

// Nothing rotates while the clocks differ: the shorter of two lives could end before they agree.
TEST(OfflinePlan, DoesNotShortenWhatADeviceHasWhileTheClocksDiffer) {
  const Observed back = holding(days(170), kNow + days(10))
                            .credential(3, kNow + days(2))
                            .lists(3, kNow - days(88))
                            .derivable();
  EXPECT_EQ(rotationPlan(Observed(back).skewed(2h)).reason, Reason::kClockSkew);
  const Observed longer = holding(days(170), kNow + days(10))
                              .credential(3, kNow + days(20))
                              .lists(3, kNow - days(70))
                              .derivable();
  EXPECT_EQ(rotationPlan(Observed(longer).skewed(2h)).reason, Reason::kKeyOutdated);
}

TEST(OfflinePlan, DoesNotStoreAKeyThatCouldNotBeStoredWhileTheDeviceWasThere) {
  // Its patch was made ten minutes ago; then the device went.
  const Observed half = holding(days(70))
                            .credential(3, kNow + days(90))
                            .lists(3, kNow - 10min)
                            .derivable()
                            .offlineSince(kNow - 5min);
  EXPECT_EQ(rotationPlan(half).verdict, Verdict::kInSync);
}

TEST(OfflinePlan, ExtendsTheKeyBeforeToWhereTheDeviceMayNotHaveFetchedTheStoredOne) {
  const auto goneAfter = [](std::optional<Duration> contact) {
    // Key 3 was issued 16 days ago; key 2 ends in 14.
    return Observed()
        .hasPublicVariables()
        .stores(3)
        .registered()
        .credential(2, kNow + days(14))
        .credential(3, kNow + days(74))
        .marked()
        .lists(2, kNow - days(76))
        .lists(3, kNow - days(16))
        .offlineSince(contact ? std::optional(kNow - days(16) + *contact) : std::nullopt);
  };
  for (const auto& contact : {std::optional<Duration>(59min), std::optional<Duration>()}) {
    const Plan planned = rotationPlan(goneAfter(contact));
    EXPECT_EQ(outline(planned), "keep 2,3");
    const auto patch = stepOf<PatchRegistration>(planned);
    EXPECT_EQ((*patch.keep)[0].expiresAt, kNow + days(14 + 90));
    EXPECT_EQ((*patch.keep)[1].expiresAt, kNow + days(74)) << "not near its end";
    EXPECT_EQ(patch.mark.keys.size(), 2U);
  }
  EXPECT_EQ(rotationPlan(goneAfter(1h)).verdict, Verdict::kInSync);
}

TEST(OfflinePlan, ExtendsOnce) {
  const Observed extended = holding(days(80), kNow + days(100))
                                .credential(3, kNow + days(85))
                                .lists(3, kNow - days(5))
                                .offlineSince(kNow - days(20));
  EXPECT_EQ(rotationPlan(extended).verdict, Verdict::kInSync);
}

TEST(OfflinePlan, DeliversWhenTheGraceIsOver) {
  // Whether the device fetches it or not, what it holds ends in ten days.
  const auto over = [](Duration lastsFor) {
    return holding(days(170), kNow + days(10))
        .credential(3, kNow + lastsFor)
        .lists(3, kNow + lastsFor - days(90))
        .offlineSince(kNow - days(120))
        .derivable();
  };
  EXPECT_EQ(outline(rotationPlan(over(days(80)))), "write GCP_PRIVATE_KEY=3");
  EXPECT_EQ(outline(rotationPlan(over(days(5)))), "keep 2,3 add 4 | write GCP_PRIVATE_KEY=4");
}

TEST(OfflinePlan, WithoutGraceIsRotatedBeforeTheKeyEnds) {
  DesiredDevice desired = desiredDevice();
  desired.keys.offlineGrace = 0h;
  EXPECT_EQ(rotationPlan(holding(days(74)).offlineSince(kNow - days(9)), desired).verdict,
            Verdict::kInSync);
  EXPECT_EQ(rotationPlan(holding(days(75)).offlineSince(kNow - days(9)), desired).reason,
            Reason::kRotated);
}

TEST(OfflinePlan, RepairsWhatIsBroken) {
  const Observed unknown = holding(days(10)).stores(9).derivable().offlineSince(kNow - days(9));
  EXPECT_EQ(rotationPlan(unknown).reason, Reason::kKeyUnknown);
  const Observed expired = holding(days(95)).offlineSince(kNow - days(9));
  EXPECT_EQ(rotationPlan(expired).reason, Reason::kKeyExpired);
}

TEST(OfflinePlan, LeavesAKeyWithoutExpiryAsItIs) {
  EXPECT_EQ(rotationPlan(holding(days(300), std::nullopt).offlineSince(std::nullopt)).verdict,
            Verdict::kInSync);
}

// ---- revocation

// Key 2 stored and registered since ten days, key 1 still registered; everything before yesterday
// is to be cut.
Observed leaked() { return holding(days(10)).credential(1).lists(1, kNow - days(65)); }
DesiredDevice revoking(TimePoint before = kNow - days(1)) {
  DesiredDevice desired = desiredDevice();
  desired.keys.revokeBefore = before;
  return desired;
}

TEST(Revocation, LeavesTheNewKeyAloneRegisteredThenStoresIt) {
  const Plan planned = rotationPlan(leaked(), revoking());
  EXPECT_EQ(planned.reason, Reason::kRevoked);
  EXPECT_EQ(outline(planned), "keep none add 3 | write GCP_PRIVATE_KEY=3");
  EXPECT_EQ(planned.next, kNow + 5min) << "looked at again";
  EXPECT_TRUE(stepOf<PatchRegistration>(planned).mark.needsVerification);
  EXPECT_TRUE(stepOf<PatchRegistration>(planned).revokes);
  EXPECT_FALSE(stepOf<PatchRegistration>(rotationPlan(holding(days(70)))).revokes);
}

TEST(Revocation, WaitsForItsTimeAndIsThereThen) {
  const Plan planned = rotationPlan(leaked(), revoking(kNow + 1h));
  EXPECT_EQ(planned.verdict, Verdict::kInSync);
  EXPECT_EQ(planned.next, kNow + 1h);
  EXPECT_EQ(plan(revoking(kNow + 1h), leaked().get(), kNow + 1h).reason, Reason::kRevoked);
}

TEST(Revocation, KnowsNeitherTheHourNorOfflineDevicesNorWindows) {
  DesiredDevice desired = revoking(kNow);
  Window window;  // never
  window.zone = std::make_shared<const TimeZone>();
  desired.windows = {window};
  Observed young = holding(5min).offlineSince(kNow - days(2));
  EXPECT_EQ(outline(rotationPlan(young, desired)), "keep none add 3 | write GCP_PRIVATE_KEY=3");
}

TEST(Revocation, IsDueWhileAnythingOldOrUnlistedIsRegistered) {
  const auto renewed = [] {
    return Observed()
        .hasPublicVariables()
        .stores(3)
        .registered()
        .credential(3)
        .marked()
        .lists(3, kNow - 2h)
        .derivable();
  };
  EXPECT_EQ(rotationPlan(renewed(), revoking()).verdict, Verdict::kInSync);
  for (const Observed& again : {renewed().credential(1).lists(1, kNow - days(65)),
                                renewed().credential(9), renewed().foreignCredential()}) {
    const Plan planned = rotationPlan(again, revoking());
    EXPECT_EQ(planned.reason, Reason::kRevoked);
    EXPECT_EQ(outline(planned), "keep 3") << "the key that it has is new enough";
    EXPECT_EQ(stepOf<PatchRegistration>(planned).mark.keys.size(), 1U);
  }
}

TEST(Revocation, StoresTheNewKeyWhereOnlyThatIsMissing) {
  const Observed half = Observed()
                            .hasPublicVariables()
                            .stores(2)
                            .registered()
                            .credential(3)
                            .credential(2)
                            .marked()
                            .lists(3, kNow - 2h)
                            .lists(2, kNow - days(10))
                            .derivable();
  EXPECT_EQ(outline(rotationPlan(half, revoking())), "keep 3 | write GCP_PRIVATE_KEY=3");
}

TEST(Revocation, DoesNotRegisterAnOldKeyAgain) {
  const Observed lost = Observed()
                            .hasPublicVariables()
                            .stores(2)
                            .registered()
                            .marked()
                            .lists(2, kNow - days(10))
                            .derivable();
  EXPECT_EQ(outline(rotationPlan(lost, revoking())), "keep none add 3 | write GCP_PRIVATE_KEY=3");
}

TEST(Revocation, WaitsWhileTheClocksAreApart) {
  EXPECT_EQ(rotationPlan(leaked().skewed(-11min), revoking()).reason, Reason::kClockSkew);
}

TEST(Revocation, IsCheckedAfterFiveAndAfterSixtyFiveMinutes) {
  const auto revoked = [](Duration ago) {
    ObservedDevice observed = Observed()
                                  .hasPublicVariables()
                                  .stores(3)
                                  .registered()
                                  .credential(3)
                                  .marked()
                                  .lists(3, kNow - ago)
                                  .get();
    observed.mark.mark.needsVerification = true;
    return plan(revoking(), observed, kNow);
  };
  EXPECT_EQ(revoked(1min).next, kNow + 4min);
  EXPECT_EQ(revoked(5min).next, kNow + 60min);
  EXPECT_EQ(revoked(65min).reason, Reason::kVerified);
}

}  // namespace
}  // namespace bco
