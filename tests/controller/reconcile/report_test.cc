// What a pass looks like in the object's status.
#include "reconcile/report.h"

#include <gmock/gmock.h>

#include "reconcile/hints.h"
#include "reconcile/tally.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using api::Phase;

const TimePoint kNow = *parseRfc3339("2026-11-23T08:00:00Z");

api::BalenaDevice deviceIn(Phase phase) {
  api::BalenaDevice device;
  device.meta.key.name = "gate";
  device.meta.generation = 3;
  device.spec.uuid = "7cf02a69e4d34c9da573914963cf54fd";
  device.spec.fleet = "sensors";
  device.status.phase = phase;
  return device;
}

struct Row {
  const char* name;
  Verdict verdict;
  Reason reason;
  Phase phase;
  std::vector<std::string> conditions;  // that are true
  bool present = true;
  std::optional<ErrorCode> error = std::nullopt;
  bool wasRead = true;
  Phase before = Phase::kPending;
  bool observeOnly = false;
};
class Report : public testing::TestWithParam<Row> {};

TEST_P(Report, SaysWhereTheDeviceStands) {
  const Row& row = GetParam();
  Pass pass;
  pass.plan = {row.verdict, row.reason, "because", {}, {}};
  if (row.wasRead) pass.observed.emplace();
  if (row.error) pass.error = Error{*row.error, "went wrong"};
  pass.observeOnly = row.observeOnly;
  DesiredDevice desired;
  desired.present = row.present;
  const api::DeviceStatus status = report(deviceIn(row.before), desired, pass, kNow);
  EXPECT_EQ(nameOf(status.phase), nameOf(row.phase));
  std::vector<std::string> set;
  for (const auto& condition : status.conditions) {
    EXPECT_EQ(condition.observedGeneration, 3);
    if (condition.status) set.push_back(condition.type);
  }
  EXPECT_THAT(set, testing::UnorderedElementsAreArray(row.conditions));
  EXPECT_NE(findCondition(status.conditions, "Ready"), nullptr);
  const auto isStanding = [](const auto& type) {
    return type == "Ready" || type == "Reconciling" || type == "Stalled";
  };
  EXPECT_EQ(std::ranges::count_if(set, isStanding), 1) << "waited for for ever";
  EXPECT_EQ(status.observedGeneration, 3);
  // To be throttled is no failure of the device.
  EXPECT_EQ(status.failureCount, row.error && row.error != ErrorCode::kThrottled ? 1 : 0);
}

const std::vector<std::string> kReady = {"Ready", "Provisioned", "CredentialValid"};
const std::vector<std::string> kStalled = {"Stalled"};
const std::vector<std::string> kConflict = {"Stalled", "OwnershipConflict"};
const std::vector<std::string> kReconciling = {"Reconciling"};
const std::vector<std::string> kGone = {"Ready"};

