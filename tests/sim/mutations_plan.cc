// Defects of the planner.
#include <algorithm>

#include "core/text.h"
#include "tests/sim/mutations.h"

namespace bco::sim {
namespace {

using Planned = std::function<Plan(Mutant&, DesiredDevice, ObservedDevice, TimePoint)>;

// The right plan, edited.
Planned edited(std::function<void(Plan&, const ObservedDevice&, TimePoint)> edit) {
  return [edit = std::move(edit)](Mutant&, const DesiredDevice& desired,
                                  const ObservedDevice& observed, TimePoint now) {
    Plan plan = bco::plan(desired, observed, now);
    edit(plan, observed, now);
    return plan;
  };
}

// The right planner, told something else.
Planned misled(std::function<void(DesiredDevice&, ObservedDevice&)> mislead) {
  return [mislead = std::move(mislead)](Mutant&, DesiredDevice desired, ObservedDevice observed,
                                        TimePoint now) {
    mislead(desired, observed);
    return bco::plan(desired, observed, now);
  };
}

PatchRegistration* credentialsPatch(Plan& plan) {
  for (Step& step : plan.steps) {
    auto* patch = std::get_if<PatchRegistration>(&step);
    if (patch != nullptr && patch->keep) return patch;
  }
  return nullptr;
}

Variables* variablesOf(Mutant& mutant, const DesiredDevice& desired) {
  const DeviceRow& row = mutant.parts.balena.device(desired.uuid);
  balena::VariableLevel level;
  if (desired.service) level.serviceId = row.fleetId + 1;
  return BalenaCloud::at(const_cast<DeviceRow&>(row), level);
}

// The stored key is none of ours, and becomes a credential.
Plan registerUnknown(Mutant& mutant, const DesiredDevice& desired, const ObservedDevice& observed,
                     TimePoint now) {
  Plan plan = bco::plan(desired, observed, now);
  const Variables* variables = variablesOf(mutant, desired);
  if (plan.reason != Reason::kKeyUnknown || variables == nullptr || !observed.registration) {
    return plan;
  }
  const auto stored = variables->find(balena::kPrivateKey);
  if (stored == variables->end()) return plan;
  const std::string key = mutant.parts.invariants.publicHalf(stored->second);
  if (key.empty()) return plan;
  auto keep = observed.registration->credentials;
  keep.push_back({"ES256_PEM", key, std::nullopt});
  plan.steps = {PatchRegistration{observed.registration->numId, observed.registration->metadata,
                                  observed.mark.mark, keep, std::nullopt}};
  return plan;
}

// Revokes once, and never looks whether it lasted.
Plan revokeOnce(Mutant& mutant, DesiredDevice desired, const ObservedDevice& observed,
                TimePoint now) {
  if (!desired.keys.revokeBefore) return bco::plan(desired, observed, now);
  std::string& done = mutant.seen[desired.uuid];
  const std::string asked = formatRfc3339(*desired.keys.revokeBefore);
  if (done == asked) desired.keys.revokeBefore.reset();
  Plan plan = bco::plan(desired, observed, now);
  if (plan.reason == Reason::kRevoked) done = asked;
  return plan;
}

}  // namespace

std::vector<Mutation> planMutations() {
  std::vector<Mutation> all;
  const auto add = [&](std::string name, std::string what, Planned plan) {
    all.push_back({.name = std::move(name), .what = std::move(what), .plan = std::move(plan)});
  };
  add("variable-before-patch", "a key is stored before it is registered",
      edited([](Plan& plan, const ObservedDevice&, TimePoint) {
        if (credentialsPatch(plan) != nullptr) std::ranges::reverse(plan.steps);
      }));
  add("older-key-dropped", "a rotation's PATCH holds the new key alone",
      edited([](Plan& plan, const ObservedDevice&, TimePoint) {
        PatchRegistration* patch = credentialsPatch(plan);
        if (patch != nullptr && patch->add) patch->keep->clear();
      }));
  add("expired-keys-kept", "a PATCH keeps everything that was there",
      edited([](Plan& plan, const ObservedDevice& observed, TimePoint) {
        PatchRegistration* patch = credentialsPatch(plan);
        if (patch != nullptr && observed.registration) {
          patch->keep = observed.registration->credentials;
        }
      }));
  add("unknown-key-registered", "a stored key that is none of ours is registered",
      &registerUnknown);
  add("never-rotates", "keys are not replaced before they expire",
      edited([](Plan& plan, const ObservedDevice&, TimePoint now) {
        if (plan.reason != Reason::kRotated) return;
        plan = {Verdict::kInSync, Reason::kSynced, "", {}, now + std::chrono::hours(1)};
      }));
  add("offline-rotated", "devices count as online",
      misled([](DesiredDevice&, ObservedDevice& observed) {
        if (!observed.device) return;
        observed.device->isOnline = true;
      }));
  add("never-revokes", "revokeBefore is ignored",
      misled([](DesiredDevice& desired, ObservedDevice&) { desired.keys.revokeBefore.reset(); }));
  add("revocation-not-rechecked", "what was revoked is not looked at again", &revokeOnce);
  add("late-write-not-looked-for",
      "what is registered anew over what was there, or after Absent, is not verified again",
      [](Mutant&, DesiredDevice desired, const ObservedDevice& observed, TimePoint now) {
        desired.returning = false;
        Plan plan = bco::plan(desired, observed, now);
        for (Step& step : plan.steps) {
          if (auto* made = std::get_if<CreateRegistration>(&step)) {
            made->mark.needsVerification = false;
            plan.next = now + desired.keys.verifyInterval;
          }
          if (auto* patch = std::get_if<PatchRegistration>(&step)) {
            patch->mark.needsVerification = false;
          }
        }
        return plan;
      });
  add("never-verifies", "what is in sync is never looked at again",
      edited([](Plan& plan, const ObservedDevice&, TimePoint) {
        if (plan.verdict == Verdict::kInSync) plan.next.reset();
      }));
  add("hot-loop", "what is in sync is looked at every second",
      edited([](Plan& plan, const ObservedDevice&, TimePoint now) {
        if (plan.verdict == Verdict::kInSync) plan.next = now + std::chrono::seconds(1);
      }));
  add("flapping", "what is in sync is written again",
      edited([](Plan& plan, const ObservedDevice& observed, TimePoint) {
        if (plan.verdict != Verdict::kInSync || !observed.device || !observed.device->target)
          return;
        const auto& held = observed.device->target->publicVariables;
        const auto found = held.find(balena::kProjectId);
        if (found == held.end()) return;
        plan.verdict = Verdict::kAct;
        plan.steps = {
            WriteVariables{observed.device->target->parent,
                           {VariableChange{std::string(balena::kProjectId), found->second, true}}}};
      }));
  add("adoption-changes-credentials", "adoption's PATCH holds credentials",
      edited([](Plan& plan, const ObservedDevice& observed, TimePoint) {
        if (plan.reason != Reason::kAdopted || plan.steps.empty()) return;
        auto* patch = std::get_if<PatchRegistration>(&plan.steps.front());
        if (patch != nullptr && !patch->keep) patch->keep = observed.registration->credentials;
      }));
  add("deprovision-in-any-fleet", "an object removes what is another fleet's by now",
      misled([](DesiredDevice& desired, ObservedDevice& observed) {
        if (desired.present) return;
        if (observed.device) observed.device->fleetId = desired.fleetId;
        observed.mark.mark.fleetId = desired.fleetId;
      }));
  add("key-in-status",
      "the message of a rotation, which is a condition and an event, names the key",
      [](Mutant& mutant, const DesiredDevice& desired, const ObservedDevice& observed,
         TimePoint now) {
        Plan plan = bco::plan(desired, observed, now);
        if (plan.reason != Reason::kRotated || !observed.device) return plan;
        const auto value = variablesOf(mutant, desired)->find(balena::kPrivateKey);
        const auto pem = fromBase64(value->second);
        // Of the two lines that are the key the second.
        if (pem) plan.message += ", instead of " + pem->substr(93, 20);
        return plan;
      });
  add("hour-ignored", "a key may have a successor at once",
      [](Mutant&, const DesiredDevice& desired, ObservedDevice observed, TimePoint now) {
        constexpr auto kHour = std::chrono::hours(1);
        for (MarkedKey& key : observed.mark.mark.keys) key.issuedAt -= kHour;
        Plan plan = bco::plan(desired, observed, now);
        PatchRegistration* patch = credentialsPatch(plan);
        if (patch == nullptr) return plan;
        for (MarkedKey& key : patch->mark.keys) key.issuedAt += kHour;
        return plan;
      });
  add("absent-ignored", "state: Absent counts as Present",
      misled([](DesiredDevice& desired, ObservedDevice&) { desired.present = true; }));
  add("drift-ignored", "public variables are not compared",
      misled([](DesiredDevice& desired, ObservedDevice& observed) {
        if (!observed.device || !observed.device->target) return;
        const std::string path = "/devices/" + api::registrationId(desired.uuid);
        auto& held = observed.device->target->publicVariables;
        if (held.empty()) return;
        held = {{std::string(balena::kClientPath), desired.registryPath + path},
                {std::string(balena::kDataTopicRoot), path},
                {std::string(balena::kProjectId), desired.project}};
      }));
  return all;
}

}  // namespace bco::sim
