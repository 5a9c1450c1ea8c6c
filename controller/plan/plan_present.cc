#include <algorithm>

#include "plan/key_schedule.h"
#include "plan/planner.h"

namespace bco {
namespace {

constexpr std::size_t kShort = 16;
// To look whether the clocks agree again.
constexpr Duration kClockInterval = std::chrono::minutes(5);

// One planning of one device: the facts derived from the observation once, and a method a row of
// the table in plan.h.
class Planner {
 public:
  Planner(const DesiredDevice& desired, const ObservedDevice& observed, TimePoint now)
      : desired_(desired),
        observed_(observed),
        target_(*observed.device->target),
        mark_(observed.mark.mark),
        now_(std::chrono::floor<std::chrono::seconds>(now)) {}

  Plan decide() {
    Plan plan = decideByTable();
    return isSkewed(observed_.clockSkew) && issuesKey(plan) ? waitForClocks(plan.message) : plan;
  }

 private:
  Plan decideByTable() {
    if (!observed_.registration) return provision();
    if (observed_.mark.state == MarkState::kAbsent) return adopt();
    if (mark_.fleetId != desired_.fleetId) return takeOver();
    return maintain();
  }

  // ── registration: none
  Plan provision() {
    Plan plan = act(Reason::kNotRegistered, "registering the device");
    Mark mark = ownMark();
    mark.needsVerification = target_.hasKey || desired_.returning;
    plan.stages.push_back({CreateRegistration{api::registrationId(desired_.uuid), mark,
                                              NewKey{0, now_, now_ + desired_.keys.lifetime}}});
    deliver(plan, 0);
    // A late write of an earlier life of the device may still land on what is there.
    if (target_.hasKey) plan.next = std::min(verifyAt(), now_ + kLateWriteHorizon);
    return plan;
  }

  // ── registration: ours
  Plan maintain() {
    if (!target_.hasKey) return deliverNewest(Reason::kKeyMissing, "the device has no key");
    const MarkedKey* stored =
        target_.keyFingerprint ? mark_.find(target_.keyFingerprint->substr(0, kShort)) : nullptr;
    if (stored == nullptr) {
      return deliverNewest(Reason::kKeyUnknown,
                           "the stored key is none of ours: replacing it, never registering it");
    }
    if (stored->generation != mark_.newest()->generation) {
      return deliverNewest(Reason::kKeyOutdated, "the stored key is an older generation");
    }
    const clearblade::Credential* credential = credentialOf(stored->shortFingerprint);
    if (credential != nullptr && isExpired(credential->expiresAt, now_, observed_.clockSkew)) {
      return nextGeneration(Reason::kKeyExpired, "the stored key has expired");
    }
    if (credential == nullptr) {
      return deliverNewest(Reason::kCredentialMissing, "the stored key is not registered any more");
    }
    if (mayHaveExpired(credential->expiresAt, now_, observed_.clockSkew)) {
      return waitForClocks("the stored key may have expired");
    }
    Plan plan{Verdict::kInSync, Reason::kSynced, "", {}, verifyAt()};
    if (mark_.needsVerification) concludeVerification(plan);
    writeDrifted(plan, std::nullopt);
    if (plan.verdict == Verdict::kInSync && !plan.stages.empty()) {
      plan.verdict = Verdict::kAct;
      plan.reason = Reason::kVariablesDrifted;
      plan.message = "variables differ from what they must be";
    }
    return plan;
  }

  // The stored key is right. What an earlier writer has sent may still land for a while; when that
  // is over, nobody need look at the key for the mark's sake again.
  void concludeVerification(Plan& plan) const {
    const TimePoint over = mark_.newest()->issuedAt + kLateWriteHorizon;
    if (now_ < over) {
      plan.next = std::min(*plan.next, over);
      return;
    }
    plan.verdict = Verdict::kAct;
    plan.reason = Reason::kVerified;
    plan.message = "the stored key is the registered one";
    Mark mark = mark_;
    mark.needsVerification = false;
    patchMark(plan, mark);
  }