INSTANTIATE_TEST_SUITE_P(
    Table, Report,
    testing::Values(
        Row{"InSync", Verdict::kInSync, Reason::kSynced, Phase::kReady, kReady},
        Row{"Acted", Verdict::kAct, Reason::kNotRegistered, Phase::kReady, kReady},
        Row{"TakenOver", Verdict::kAct, Reason::kTakenOver, Phase::kPending, kReconciling},
        Row{"Removed", Verdict::kAct, Reason::kDeprovisioning, Phase::kAbsent, kGone, false},
        Row{"NothingToRemove", Verdict::kInSync, Reason::kDeprovisioned, Phase::kAbsent, kGone,
            false},
        Row{"WouldAct",
            Verdict::kAct,
            Reason::kNotRegistered,
            Phase::kPending,
            kStalled,
            true,
            {},
            true,
            Phase::kPending,
            true},
        Row{"WouldRemove",
            Verdict::kAct,
            Reason::kDeprovisioning,
            Phase::kPending,
            kStalled,
            false,
            {},
            true,
            Phase::kReady,
            true},
        Row{"ObservesNothingYet", Verdict::kAct, Reason::kNotRegistered, Phase::kPending,
            kReconciling, true, ErrorCode::kThrottled, false, Phase::kPending, true},
        Row{"Suspended", Verdict::kWait, Reason::kSuspended, Phase::kSuspended, kStalled},
        Row{"NotFound", Verdict::kWait, Reason::kDeviceNotFound, Phase::kWaiting, kReconciling},
        Row{"NotInstalled", Verdict::kWait, Reason::kServiceNotInstalled, Phase::kWaiting,
            kReconciling},
        Row{"TooYoung", Verdict::kWait, Reason::kKeyTooYoung, Phase::kWaiting, kReconciling},
        Row{"SlotsFull", Verdict::kWait, Reason::kCredentialSlotsFull, Phase::kWaiting,
            kReconciling},
        Row{"NotOurs", Verdict::kRefuse, Reason::kNotOurs, Phase::kConflict, kConflict},
        Row{"KeyMismatch", Verdict::kRefuse, Reason::kKeyMismatch, Phase::kConflict, kConflict},
        Row{"AdoptionDisabled", Verdict::kRefuse, Reason::kAdoptionDisabled, Phase::kConflict,
            kConflict},
        Row{"MarkUnreadable", Verdict::kRefuse, Reason::kMarkUnreadable, Phase::kConflict,
            kConflict},
        Row{"Duplicate", Verdict::kRefuse, Reason::kDuplicateObject, Phase::kConflict, kConflict},
        Row{"WrongFleet", Verdict::kRefuse, Reason::kWrongFleet, Phase::kFailed, kStalled},
        Row{"Moved", Verdict::kRefuse, Reason::kMovedToAnotherFleet, Phase::kFailed, kStalled},
        Row{"WriteFailed", Verdict::kAct, Reason::kNotRegistered, Phase::kFailed, kReconciling,
            true, ErrorCode::kUnavailable},
        Row{"WriteFailedOnAReadyDevice", Verdict::kAct, Reason::kKeyMissing, Phase::kFailed,
            kReconciling, true, ErrorCode::kUnavailable, true, Phase::kReady},
        Row{"WriteRefused", Verdict::kAct, Reason::kNotRegistered, Phase::kFailed, kStalled, true,
            ErrorCode::kInvalid},
        Row{"WriteForbidden", Verdict::kAct, Reason::kNotRegistered, Phase::kFailed, kStalled, true,
            ErrorCode::kForbidden},
        Row{"ReadFailed", Verdict::kInSync, Reason::kSynced, Phase::kFailed, kReconciling, true,
            ErrorCode::kUnavailable, false},
        Row{"ReadFailedOnAReadyDevice",
            Verdict::kInSync,
            Reason::kSynced,
            Phase::kReady,
            {"Ready"},
            true,
            ErrorCode::kUnavailable,
            false,
            Phase::kReady},
        Row{"Throttled", Verdict::kAct, Reason::kNotRegistered, Phase::kPending, kReconciling, true,
            ErrorCode::kThrottled},
        Row{"Overtaken", Verdict::kAct, Reason::kNotRegistered, Phase::kPending, kReconciling, true,
            ErrorCode::kAlreadyExists},
        Row{"RemovalHalted", Verdict::kWait, Reason::kRemovalHalted, Phase::kDeprovisioning,
            kReconciling, false},
        Row{"RemovalThrottled", Verdict::kAct, Reason::kDeprovisioning, Phase::kDeprovisioning,
            kReconciling, false, ErrorCode::kThrottled},
        Row{"RemovalFailed", Verdict::kAct, Reason::kDeprovisioning, Phase::kFailed, kReconciling,
            false, ErrorCode::kUnavailable},
        Row{"VariablesLeft", Verdict::kRefuse, Reason::kVariablesLeft, Phase::kFailed, kStalled,
            false}),
    [](const auto& each) { return std::string(each.param.name); });

// The standing of a status; ADD_FAILURE when it is not exactly one.
Standing standingIn(const api::Conditions& conditions) {
  std::vector<Standing> found;
  const auto look = [&](const char* type, Standing standing) {
    const auto* condition = findCondition(conditions, type);
    if (condition != nullptr && condition->status) found.push_back(standing);
  };
  look("Ready", Standing::kCurrent);
  look("Reconciling", Standing::kInProgress);
  look("Stalled", Standing::kFailed);
  EXPECT_EQ(found.size(), 1U);
  return found.empty() ? Standing::kInProgress : found.front();
}

