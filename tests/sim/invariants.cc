#include "tests/sim/invariants.h"

#include <algorithm>

#include "api/json_encode.h"
#include "plan/key_schedule.h"

namespace bco::sim {
namespace {

constexpr auto kConnected = "1: the stored key of a device is a registered, unexpired credential";
constexpr auto kThree = "2: never more than three credentials";
constexpr auto kForeign = "3: a registration that is not ours is never changed or removed";
constexpr auto kSecret = "4: no secret is let out";
constexpr auto kRemoval =
    "6: nothing is removed on incomplete knowledge, nor more than the brake allows";
constexpr auto kKeys = "a key that none of us has made is never registered";
constexpr auto kUnexpired =
    "only expiry, revocation or want of room removes an unexpired credential";
constexpr auto kAnew = "a registration made anew has keys of its own";
constexpr std::string_view kCreation = "createRegistration";
constexpr auto kObserve = "after a write of unknown outcome one looks before one writes again";

bool isOurs(const Registration& registration) {
  const ReadMark read = readMark(registration.metadata);
  return read.state == MarkState::kValid && read.mark.owner == kOwner;
}

}  // namespace

void Statistics::add(const Statistics& other) {
  worlds += other.worlds;
  deviceMonths += other.deviceMonths;
  publishes += other.publishes;
  refused += other.refused;
  refusedElse += other.refusedElse;
  rotations += other.rotations;
  rotationRequests += other.rotationRequests;
  undisturbedRotations += other.undisturbedRotations;
  undisturbedRequests += other.undisturbedRequests;
  restarts += other.restarts;
  calls += other.calls;
  crashes += other.crashes;
  interferences += other.interferences;
  removals += other.removals;
}

void Invariants::violate(const std::string& invariant, const std::string& what) {
  if (violation_) return;
  violation_ = {invariant, what};
  scheduler_.halt();
}

// ── what people do

void Invariants::interfered(const std::string& uuid) {
  mustGo_.erase(uuid);
  promised_.erase(uuid);
  interferedAt_[uuid] = scheduler_.now();
  ++version_;
}

void Invariants::returned(const std::string& uuid) {
  const auto left = leftAt_.find(uuid);
  if (left == leftAt_.end()) return;
  goneBefore_[uuid] = scheduler_.now() - left->second;
  returnedAt_[uuid] = scheduler_.now();
  leftAt_.erase(left);
}

std::optional<TimePoint> Invariants::revokeBeforeOf(const api::BalenaDevice& device) const {
  const auto fleet = cluster_.fleets.get(device.fleetKey());
  std::optional<TimePoint> asked = device.spec.keys.revokeBefore;
  if (!asked && fleet != nullptr) asked = fleet->spec.keys.revokeBefore;
  // Times of issue are known in whole seconds.
  if (asked) asked = std::chrono::floor<std::chrono::seconds>(*asked);
  return asked;
}

bool Invariants::isToBeCut(const std::string& uuid, const Registration& registration) const {
  std::optional<TimePoint> before;
  for (const auto& object : cluster_.devices.list()) {
    const auto asked = revokeBeforeOf(*object);
    if (object->spec.uuid == uuid && asked && (!before || *asked > *before)) before = asked;
  }
  if (!before || *before > registry_->now()) return false;
  const Mark mark = readMark(registration.metadata).mark;
  return std::ranges::any_of(registration.credentials, [&](const auto& credential) {
    const auto key = crypto::PublicKey::fromPem(credential.publicKey);
    const MarkedKey* marked = key ? mark.find(shortFingerprint(*key)) : nullptr;
    return marked == nullptr || marked->issuedAt < *before;
  });
}

void Invariants::made(const crypto::PrivateKey& key) {
  if (made_.insert(key.publicKey().toPem()).second) {
    hideKey(crypto::toVariableValue(key).reveal());
  }
}

void Invariants::spoken(std::string_view text) {
  if (secrets_.areIn(text)) violate(kSecret, std::string(text));
}

// ── what is so

std::string Invariants::publicHalf(const std::string& storedValue) {
  const auto known = publicHalves_.find(storedValue);
  if (known != publicHalves_.end()) return known->second;
  const auto key = crypto::fromVariableValue(SecretBytes(storedValue));
  return publicHalves_[storedValue] = key ? key->publicKey().toPem() : std::string();
}

bool Invariants::isRegistered(const std::string& uuid, const std::string& publicPem) const {
  const Registration* registration = registry_->find(api::registrationId(uuid));
  if (registration == nullptr || registration->blocked || publicPem.empty()) return false;
  return std::ranges::any_of(registration->credentials, [&](const auto& credential) {
    return credential.publicKey == publicPem &&
           (!credential.expiresAt || *credential.expiresAt > registry_->now());
  });
}

const api::BalenaFleet* Invariants::fleetOf(std::int64_t fleetId,
                                            std::vector<Shared<api::BalenaFleet>>& hold) const {
  const auto fleets = cluster_.fleets.list();
  hold.assign(fleets.begin(), fleets.end());
  for (std::size_t i = 0; i < hold.size(); ++i) {
    if (kFleetIds[i] == fleetId) return hold[i].get();
  }
  return nullptr;
}

bool Invariants::isConnected(const std::string& uuid) {
  const DeviceRow& row = balena_->device(uuid);
  std::vector<Shared<api::BalenaFleet>> hold;
  const api::BalenaFleet* fleet = fleetOf(row.fleetId, hold);
  if (!row.isRegistered || fleet == nullptr) return false;
  balena::VariableLevel level;
  if (fleet->spec.service) level.serviceId = row.fleetId + 1;
  const Variables* variables = BalenaCloud::at(const_cast<DeviceRow&>(row), level);
  if (variables == nullptr || variables->size() != 4) return false;
  const std::string path = "/devices/" + api::registrationId(uuid);
  if (variables->at("GCP_CLIENT_PATH") != "projects/p/locations/us-central1/registries/r" + path ||
      variables->at("GCP_DATA_TOPIC_ROOT") != path || variables->at("GCP_PROJECT_ID") != "p") {
    return false;
  }
  return isRegistered(uuid, publicHalf(variables->at("GCP_PRIVATE_KEY")));
}

bool Invariants::isWanted(const std::string& uuid) const {
  const DeviceRow& row = balena_->device(uuid);
  std::vector<Shared<api::BalenaFleet>> hold;
  const api::BalenaFleet* fleet = fleetOf(row.fleetId, hold);
  if (!row.isRegistered || fleet == nullptr || fleet->meta.deletedAt) return false;
  const auto devices = cluster_.devices.list();
  const auto declared = std::ranges::count_if(devices, [&](const auto& each) {
    return each->spec.uuid == uuid && !each->meta.isDiscovered() && !each->meta.deletedAt;
  });
  if (declared > 1) return false;
  return std::ranges::any_of(devices, [&](const auto& each) {
    return each->spec.uuid == uuid && each->fleetKey() == fleet->meta.key &&
           each->spec.state == api::DesiredState::kPresent && !each->spec.suspend &&
           !each->meta.deletedAt;
  });
}

void Invariants::check(const std::string& uuid) {
  if (violation_ || !balena_->knows(uuid)) return;
  const bool isConnectedNow = isConnected(uuid);
  // What somebody has made another's is his to look after.
  const Registration* registration = registry_->find(api::registrationId(uuid));
  const bool isAnothers =
      registration != nullptr && editedAt_.contains(uuid) && !isOurs(*registration);
  if (!isWanted(uuid) || isAnothers) {
    promised_.erase(uuid);
  } else if (promised_.contains(uuid)) {
    if (!isConnectedNow) violate(kConnected, "device " + uuid + " is not connected any more");
  } else if (isConnectedNow && !isRecent(interferedAt_, uuid)) {
    promised_.insert(uuid);
  }
}

std::uint64_t Invariants::stateVersion() const {
  return version_ + balena_->version() + registry_->version() + cluster_.devices.version() +
         cluster_.fleets.version();
}

Duration Invariants::nextChange(const std::string& uuid) const {
  Duration next = Duration::max();
  const auto consider = [&](Duration time) {
    if (time > scheduler_.now()) next = std::min(next, time);
  };
  const auto interfered = interferedAt_.find(uuid);
  if (interfered != interferedAt_.end()) consider(interfered->second + kUnsettled);
  if (const Registration* registration = registry_->find(api::registrationId(uuid))) {
    for (const auto& credential : registration->credentials) {
      if (credential.expiresAt) consider(*credential.expiresAt - kEpoch);
    }
  }
  return next;
}

void Invariants::checkAll() {
  const std::uint64_t version = stateVersion();
  if (violation_ || (version == checkedVersion_ && scheduler_.now() < checkedUntil_)) return;
  checkedVersion_ = version;
  checkedUntil_ = Duration::max();
  for (const std::string& uuid : balena_->uuids()) {
    check(uuid);
    checkedUntil_ = std::min(checkedUntil_, nextChange(uuid));
  }
}

void Invariants::checkAtEndsOf(const std::vector<clearblade::Credential>& credentials) {
  for (const auto& credential : credentials) {
    if (!credential.expiresAt) continue;
    const Duration end = *credential.expiresAt - kEpoch;
    if (end <= scheduler_.now() || !checksAt_.insert(end).second) continue;
    scheduler_.at(end, [this, end] {
      checksAt_.erase(end);
      checkAll();
    });
  }
}

bool Invariants::isRecent(const std::map<std::string, Duration>& times,
                          const std::string& uuid) const {
  const auto found = times.find(uuid);
  return found != times.end() && scheduler_.now() - found->second < kUnsettled;
}

// ── what processes do

void Invariants::sent(int process, const Call& call) {
  ++statistics_.calls;
  checkAll();
  if (call.name == "listRegistrations") {
    std::erase_if(open_, [&](const auto& each) {
      return each.first == process && each.second.starts_with("balena-");
    });
  }
  if (call.target.empty()) return;
  if (!call.isWrite) {
    open_.erase({process, call.target});
  } else if (open_.contains({process, call.target}) && !call.name.starts_with(kCreation)) {
    // A creation is a look of its own: what is there already refuses it.
    violate(kObserve, call.name);
  }
}

void Invariants::answered(int process, const Call& call, const Error* error) {
  checkAll();
  if (error == nullptr) return;
  spoken(error->message);
  if (call.isWrite && error->outcomeUnknown && !call.target.empty()) {
    open_.insert({process, call.target});
  }
}

void Invariants::variablesWritten(int, const std::string& uuid, const std::string&) {
  ++writes_[uuid];
  check(uuid);
  variablesChanged(uuid);
}

void Invariants::variablesDeleted(int, const std::string& uuid) {
  ++writes_[uuid];
  if (isWanted(uuid) && !isRecent(explicitAt_, uuid) && !isRecent(interferedAt_, uuid)) {
    violate(kRemoval, "the variables of " + uuid + ", which is wanted, were deleted");
  }
  check(uuid);
  variablesChanged(uuid);
}

void Invariants::judgeCredentials(const std::string& uuid, const Registration* before,
                                  const std::vector<clearblade::Credential>& credentials) {
  if (credentials.size() > clearblade::kMaxCredentials) violate(kThree, uuid);
  const auto holds = [](const auto& list, const clearblade::Credential& wanted) {
    return std::ranges::find(list, wanted.publicKey, &clearblade::Credential::publicKey) !=
           list.end();
  };
  for (const auto& credential : credentials) {
    const bool wasThere = before != nullptr && holds(before->credentials, credential);
    if (!wasThere && !made_.contains(credential.publicKey) && !isRecent(editedAt_, uuid)) {
      violate(kKeys, "of " + uuid);
    }
  }
}

void Invariants::created(int, const Registration& registration) {
  const std::string uuid = uuidOfId(registration.id);
  ++writes_[uuid];
  mustGo_.erase(uuid);  // a request that came late, or of somebody who had not heard of it
  judgeCredentials(uuid, nullptr, registration.credentials);
  if (!isOurs(registration)) violate(kForeign, "created without our mark: " + uuid);
  const crypto::Incarnation incarnation = readMark(registration.metadata).mark.incarnation;
  for (const auto& credential : registration.credentials) {
    // Twice of one incarnation: a request that came late.
    const auto [first, isNew] = createdWith_.try_emplace(credential.publicKey, incarnation);
    if (!isNew && first->second != incarnation) violate(kAnew, uuid);
  }
  checkAtEndsOf(registration.credentials);
  check(uuid);
}

void Invariants::patching(int, const Registration& before,
                          const clearblade::RegistrationPatch& patch) {
  const std::string uuid = uuidOfId(before.id);
  ++writes_[uuid];
  if (isToBeCut(uuid, before)) {
    interfered(uuid);
    cut(uuid);
  }
  if (patch.credentials) judgeCredentials(uuid, &before, *patch.credentials);
  if (isRecent(editedAt_, uuid)) return;
  const auto fleets = cluster_.fleets.list();
  const api::Adoption adoption = fleets.front()->spec.adoption;
  const ReadMark read = readMark(before.metadata);
  const bool mayAdopt = read.state == MarkState::kAbsent && adoption != api::Adoption::kNever &&
                        (!patch.credentials || adoption == api::Adoption::kAlways);
  if (!isOurs(before) && !mayAdopt) violate(kForeign, "patched: " + uuid);
  if (!patch.metadata) return;
  for (const auto& [name, value] : before.metadata) {
    if (name.starts_with("bco-")) continue;
    const auto kept = patch.metadata->find(name);
    if (kept == patch.metadata->end() || kept->second != value) {
      violate(kForeign, "metadata \"" + name + "\" of " + uuid + " was lost");
    }
  }
}

void Invariants::patched(int, const Registration& before, const Registration& after) {
  const std::string uuid = uuidOfId(before.id);
  checkAtEndsOf(after.credentials);
  const Mark was = readMark(before.metadata).mark;
  const Mark is = readMark(after.metadata).mark;
  if (was.newest() != nullptr && is.newest() != nullptr &&
      is.newest()->generation > was.newest()->generation) {
    ++statistics_.rotations;
  }
  int lost = 0;
  for (const auto& credential : before.credentials) {
    const bool isKept =
        std::ranges::find(after.credentials, credential.publicKey,
                          &clearblade::Credential::publicKey) != after.credentials.end();
    const bool isExpired = credential.expiresAt && *credential.expiresAt <= registry_->now();
    lost += !isKept && !isExpired ? 1 : 0;
  }
  const bool hadRoom = before.credentials.size() < clearblade::kMaxCredentials;
  const int mayLose = hadRoom ? 0 : 1;
  if (lost > mayLose && !isRecent(interferedAt_, uuid)) {
    violate(kUnexpired, "of " + uuid);
  }
  check(uuid);
}

bool Invariants::isExplicit(const api::BalenaDevice& device) const {
  if (device.spec.state == api::DesiredState::kAbsent) return true;
  if (!device.meta.deletedAt) return false;
  const auto fleet = cluster_.fleets.get(device.fleetKey());
  if (fleet == nullptr) return false;
  const bool follows = device.meta.isDiscovered() || fleet->meta.deletedAt;
  const api::DeletionPolicy policy =
      follows ? fleet->spec.deletionPolicy
              : device.spec.deletionPolicy.value_or(fleet->spec.deletionPolicy);
  return policy == api::DeletionPolicy::kDelete;
}

void Invariants::removing(int, const Registration& registration) {
  const std::string uuid = uuidOfId(registration.id);
  ++writes_[uuid];
  ++statistics_.removals;
  if (!isOurs(registration) && !isRecent(editedAt_, uuid)) violate(kForeign, "removed: " + uuid);
  const auto devices = cluster_.devices.list();
  const bool isExplicitNow = std::ranges::any_of(
      devices, [&](const auto& each) { return each->spec.uuid == uuid && isExplicit(*each); });
  const DeviceRow& row = balena_->device(uuid);
  std::vector<Shared<api::BalenaFleet>> hold;
  const bool isInAnother = row.isRegistered && fleetOf(row.fleetId, hold) != nullptr &&
                           row.fleetId != readMark(registration.metadata).mark.fleetId;
  if (isInAnother && !isRecent(movedAt_, uuid)) {
    violate(kRemoval, "the registration of " + uuid + ", which another fleet of ours has");
    return;
  }
  if (isWanted(uuid) && !isRecent(explicitAt_, uuid) && !isRecent(interferedAt_, uuid) &&
      !returnedAt_.contains(uuid)) {
    violate(kRemoval, "the registration of " + uuid + ", which is wanted, was removed");
    return;
  }
  if (isExplicitNow || isRecent(explicitAt_, uuid)) return;
  judgeStaleRemoval(uuid, readMark(registration.metadata).mark.fleetId);
}

void Invariants::judgeStaleRemoval(const std::string& uuid, std::int64_t fleetId) {
  std::vector<Shared<api::BalenaFleet>> hold;
  const api::BalenaFleet* fleet = fleetOf(fleetId, hold);
  if (fleet == nullptr) return violate(kRemoval, uuid + ": of no fleet of ours");
  const api::StaleRules& rules = fleet->spec.stale;
  if (scheduler_.now() - policyChangedAt_ < kUnsettled && policyChangedAt_ > Duration(0)) return;
  if (rules.policy != api::StalePolicy::kDelete) {
    return violate(kRemoval, uuid + ": nobody asked for it");
  }
  const auto left = leftAt_.find(uuid);
  const bool isBack = left == leftAt_.end();
  if (isBack && !(isRecent(returnedAt_, uuid) && goneBefore_[uuid] >= rules.after)) {
    return violate(kRemoval, uuid + ": its device is there");
  }
  // Before it left for good it may have been in another fleet of ours, which did not take it over,
  // for so short a time that no sweep of that fleet has seen it.
  const auto came = cameAt_.find(uuid);
  const bool wasSeen =
      came == cameAt_.end() || isBack || left->second - came->second > 2 * fleet->spec.syncInterval;
  // And it may have been back for so short a time that no sweep has seen it.
  const auto back = returnedAt_.find(uuid);
  const bool wasSeenBack = back == returnedAt_.end() || isBack ||
                           left->second - back->second > 2 * fleet->spec.syncInterval;
  const Duration since = isBack         ? Duration(0)
                         : !wasSeen     ? came->second
                         : !wasSeenBack ? back->second - goneBefore_[uuid]
                                        : left->second;
  // Whose clock is set meanwhile reckons with two times, each of which may be that far off.
  const Duration tolerance = skews_ ? 2 * kMaxClockSkew : Duration(0);
  if (!isBack && scheduler_.now() - since < rules.after - tolerance) {
    return violate(kRemoval, uuid + ": its device has not been away for long enough");
  }
  // The set and the cap.
  int owned = 0;
  int candidates = 0;
  for (const auto& [id, each] : registry_->rows()) {
    const ReadMark read = readMark(each.metadata);
    if (!isOurs(each) || read.mark.fleetId != fleetId) continue;
    ++owned;
    const auto away = leftAt_.find(uuidOfId(id));
    // What people have said something else of is no candidate.
    const auto objects = cluster_.devices.list();
    const bool isSpokenOf =
        std::ranges::any_of(objects, [&, of = uuidOfId(id)](const auto& object) {
          return object->spec.uuid == of && (object->meta.deletedAt || object->spec.suspend ||
                                             object->spec.state == api::DesiredState::kAbsent ||
                                             object->fleetKey() != fleet->meta.key);
        });
    if (away != leftAt_.end() && !isSpokenOf &&
        scheduler_.now() - away->second >= rules.after + 3 * fleet->spec.syncInterval) {
      ++candidates;
    }
  }
  const int limit = std::min(std::max(1, rules.maxPercent * owned / 100), rules.maxPerSync);
  if (candidates > limit) {
    violate(kRemoval, uuid + ": " + std::to_string(candidates) + " candidates of " +
                          std::to_string(owned) + " owned, at most " + std::to_string(limit));
  }
  staleRemovals_.push_back(scheduler_.now());
  const auto day = std::ranges::count_if(
      staleRemovals_, [&](Duration at) { return scheduler_.now() - at < std::chrono::hours(22); });
  if (day > 2 * rules.maxPerDay) violate(kRemoval, uuid + ": more than the day's cap");
}

void Invariants::removed(int, const Registration& registration) {
  check(uuidOfId(registration.id));
}

void Invariants::changed(const api::ObjectKey&, const Shared<api::BalenaDevice>& before,
                         const Shared<api::BalenaDevice>& now) {
  const std::string& uuid = before != nullptr ? before->spec.uuid : now->spec.uuid;
  for (const auto& each : {before, now}) {
    if (each != nullptr && isExplicit(*each)) explicitAt_[uuid] = scheduler_.now();
  }
  if (now != nullptr) {
    if (!now->meta.deletedAt) mustGo_.erase(uuid);
    spoken(api::applyStatus(*now, now->status, false).members);
  }
  check(uuid);
}

void Invariants::changed(const api::ObjectKey&, const Shared<api::BalenaFleet>&,
                         const Shared<api::BalenaFleet>& now) {
  if (now != nullptr) spoken(api::applyStatus(*now, now->status, false).members);
}

void Invariants::changed(const api::ObjectKey&, const Shared<api::ClearBladeRegistry>&,
                         const Shared<api::ClearBladeRegistry>& now) {
  if (now != nullptr) spoken(api::applyStatus(*now, now->status, false).members);
}

}  // namespace bco::sim
