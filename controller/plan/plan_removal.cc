#include "plan/notice.h"
#include "plan/planner.h"

namespace bco {
namespace {

// What becomes of the variables, level by level; see the table at planRemoval().
class VariablesRemoval {
 public:
  VariablesRemoval(const DesiredDevice& desired, const ObservedDevice& observed)
      : observed_(observed),
        path_(desired.registryPath + "/devices/" + api::registrationId(desired.uuid)) {
    if (!observed.device) return;
    if (observed.device->target) judge(*observed.device->target);
    for (const ObservedLevel& level : observed.device->others) judge(level);
  }

  std::vector<Step> claims;   // before the registration goes
  std::vector<Step> removes;  // after it
  std::string left;           // where keys stay of which nobody knows whose they are

 private:
  void judge(const ObservedLevel& level) {
    const auto clientPath = level.publicVariables.find(balena::kClientPath);
    const bool hasPath = clientPath != level.publicVariables.end();
    if (hasPath ? clientPath->second != path_ : !level.hasKey) return;
    if (!hasPath && credentialAt(level, observed_) == nullptr) {
      left += (left.empty() ? "" : " and ") + describe(level);
      return;
    }
    if (!hasPath) {
      claims.push_back(
          WriteVariables{level.parent, {{std::string(balena::kClientPath), path_, false}}});
    }
    removes.push_back(
        DeleteVariables{level.parent, {observed_.device->id, observed_.device->fleetId, path_}});
  }

  const ObservedDevice& observed_;
  const std::string path_;
};

}  // namespace

Plan planRemoval(const DesiredDevice& desired, const ObservedDevice& observed, TimePoint now) {
  Plan plan{Verdict::kAct, Reason::kDeprovisioning, "removing registration and variables", {}, {}};
  if (observed.registration) {
    if (observed.mark.state != MarkState::kValid) {
      return {Verdict::kRefuse,
              Reason::kNotOurs,
              "the registration carries no mark of ours; it is left alone",
              {},
              {}};
    }
    // Whose device it is, says balena: its fleet has the say though it has not taken over yet.
    if (!observed.device && observed.mark.mark.fleetId != desired.fleetId) {
      return {Verdict::kRefuse,
              Reason::kMovedToAnotherFleet,
              "the registration has been taken over by another fleet; it is left alone",
              {},
              {}};
    }
  }
  VariablesRemoval variables(desired, observed);
  const std::string left = "a GCP_PRIVATE_KEY without GCP_CLIENT_PATH stays on " + variables.left +
                           ": no registration says whose it is; remove the GCP_* variables there, "
                           "if they are not needed";
  for (Step& claim : variables.claims) plan.steps.push_back(std::move(claim));
  if (observed.registration) {
    plan.steps.push_back(DeleteRegistration{observed.registration->numId});
  }
  for (Step& removal : variables.removes) plan.steps.push_back(std::move(removal));
  if (!variables.left.empty()) {
    if (plan.steps.empty()) return {Verdict::kRefuse, Reason::kVariablesLeft, left, {}, {}};
    plan.message += "; " + left;
    plan.next = now;  // to say so when all else is done
  }
  if (plan.steps.empty()) {
    return {Verdict::kInSync, Reason::kDeprovisioned, "no registration, no variables", {}, {}};
  }
  return plan;
}

Plan planStaleRemoval(const DesiredDevice& desired, const ObservedDevice& observed,
                      const crypto::Incarnation& cleared, bool allFleetsKnown, TimePoint now) {
  const auto keep = [](Verdict verdict, Reason reason, std::string message) {
    return Plan{verdict, reason, std::move(message), {}, {}};
  };
  if (observed.device && observed.device->fleetId == desired.fleetId) {
    return keep(Verdict::kRefuse, Reason::kSynced, "the device is in its fleet");
  }
  if (observed.device &&
      (!allFleetsKnown || desired.managedFleets.contains(observed.device->fleetId))) {
    return keep(Verdict::kRefuse, Reason::kMovedToAnotherFleet,
                "the device is, or may be, in another fleet that is managed here");
  }
  if (!observed.registration) {
    return keep(Verdict::kInSync, Reason::kStaleRemoved, "the registration has gone already");
  }
  if (observed.mark.state != MarkState::kValid || observed.mark.mark.owner != desired.ownerId) {
    return keep(Verdict::kRefuse, Reason::kNotOurs, "the registration is not ours");
  }
  if (observed.mark.mark.fleetId != desired.fleetId) {
    return keep(Verdict::kRefuse, Reason::kMovedToAnotherFleet,
                "the registration has been taken over by another fleet");
  }
  if (observed.mark.mark.incarnation != cleared) {
    return keep(Verdict::kRefuse, Reason::kTakenOver, "the registration was made anew meanwhile");
  }
  Plan plan = planRemoval(desired, observed, now);
  if (plan.verdict == Verdict::kAct) {
    plan.reason = Reason::kStaleRemoved;
    plan.message = "the device has left balena's fleet: its registration was removed";
  }
  return plan;
}

}  // namespace bco