TEST(ReportStanding, OfASuspendedDeviceIsWhatItWas) {
  Pass looked;
  looked.plan = {Verdict::kInSync, Reason::kSynced, "", {}, {}};
  looked.observed.emplace();
  Pass suspended;
  suspended.plan = {Verdict::kWait, Reason::kSuspended, "suspended", {}, {}};
  for (const bool present : {true, false}) {
    DesiredDevice desired;
    desired.present = present;
    api::BalenaDevice device = deviceIn(Phase::kPending);
    device.status = report(device, desired, suspended, kNow);
    EXPECT_EQ(standingIn(device.status.conditions), Standing::kFailed) << "never looked at";
    device.status = report(device, desired, looked, kNow);
    for (int times = 0; times < 2; ++times) {
      device.status = report(device, desired, suspended, kNow);
      EXPECT_EQ(device.status.phase, Phase::kSuspended);
      EXPECT_EQ(standingIn(device.status.conditions), Standing::kCurrent);
      EXPECT_EQ(findCondition(device.status.conditions, "Ready")->reason, "Suspended");
    }
    api::BalenaDevice expired = device;
    expired.status.key.emplace().expiresAt = kNow;
    expired.status = report(expired, desired, suspended, kNow);
    EXPECT_EQ(standingIn(expired.status.conditions) == Standing::kCurrent, !present);
    desired.present = !present;
    device.status = report(device, desired, suspended, kNow);
    EXPECT_EQ(standingIn(device.status.conditions), Standing::kFailed) << "asked for the opposite";
  }
}

TEST(ReportStanding, OfADeviceThatHasLeftIsFailedUntilItIsBack) {
  api::BalenaDevice device = deviceIn(Phase::kWaiting);
  setCondition(device.status.conditions, {"Reconciling", true, "DeviceNotFound", "", 1, kNow});
  device.status = reportStale(device, kNow, kNow);
  EXPECT_EQ(standingIn(device.status.conditions), Standing::kFailed);
  EXPECT_EQ(device.status.absentSince, kNow);
  Pass notFound;
  notFound.plan = {Verdict::kWait, Reason::kDeviceNotFound, "", {}, {}};
  notFound.observed.emplace();
  device.status = report(device, {}, notFound, kNow);
  EXPECT_EQ(device.status.phase, Phase::kStale);
  EXPECT_EQ(standingIn(device.status.conditions), Standing::kFailed);
  Pass removed;
  removed.plan = {Verdict::kAct, Reason::kStaleRemoved, "removed", {}, {}};
  removed.observed.emplace();
  DesiredDevice absent;
  absent.present = false;
  device.status = reportStaleRemoved(device, absent, removed, kNow);
  EXPECT_EQ(device.status.phase, Phase::kStale);
  EXPECT_EQ(standingIn(device.status.conditions), Standing::kFailed);
  EXPECT_EQ(findCondition(device.status.conditions, "Stalled")->reason, "StaleRemoved");
  Pass back;
  back.plan = {Verdict::kInSync, Reason::kSynced, "", {}, {}};
  back.observed.emplace();
  device.status = report(device, {}, back, kNow);
  EXPECT_EQ(standingIn(device.status.conditions), Standing::kCurrent);
}

TEST(ReportDetails, SayThatTheKeyIsInvalidWhereThatWasSeenAndNotMended) {
  Pass pass;
  pass.plan = {Verdict::kAct, Reason::kKeyExpired, "the newest key has expired", {}, {}};
  pass.observed.emplace();
  pass.error = Error{ErrorCode::kUnavailable, "down"};
  api::BalenaDevice device = deviceIn(Phase::kReady);
  device.status = report(device, {}, pass, kNow);
  const auto* invalid = findCondition(device.status.conditions, "CredentialValid");
  ASSERT_NE(invalid, nullptr);
  EXPECT_FALSE(invalid->status);
  EXPECT_EQ(invalid->reason, "KeyExpired");
  pass.error.reset();
  device.status = report(device, {}, pass, kNow);
  EXPECT_TRUE(findCondition(device.status.conditions, "CredentialValid")->status);
}

