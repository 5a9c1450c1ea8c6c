// What a pass counts as.
#include "reconcile/pass_observer.h"

#include <gtest/gtest.h>

#include "tests/controller/reconcile/world.h"

namespace bco {
namespace {

struct WorkRow {
  const char* name;
  Verdict verdict;
  Reason reason;
  std::optional<Operation> operation;
  std::optional<ErrorCode> error = std::nullopt;
  PassOutcome outcome = PassOutcome::kSucceeded;
  bool failed = false;
  bool observeOnly = false;
};
class PassWork : public testing::TestWithParam<WorkRow> {};

TEST_P(PassWork, IsNotedByReasonAndOutcome) {
  const WorkRow& row = GetParam();
  Pass pass;
  pass.plan = {row.verdict, row.reason, "", {}, {}};
  pass.observeOnly = row.observeOnly;
  if (row.error) pass.error = Error{*row.error, "went wrong"};
  PassReport report;
  note(report, pass, {});
  EXPECT_EQ(report.failed, row.failed);
  ASSERT_EQ(report.work.has_value(), row.operation.has_value());
  if (!row.operation) return;
  EXPECT_EQ(nameOf(report.work->operation), nameOf(*row.operation));
  EXPECT_EQ(nameOf(report.work->outcome), nameOf(row.outcome));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, PassWork,
    testing::Values(
        WorkRow{"InSync", Verdict::kInSync, Reason::kSynced, std::nullopt},
        WorkRow{"Provision", Verdict::kAct, Reason::kNotRegistered, Operation::kProvision},
        WorkRow{"Adopt", Verdict::kAct, Reason::kAdopted, Operation::kAdopt},
        WorkRow{"TakeOver", Verdict::kAct, Reason::kTakenOver, Operation::kAdopt},
        WorkRow{"Rotate", Verdict::kAct, Reason::kKeyExpired, Operation::kRotate},
        WorkRow{"RotateInTime", Verdict::kAct, Reason::kRotated, Operation::kRotate},
        WorkRow{"Revoke", Verdict::kAct, Reason::kRevoked, Operation::kRotate},
        WorkRow{"Extend", Verdict::kAct, Reason::kExtendedOffline, Operation::kExtend},
        WorkRow{"Heal", Verdict::kAct, Reason::kKeyMissing, Operation::kHeal},
        WorkRow{"Remove", Verdict::kAct, Reason::kDeprovisioning, Operation::kRemove},
        WorkRow{"OurOwnNotes", Verdict::kAct, Reason::kVerified, std::nullopt},
        WorkRow{"Failure", Verdict::kAct, Reason::kNotRegistered, Operation::kProvision,
                ErrorCode::kInvalid, PassOutcome::kFailed, true},
        WorkRow{"Surprise", Verdict::kAct, Reason::kNotRegistered, Operation::kProvision,
                ErrorCode::kAlreadyExists, PassOutcome::kRepeated, true},
        WorkRow{"Throttled", Verdict::kAct, Reason::kNotRegistered, Operation::kProvision,
                ErrorCode::kThrottled, PassOutcome::kRepeated, false},
        WorkRow{"ReadingFailed", Verdict::kInSync, Reason::kSynced, std::nullopt,
                ErrorCode::kUnavailable, PassOutcome::kFailed, true},
        WorkRow{"Observe", Verdict::kAct, Reason::kNotRegistered, std::nullopt, std::nullopt,
                PassOutcome::kSucceeded, false, true}),
    [](const auto& each) { return std::string(each.param.name); });

class RememberingObserver final : public PassObserver {
 public:
  void onPass(const PassReport& report) override { passes.push_back(report); }
  void onSweep(const SweepReport& report) override { sweeps.push_back(report); }
  std::vector<PassReport> passes;
  std::vector<SweepReport> sweeps;
};

class Observed : public test::World {
 protected:
  Observed() { context_.observer = &observer_; }
  RememberingObserver observer_;
};

TEST_F(Observed, PassesAreToldWithTheirFleet) {
  addDevice(1);
  apply();
  syncAll();
  ASSERT_EQ(observer_.passes.size(), 1U);
  const PassReport& pass = observer_.passes[0];
  EXPECT_EQ(pass.fleet, test::kFleetKey);
  EXPECT_TRUE(pass.comesAgain);
  ASSERT_TRUE(pass.work);
  EXPECT_EQ(pass.work->operation, Operation::kProvision);
  EXPECT_EQ(pass.work->outcome, PassOutcome::kSucceeded);
}

TEST_F(Observed, SweepsAreToldWithTheirSnapshots) {
  addDevice(1);
  apply();
  sweep();
  ASSERT_EQ(observer_.sweeps.size(), 1U);
  ASSERT_TRUE(observer_.sweeps[0].snapshots);
  EXPECT_EQ(observer_.sweeps[0].snapshots->balena, clock_.now());
  EXPECT_EQ(observer_.sweeps[0].snapshots->registry, clock_.now());
  balena().log().failNext("getFleet", Error{ErrorCode::kUnavailable, "down"});
  sweep();
  ASSERT_EQ(observer_.sweeps.size(), 2U);
  EXPECT_FALSE(observer_.sweeps[1].snapshots);
}

TEST_F(Observed, AConflictIsToldOnceAndNotAtEveryPass) {
  addDevice(1);
  apply();
  registry().add({test::idOf(1), {}, {{"somebody", "else"}}});
  syncAll();
  ASSERT_EQ(phaseOf(1), api::Phase::kConflict) << readyOf(1).message;
  reconcile(1);
  ASSERT_GE(observer_.passes.size(), 2U);
  EXPECT_EQ(observer_.passes[0].conflict, Reason::kKeyMismatch);
  for (std::size_t i = 1; i < observer_.passes.size(); ++i) {
    EXPECT_EQ(observer_.passes[i].conflict, std::nullopt);
  }
}

}  // namespace
}  // namespace bco
