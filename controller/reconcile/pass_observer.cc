#include "reconcile/pass_observer.h"

namespace bco {
namespace {

PassOutcome outcomeOf(const std::optional<Error>& error) {
  if (!error) return PassOutcome::kSucceeded;
  switch (error->code) {
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kConflict:
    case ErrorCode::kNotFound:
    case ErrorCode::kThrottled:
      return PassOutcome::kRepeated;
    default:
      return PassOutcome::kFailed;
  }
}

}  // namespace

std::string_view nameOf(Operation operation) {
  switch (operation) {
    case Operation::kProvision:
      return "provision";
    case Operation::kAdopt:
      return "adopt";
    case Operation::kRotate:
      return "rotate";
    case Operation::kExtend:
      return "extend";
    case Operation::kHeal:
      return "heal";
    case Operation::kRemove:
      return "remove";
  }
  return "";
}

std::string_view nameOf(PassOutcome outcome) {
  switch (outcome) {
    case PassOutcome::kSucceeded:
      return "succeeded";
    case PassOutcome::kFailed:
      return "failed";
    case PassOutcome::kRepeated:
      return "repeated";
  }
  return "";
}

std::optional<Operation> operationOf(const Plan& plan) {
  if (plan.verdict != Verdict::kAct) return std::nullopt;
  switch (plan.reason) {
    case Reason::kNotRegistered:
      return Operation::kProvision;
    case Reason::kAdopted:
    case Reason::kTakenOver:
      return Operation::kAdopt;
    case Reason::kKeyExpired:
    case Reason::kRotated:
    case Reason::kRevoked:
      return Operation::kRotate;
    case Reason::kExtendedOffline:
      return Operation::kExtend;
    case Reason::kDeprovisioning:
      return Operation::kRemove;
    case Reason::kVerified:
      return std::nullopt;
    default:  // whatever differs from what it must be
      return Operation::kHeal;
  }
}

void note(PassReport& report, const Pass& pass, const api::BalenaDevice& object) {
  report.failed = pass.error && pass.error->code != ErrorCode::kThrottled;
  if (pass.observeOnly) return;
  if (const auto operation = operationOf(pass.plan)) {
    report.work = PassReport::Work{*operation, outcomeOf(pass.error)};
  }
  if (pass.error || pass.plan.verdict != Verdict::kRefuse || !isConflict(pass.plan.reason)) return;
  const api::Condition* ready = findCondition(object.status.conditions, "Ready");
  if (ready == nullptr || ready->reason != nameOf(pass.plan.reason)) {
    report.conflict = pass.plan.reason;
  }
}

}  // namespace bco