TEST(ReportDetails, KeepInMindThatARemovalHasBegun) {
  Pass pass;
  pass.plan = {Verdict::kAct, Reason::kDeprovisioning, "", {}, {}};
  pass.observed.emplace();
  pass.error = Error{ErrorCode::kUnavailable, "down"};
  DesiredDevice absent;
  absent.present = false;
  api::BalenaDevice device = deviceIn(Phase::kReady);
  device.status = report(device, absent, pass, kNow);
  EXPECT_EQ(findCondition(device.status.conditions, "Provisioned")->reason, "Deprovisioning");
  // Withdrawn, and the first look fails.
  device.status = report(device, {}, pass, kNow);
  EXPECT_EQ(findCondition(device.status.conditions, "Provisioned")->reason, "Deprovisioning");
}

TEST(ReportDetails, SayWhileACloudIsAwayThatItIs) {
  api::BalenaDevice device = deviceIn(Phase::kPending);
  Pass pass;
  pass.plan = {Verdict::kInSync, Reason::kSynced, "", {}, {}};
  pass.error = Error{ErrorCode::kDeadline, "no answer"};
  device.status = report(device, {}, pass, kNow);
  const auto* away = findCondition(device.status.conditions, "UpstreamAvailable");
  ASSERT_NE(away, nullptr);
  EXPECT_FALSE(away->status);
  EXPECT_EQ(away->reason, "DeadlineExceeded");
  pass.error.reset();
  pass.observed.emplace();
  device.status = report(device, {}, pass, kNow);
  EXPECT_EQ(findCondition(device.status.conditions, "UpstreamAvailable"), nullptr);
}

TEST(ReportDetails, CountFailuresUntilOnePassSucceeds) {
  api::BalenaDevice device = deviceIn(Phase::kPending);
  Pass failed;
  failed.error = Error{ErrorCode::kDeadline, "no answer"};
  device.status = report(device, {}, failed, kNow);
  device.status = report(device, {}, failed, kNow + 1min);
  EXPECT_EQ(device.status.failureCount, 2);
  EXPECT_EQ(device.status.lastFailureTime, kNow + 1min);
  const auto* ready = findCondition(device.status.conditions, "Ready");
  EXPECT_EQ(ready->reason, "DeadlineExceeded");
  EXPECT_EQ(ready->message, "no answer");
  EXPECT_EQ(ready->lastTransition, kNow);
}

TEST(ReportDetails, EchoTheReconcileRequest) {
  api::BalenaDevice device = deviceIn(Phase::kReady);
  device.meta.annotations[std::string(api::kReconcileAnnotation)] = "now";
  EXPECT_EQ(report(device, {}, {}, kNow).lastHandledReconcileAt, "now");
}

TEST(ReportDetails, OfAFleetProblemLeaveWhatHasBeenLookedAtAsItIs) {
  const Error error{ErrorCode::kInvalid, "no service"};
  for (const Phase phase : {Phase::kReady, Phase::kAbsent, Phase::kSuspended, Phase::kConflict,
                            Phase::kFailed, Phase::kWaiting, Phase::kStale, Phase::kPending}) {
    api::BalenaDevice device = deviceIn(phase);
    device.meta.generation = 2;
    setCondition(device.status.conditions, {"Ready", false, "NotOurs", "theirs", 1, kNow});
    setCondition(device.status.conditions, {"Stalled", true, "NotOurs", "theirs", 1, kNow});
    EXPECT_EQ(reportFleetProblem(device, error, kNow + 1min), device.status);
  }
}

TEST(ReportDetails, OfAFleetProblemTellWhatWaitsForItsFirstLook) {
  api::BalenaDevice device = deviceIn(Phase::kPending);
  device.status = reportFleetProblem(device, {ErrorCode::kInvalid, "no service"}, kNow);
  EXPECT_EQ(device.status.phase, Phase::kPending);
  EXPECT_EQ(findCondition(device.status.conditions, "Ready")->reason, "FleetNotReady");
  device.status = reportFleetProblem(device, {ErrorCode::kUnavailable, "down"}, kNow);
  EXPECT_EQ(findCondition(device.status.conditions, "Ready")->message, "down");
}