  // The newest key that the mark lists, by the least change that makes it both registered and
  // stored.
  Plan deliverNewest(Reason reason, std::string message) {
    const MarkedKey* newest = mark_.newest();
    if (!observed_.newestIsDerivable) return nextGeneration(reason, std::move(message));
    const clearblade::Credential* credential = credentialOf(newest->shortFingerprint);
    const std::optional<TimePoint> expiry =
        credential == nullptr ? newest->issuedAt + desired_.keys.lifetime : credential->expiresAt;
    if (isExpired(expiry, now_, observed_.clockSkew)) {
      return nextGeneration(Reason::kKeyExpired, "the newest key has expired");
    }
    Plan plan = act(reason, std::move(message));
    if (credential == nullptr) {
      // A patch of the credentials is the chance to rotate what is due anyway.
      const bool isDue =
          rotateAt(newest->issuedAt, desired_.keys, desired_.uuid) <= now_ + kGenerationInterval;
      if (isDue && !isYoung(*newest)) return nextGeneration(reason, plan.message);
      if (!addKey(plan, NewKey{newest->generation, newest->issuedAt, *expiry})) return slotsFull();
    }
    deliver(plan, newest->generation);
    return plan;
  }

  Plan nextGeneration(Reason reason, std::string message) {
    const MarkedKey* newest = mark_.newest();
    if (isYoung(*newest)) {
      return {Verdict::kWait,
              Reason::kKeyTooYoung,
              message +
                  "; the newest key, issued less than an hour ago, can't be delivered: a new "
                  "generation follows when the hour is over",
              {},
              newest->issuedAt + kGenerationInterval};
    }
    const std::uint32_t generation = newest->generation + 1;
    Plan plan = act(reason, std::move(message));
    if (!addKey(plan, NewKey{generation, now_, now_ + desired_.keys.lifetime})) return slotsFull();
    deliver(plan, generation);
    return plan;
  }

  // The device came from another fleet of ours: metadata alone, as in adoption. Its variables
  // follow in the next pass, by what is then observed.
  Plan takeOver() {
    Plan plan = act(Reason::kTakenOver, "taking the registration over from another fleet of ours");
    Mark mark = mark_;
    mark.fleetId = desired_.fleetId;
    patchMark(plan, mark);
    plan.next = now_;
    return plan;
  }

  // ── registration: unmarked
  Plan adopt() {
    if (desired_.adoption == api::Adoption::kNever) {
      return {Verdict::kRefuse,
              Reason::kAdoptionDisabled,
              "a registration without our mark exists, and adoption is Never",
              {},
              {}};
    }
    const clearblade::Credential* stored =
        target_.keyFingerprint ? credentialOf(*target_.keyFingerprint) : nullptr;
    if (stored != nullptr && !isExpired(stored->expiresAt, now_, observed_.clockSkew)) {
      Plan plan = act(Reason::kAdopted, "adopting the registration; its key stays");
      Mark mark = adoptedMark();
      mark.keys.push_back({target_.keyFingerprint->substr(0, kShort), 0,
                           adoptedIssueTime(now_, desired_.keys.lifetime, desired_.uuid)});
      patchMark(plan, mark);
      writeDrifted(plan, std::nullopt);
      return plan;
    }
    if (desired_.adoption != api::Adoption::kAlways) {
      return {
          Verdict::kRefuse,
          Reason::kKeyMismatch,
          std::string("a registration without our mark exists, and ") +
              (!target_.hasKey     ? "no key is stored on the device"
               : stored == nullptr ? "the key stored on the device is not one of its credentials"
                                   : "the key stored on the device has expired") +
              "; adoption: Always takes it over with a new key",
          {},
          {}};
    }
    Plan plan = act(Reason::kAdopted, "taking the registration over with a new key");
    if (!addKey(plan, adoptedMark(), NewKey{0, now_, now_ + desired_.keys.lifetime})) {
      return slotsFull();
    }
    deliver(plan, 0);
    return plan;
  }

  // ── parts
  [[nodiscard]] Plan act(Reason reason, std::string message) const {
    return {Verdict::kAct, reason, std::move(message), {}, verifyAt()};
  }

  // Too young for a successor.
  [[nodiscard]] bool isYoung(const MarkedKey& key) const {
    return key.issuedAt > now_ - kGenerationInterval;
  }

  [[nodiscard]] Plan slotsFull() const {
    return {Verdict::kWait,
            Reason::kCredentialSlotsFull,
            "the registration holds three credentials, none of which may go yet",
            {},
            now_ + std::chrono::minutes(10)};
  }

