#include "endpoint/conclusion.h"

#include <gtest/gtest.h>

namespace bco::endpoint {
namespace {

using api::Phase;

struct Case {
  Phase phase;
  const char* reason;   // of condition Ready
  const char* outcome;  // "": none yet
};

void set(api::BalenaDevice& device, Phase phase, const char* reason) {
  device.status.phase = phase;
  device.status.conditions.clear();
  setCondition(device.status.conditions,
               {"Ready", phase == Phase::kReady, reason, "S3CRET", 1, TimePoint{}});
}

api::BalenaDevice handled() {
  api::BalenaDevice device;
  device.meta.generation = 1;
  device.meta.annotations[api::kReconcileAnnotation] = "please";
  device.status.observedGeneration = 1;
  device.status.lastHandledReconcileAt = "please";
  return device;
}

std::string concluded(Verb verb, const api::BalenaDevice& device) {
  const auto answer = conclude(verb, device);
  if (!answer) return "";
  EXPECT_EQ(toReply(*answer).body.find("S3CRET"), std::string::npos);
  return std::string(nameOf(answer->outcome));
}

class Provisioning : public testing::TestWithParam<Case> {};

TEST_P(Provisioning, IsConcludedByTheStatus) {
  api::BalenaDevice device = handled();
  set(device, GetParam().phase, GetParam().reason);
  EXPECT_EQ(concluded(Verb::kProvision, device), GetParam().outcome);
}

INSTANTIATE_TEST_SUITE_P(Statuses, Provisioning,
                         testing::Values(Case{Phase::kReady, "Synced", "already_provisioned"},
                                         Case{Phase::kReady, "Unavailable", "unavailable"},
                                         Case{Phase::kPending, "Throttled", "throttled"},
                                         Case{Phase::kPending, "AlreadyExists", ""},
                                         Case{Phase::kPending, "Conflict", ""},
                                         Case{Phase::kPending, "TakenOver", ""},
                                         Case{Phase::kPending, "FleetNotReady", "unavailable"},
                                         Case{Phase::kFailed, "Unavailable", "unavailable"},
                                         Case{Phase::kFailed, "DeadlineExceeded", "unavailable"},
                                         Case{Phase::kFailed, "Unauthenticated", "unavailable"},
                                         Case{Phase::kFailed, "WrongFleet", "unknown_device"},
                                         Case{Phase::kWaiting, "DeviceNotFound", "unknown_device"},
                                         Case{Phase::kStale, "DeviceNotFound", "unknown_device"},
                                         Case{Phase::kWaiting, "ServiceNotInstalled", "not_yet"},
                                         Case{Phase::kWaiting, "ClockSkew", "not_yet"},
                                         Case{Phase::kSuspended, "Suspended", "refused"},
                                         Case{Phase::kConflict, "NotOurs", "refused"},
                                         Case{Phase::kConflict, "KeyMismatch", "refused"},
                                         Case{Phase::kConflict, "DuplicateObject", "refused"}));

TEST(Conclusion, TellsADeliveredKeyFromOneThatWasThere) {
  api::BalenaDevice device = handled();
  set(device, Phase::kReady, "Synced");
  setCondition(device.status.conditions,
               {"CredentialValid", true, api::kDelivered, "", 1, TimePoint{}});
  EXPECT_EQ(concluded(Verb::kProvision, device), "created");
  setCondition(device.status.conditions,
               {"CredentialValid", true, api::kRegistered, "", 1, TimePoint{}});
  EXPECT_EQ(concluded(Verb::kProvision, device), "already_provisioned");
}

TEST(Conclusion, WaitsForTheStatusOfWhatWasAskedFor) {
  api::BalenaDevice device = handled();
  set(device, Phase::kReady, "Synced");
  device.status.lastHandledReconcileAt = "before";
  EXPECT_EQ(concluded(Verb::kProvision, device), "");
  device = handled();
  set(device, Phase::kReady, "Synced");
  device.meta.generation = 2;
  EXPECT_EQ(concluded(Verb::kProvision, device), "");
}

TEST(Conclusion, OfARemovalIsItsAbsence) {
  api::BalenaDevice device = handled();
  device.spec.state = api::DesiredState::kAbsent;
  set(device, Phase::kAbsent, "Deprovisioned");
  EXPECT_EQ(concluded(Verb::kRemove, device), "deleted");
  set(device, Phase::kFailed, "Unavailable");
  EXPECT_EQ(concluded(Verb::kRemove, device), "unavailable");
  set(device, Phase::kConflict, "NotOurs");
  EXPECT_EQ(concluded(Verb::kRemove, device), "refused");
}

TEST(Conclusion, SaysWhenSomebodyWantedTheOpposite) {
  api::BalenaDevice device = handled();
  set(device, Phase::kReady, "Synced");
  EXPECT_EQ(concluded(Verb::kRemove, device), "refused");
}

}  // namespace
}  // namespace bco::endpoint