TEST(ReportDetails, OfASweepKeepWhatOnlyAPassHasSeen) {
  api::BalenaDevice device = deviceIn(Phase::kReady);
  device.status.key = api::KeyStatus{"sha256:ab", 2, kNow, kNow + 1h, kNow, kNow};
  const ListedKey same{2, kNow, kNow + 2h};
  EXPECT_EQ(reportInSync(device, {}, same, "name", kNow).key->fingerprint, "sha256:ab");
  const ListedKey newer{3, kNow, kNow + 2h};
  const auto status = reportInSync(device, {}, newer, "name", kNow);
  EXPECT_EQ(status.key->fingerprint, "");
  EXPECT_EQ(status.key->verifiedAt, std::nullopt);
  EXPECT_EQ(status.key->expiresAt, kNow + 2h);
  EXPECT_EQ(status.deviceName, "name");
}

// ---- hints

const std::string kFirst(32, '1');
const std::string kSecond(32, '2');
const std::string kThird(32, '3');

std::shared_ptr<const RegistryListing> listingOf(const std::vector<std::string>& uuids,
                                                 TimePoint takenAt) {
  auto listing = std::make_shared<RegistryListing>("me");
  for (const auto& uuid : uuids) {
    clearblade::Registration registration;
    registration.id = api::registrationId(uuid);
    listing->add(registration);
  }
  listing->complete(takenAt);
  return listing;
}

TEST(Hints, KnowNothingBeforeTheFirstListing) {
  RegistrationHints hints;
  EXPECT_EQ(hints.of(kFirst), Hint::kUnknown);
  hints.replace(listingOf({kSecond, kFirst}, kNow));
  EXPECT_EQ(hints.of(kFirst), Hint::kPresent);
  EXPECT_EQ(hints.of(kSecond), Hint::kPresent);
  EXPECT_EQ(hints.of(kThird), Hint::kAbsent);
}

TEST(Hints, PreferWhatWasNotedSinceAListingWasTaken) {
  RegistrationHints hints;
  hints.note(kFirst, Hint::kPresent, kNow + 1s);
  hints.note(kSecond, Hint::kAbsent, kNow + 1s);
  hints.note(kThird, Hint::kPresent, kNow - 1s);
  hints.replace(listingOf({kSecond}, kNow));
  EXPECT_EQ(hints.of(kFirst), Hint::kPresent);
  EXPECT_EQ(hints.of(kSecond), Hint::kAbsent);
  EXPECT_EQ(hints.of(kThird), Hint::kAbsent);
  hints.replace(listingOf({kSecond}, kNow + 2s));
  EXPECT_EQ(hints.of(kFirst), Hint::kAbsent);
  EXPECT_EQ(hints.of(kSecond), Hint::kPresent);
}

// ---- tally

TEST(Tallies, FollowEachDevicesPhase) {
  Tally tally;
  api::BalenaDevice a = deviceIn(Phase::kPending);
  api::BalenaDevice b = a;
  b.meta.key.name = "other";
  b.spec.fleet = "gateways";
  const auto set = [&](const api::BalenaDevice& device, Phase phase) {
    api::DeviceStatus status;
    status.phase = phase;
    tally.set(device, status);
  };
  set(a, Phase::kPending);
  set(a, Phase::kReady);
  set(a, Phase::kReady);
  set(b, Phase::kAbsent);
  EXPECT_EQ(tally.counts().total, 2);
  EXPECT_EQ(tally.counts().ready, 2) << "absent, as desired, is in sync";
  EXPECT_EQ(tally.counts().pending, 0);
  EXPECT_EQ(tally.countsOf({"default", "sensors"}).total, 1);
  a.spec.fleet = "gateways";
  set(a, Phase::kFailed);
  EXPECT_EQ(tally.countsOf({"default", "sensors"}).total, 0);
  EXPECT_EQ(tally.countsOf({"default", "gateways"}).failed, 1);
  tally.remove(a.meta.key);
  tally.remove(a.meta.key);
  tally.remove(b.meta.key);
  EXPECT_EQ(tally.counts(), api::DeviceCounts{});
}

}  // namespace
}  // namespace bco