  [[nodiscard]] static bool issuesKey(const Plan& plan) {
    for (const auto& stage : plan.stages) {
      for (const Step& step : stage) {
        const auto* patch = std::get_if<PatchRegistration>(&step);
        if (std::holds_alternative<CreateRegistration>(step)) return true;
        if (patch != nullptr && patch->add) return true;
      }
    }
    return false;
  }

  [[nodiscard]] Plan waitForClocks(const std::string& what) const {
    return {Verdict::kWait,
            Reason::kClockSkew,
            what + ", but this machine's clock and the cloud's are " +
                formatDuration(std::chrono::abs(observed_.clockSkew)) +
                " apart: set the clock (NTP); until then no key is issued or judged expired",
            {},
            now_ + kClockInterval};
  }

  [[nodiscard]] TimePoint verifyAt() const {
    const TimePoint usual = now_ + spread(desired_.keys.verifyInterval, desired_.uuid);
    return desired_.returning ? std::min(usual, now_ + kLateWriteHorizon) : usual;
  }

  [[nodiscard]] Mark ownMark() const {
    Mark mark;
    mark.owner = desired_.ownerId;
    mark.fleetId = desired_.fleetId;
    return mark;
  }

  [[nodiscard]] Mark adoptedMark() const {
    Mark mark = ownMark();
    mark.incarnation = adoptedIncarnation(desired_.uuid, observed_.registration->numId);
    return mark;
  }

  // By full or short fingerprint.
  [[nodiscard]] const clearblade::Credential* credentialOf(const std::string& fingerprint) const {
    for (std::size_t i = 0; i < observed_.credentialFingerprints.size(); ++i) {
      if (!fingerprint.empty() && observed_.credentialFingerprints[i].starts_with(fingerprint)) {
        return &observed_.registration->credentials[i];
      }
    }
    return nullptr;
  }

  void patchMark(Plan& plan, const Mark& mark) const {
    plan.stages.push_back({PatchRegistration{observed_.registration->numId,
                                             withMark(observed_.registration->metadata, mark), mark,
                                             std::nullopt, std::nullopt}});
  }

  [[nodiscard]] bool addKey(Plan& plan, const NewKey& key) const {
    return addKey(plan, mark_, key);
  }

  [[nodiscard]] bool addKey(Plan& plan, Mark mark, const NewKey& key) const {
    auto kept = makeRoom(observed_, target_.keyFingerprint.value_or(""), now_);
    if (!kept) return false;
    mark.keys = std::move(kept->keys);
    // Until the variable is written too, the device holds a key that this leaves unregistered.
    const clearblade::Credential* stored = credentialOf(target_.keyFingerprint.value_or(""));
    mark.needsVerification =
        target_.hasKey &&
        (stored == nullptr ||
         std::ranges::find(kept->credentials, stored->publicKey,
                           &clearblade::Credential::publicKey) == kept->credentials.end());
    plan.stages.push_back(
        {PatchRegistration{observed_.registration->numId, observed_.registration->metadata, mark,
                           std::move(kept->credentials), key}});
    return true;
  }

  // Stores key `generation` and whatever else of the four differs.
  void deliver(Plan& plan, std::uint32_t generation) const { writeDrifted(plan, generation); }

  void writeDrifted(Plan& plan, std::optional<std::uint32_t> generation) const {
    const std::string id = api::registrationId(desired_.uuid);
    WriteVariables write{target_.parent, {}};
    const auto want = [&](std::string_view name, std::string value) {
      const auto found = target_.publicVariables.find(name);
      const bool exists = found != target_.publicVariables.end();
      if (exists && found->second == value) return;
      write.changes.push_back({std::string(name), std::move(value), exists});
    };
    want(balena::kClientPath, desired_.registryPath + "/devices/" + id);
    want(balena::kDataTopicRoot, "/devices/" + id);
    want(balena::kProjectId, desired_.project);
    if (generation) {
      write.changes.push_back({std::string(balena::kPrivateKey), *generation, target_.hasKey});
    }
    if (!write.changes.empty()) plan.stages.push_back({std::move(write)});
  }

  const DesiredDevice& desired_;
  const ObservedDevice& observed_;
  const ObservedLevel& target_;
  const Mark& mark_;
  const TimePoint now_;
};

}  // namespace

Plan planPresent(const DesiredDevice& desired, const ObservedDevice& observed, TimePoint now) {
  return Planner(desired, observed, now).decide();
}

}  // namespace bco
