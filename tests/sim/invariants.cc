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
constexpr auto kHour = "between two generations there is an hour";
constexpr auto kAnew = "a registration made anew has keys of its own";
constexpr std::string_view kCreation = "createRegistration";
constexpr auto kObserve = "after a write of unknown outcome one looks before one writes again";

// Whose clock is off by more counts nothing.
constexpr Duration kCountedSkew = 2 * kMaxClockSkew;

// balena's reads are up to a second old, and take a moment.
constexpr Duration kShownLate = std::chrono::seconds(3);

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
  for (const auto& object : devices()) {
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

const std::vector<Shared<api::BalenaDevice>>& Invariants::devices() const {
  if (devicesVersion_ != cluster_.devices.version()) {
    devicesVersion_ = cluster_.devices.version();
    const auto all = cluster_.devices.list();
    devices_.assign(all.begin(), all.end());
  }
  return devices_;
}

const std::vector<Shared<api::BalenaFleet>>& Invariants::fleets() const {
  if (fleetsVersion_ != cluster_.fleets.version()) {
    fleetsVersion_ = cluster_.fleets.version();
    const auto all = cluster_.fleets.list();
    fleets_.assign(all.begin(), all.end());
  }
  return fleets_;
}

const api::BalenaFleet* Invariants::fleetOf(std::int64_t fleetId) const {
  for (std::size_t i = 0; i < fleets().size(); ++i) {
    if (kFleetIds[i] == fleetId) return fleets_[i].get();
  }
  return nullptr;
}

std::string Invariants::storedKey(const std::string& uuid) {
  const DeviceRow& row = balena_->device(uuid);
  const api::BalenaFleet* fleet = fleetOf(row.fleetId);
  if (fleet == nullptr) return {};
  balena::VariableLevel level;
  if (fleet->spec.service) level.serviceId = row.fleetId + 1;
  const Variables* variables = BalenaCloud::at(const_cast<DeviceRow&>(row), level);
  if (variables == nullptr || !variables->contains("GCP_PRIVATE_KEY")) return {};
  return publicHalf(variables->at("GCP_PRIVATE_KEY"));
}

bool Invariants::isConnected(const std::string& uuid) {
  const DeviceRow& row = balena_->device(uuid);
  const api::BalenaFleet* fleet = fleetOf(row.fleetId);
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
  const api::BalenaFleet* fleet = fleetOf(row.fleetId);
  if (!row.isRegistered || fleet == nullptr || fleet->meta.deletedAt) return false;
  const auto declared = std::ranges::count_if(devices(), [&](const auto& each) {
    return each->spec.uuid == uuid && !each->meta.isDiscovered() && !each->meta.deletedAt;
  });
  if (declared > 1) return false;
  return std::ranges::any_of(devices(), [&](const auto& each) {
    return each->spec.uuid == uuid && each->fleetKey() == fleet->meta.key &&
           each->spec.state == api::DesiredState::kPresent && !each->spec.suspend &&
           !each->meta.deletedAt;
  });
}

void Invariants::check(const std::string& uuid) {
  if (violation_ || !balena_->knows(uuid)) return;
  Checked& checked = checked_[uuid];
  if (checked.version == stateVersion() && scheduler_.now() < checked.until) return;
  checked = {stateVersion(), nextChange(uuid)};
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
    checkedUntil_ = std::min(checkedUntil_, checked_[uuid].until);
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
  if (counts_) {
    const std::string verb = call.name.substr(0, call.name.find(' '));
    const std::string about = call.name.starts_with("getDevice") ? " " + call.target : "";
    ++(*counts_)[verb + about];
  }
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

void Invariants::variablesWritten(int, const std::string& uuid, const std::string& name) {
  // A pass that a sweep calls for just then may read what was there before the write, and repeat
  // it.
  const auto [last, isFirst] = writtenAt_.try_emplace({uuid, name}, scheduler_.now());
  if (isFirst || scheduler_.now() - last->second > kShownLate) {
    last->second = scheduler_.now();
    ++writes_[uuid];
  }
  check(uuid);
  variablesChanged(uuid);
}

void Invariants::variablesDeleted(int, const std::string& uuid, std::int64_t byFleet) {
  ++writes_[uuid];
  const std::int64_t isIn = balena_->device(uuid).fleetId;
  if (isIn != byFleet && fleetOf(isIn) != nullptr) {
    violate(kRemoval, "the variables of " + uuid + ", which another fleet of ours has");
  }
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
  madeAt_[registration.numId] = scheduler_.now();
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
  wasToBeCut_ = isToBeCut(uuid, before);
  if (wasToBeCut_) {
    interfered(uuid);
    cut(uuid);
  }
  if (patch.credentials) judgeCredentials(uuid, &before, *patch.credentials);
  const api::Adoption adoption = fleets().front()->spec.adoption;
  const ReadMark read = readMark(before.metadata);
  // Whatever somebody has done just now: this mark comes of nothing but adoption.
  const bool isAdopting =
      read.state == MarkState::kAbsent && patch.metadata &&
      readMark(*patch.metadata).mark.incarnation == adoptedIncarnation(uuid, before.numId);
  if (isAdopting && patch.credentials && adoption != api::Adoption::kAlways) {
    violate(kForeign, "adopted with other credentials: " + uuid);
  }
  if (isRecent(editedAt_, uuid)) return;
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

bool Invariants::isOldest(const Mark& mark, const std::string& publicPem) {
  const auto key = crypto::PublicKey::fromPem(publicPem);
  const MarkedKey* const marked = key ? mark.find(shortFingerprint(*key)) : nullptr;
  return marked != nullptr && std::ranges::none_of(mark.keys, [&](const MarkedKey& each) {
           return each.generation < marked->generation;
         });
}

void Invariants::patched(int, const Registration& before, const Registration& after) {
  const std::string uuid = uuidOfId(before.id);
  checkAtEndsOf(after.credentials);
  const Mark was = readMark(before.metadata).mark;
  const Mark is = readMark(after.metadata).mark;
  if (was.newest() != nullptr && is.newest() != nullptr &&
      is.newest()->generation > was.newest()->generation) {
    ++statistics_.rotations;
    // By the times in the mark, of whatever clocks. Not after a person's edit, nor a revocation.
    const Duration apart = is.newest()->issuedAt - was.newest()->issuedAt;
    if (apart < std::chrono::hours(1) - std::chrono::seconds(1) && !isRecent(editedAt_, uuid) &&
        !wasToBeCut_) {
      violate(kHour, uuid + ": " + formatDuration(apart));
    }
  }
  int lost = 0;
  std::size_t inForce = 0;
  std::string gone;
  for (const auto& credential : before.credentials) {
    const bool isKept =
        std::ranges::find(after.credentials, credential.publicKey,
                          &clearblade::Credential::publicKey) != after.credentials.end();
    if (credential.expiresAt && *credential.expiresAt <= registry_->now()) continue;
    ++inForce;
    if (isKept) continue;
    ++lost;
    gone = credential.publicKey;
  }
  const bool hadRoom = before.credentials.size() < clearblade::kMaxCredentials;
  const int mayLose = hadRoom ? 0 : 1;
  if (lost == 1 && inForce == clearblade::kMaxCredentials && isOldest(was, gone)) {
    gaveWay(uuid, gone);
  }
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

void Invariants::listed(int process, std::int64_t fleetId) {
  auto& [before, last] =
      lists_.try_emplace({process, fleetId}, std::array{Duration(-1), Duration(-1)}).first->second;
  before = std::exchange(last, scheduler_.now());
}

int Invariants::listsSince(int process, std::int64_t fleetId, Duration since) const {
  const auto found = lists_.find({process, fleetId});
  if (found == lists_.end()) return 0;
  return static_cast<int>(
      std::ranges::count_if(found->second, [&](Duration at) { return at >= since; }));
}

void Invariants::removing(int process, const Registration& registration) {
  const std::string uuid = uuidOfId(registration.id);
  ++writes_[uuid];
  ++statistics_.removals;
  if (!isOurs(registration) && !isRecent(editedAt_, uuid)) violate(kForeign, "removed: " + uuid);
  if (!isOurs(registration)) return;  // any more: somebody broke its mark a moment ago
  const bool isExplicitNow = std::ranges::any_of(
      devices(), [&](const auto& each) { return each->spec.uuid == uuid && isExplicit(*each); });
  const DeviceRow& row = balena_->device(uuid);
  const bool isInAnother = row.isRegistered && fleetOf(row.fleetId) != nullptr &&
                           row.fleetId != readMark(registration.metadata).mark.fleetId;
  if (isInAnother && !isRecent(movedAt_, uuid) && !isRecent(editedAt_, uuid)) {
    violate(kRemoval, "the registration of " + uuid + ", which another fleet of ours has");
    return;
  }
  if (isWanted(uuid) && !isRecent(explicitAt_, uuid) && !isRecent(interferedAt_, uuid) &&
      !returnedAt_.contains(uuid)) {
    violate(kRemoval, "the registration of " + uuid + ", which is wanted, was removed");
    return;
  }
  for (const auto& each : devices()) {
    // A person has named neither this device nor Absent: such a deletion counts as well.
    const bool isCounted = each->spec.uuid == uuid && isExplicit(*each) &&
                           each->spec.state == api::DesiredState::kPresent &&
                           (each->meta.isDiscovered() || !each->spec.deletionPolicy);
    if (isCounted && !isRecent(absentAt_, uuid)) return noteCounted(uuid, registration);
  }
  if (isExplicitNow || isRecent(explicitAt_, uuid)) return;
  judgeStaleRemoval(process, registration);
}

void Invariants::judgeStaleRemoval(int process, const Registration& registration) {
  const std::string uuid = uuidOfId(registration.id);
  const std::int64_t fleetId = readMark(registration.metadata).mark.fleetId;
  const api::BalenaFleet* fleet = fleetOf(fleetId);
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
  const auto made = madeAt_.find(registration.numId);
  const Duration madeAt = made == madeAt_.end() ? Duration(0) : made->second;
  if (listsSince(process, fleetId, since) < 2 || listsSince(process, 0, madeAt) < 2) {
    return violate(kRemoval, uuid + ": not absent in two complete snapshots of its remover's");
  }
  if (approved_.contains(fleet->meta.key)) return;
  // The set.
  int owned = 0;
  int candidates = 0;
  for (const auto& [id, each] : registry_->rows()) {
    const ReadMark read = readMark(each.metadata);
    if (!isOurs(each) || read.mark.fleetId != fleetId) continue;
    ++owned;
    const auto away = leftAt_.find(uuidOfId(id));
    // What people have said something else of is no candidate.
    const bool isSpokenOf =
        std::ranges::any_of(devices(), [&, of = uuidOfId(id)](const auto& object) {
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
  noteCounted(uuid, registration);
}

// Every removal that the day's cap counts has been counted before, in the status of its fleet; and
// what is counted there, changed() judges.
void Invariants::noteCounted(const std::string& uuid, const Registration& registration) {
  const api::BalenaFleet* fleet = fleetOf(readMark(registration.metadata).mark.fleetId);
  if (fleet == nullptr || approved_.contains(fleet->meta.key)) return;
  Counted& counted = counted_[fleet->meta.key];
  if (++counted.removed > counted.counted) {
    violate(kRemoval, uuid + ": not counted against the day's cap");
  }
}

void Invariants::removed(int, const Registration& registration) {
  check(uuidOfId(registration.id));
}

void Invariants::changed(const api::ObjectKey&, const Shared<api::BalenaDevice>& before,
                         const Shared<api::BalenaDevice>& now) {
  const std::string& uuid = before != nullptr ? before->spec.uuid : now->spec.uuid;
  for (const auto& each : {before, now}) {
    if (each == nullptr || !isExplicit(*each)) continue;
    explicitAt_[uuid] = scheduler_.now();
    if (each->spec.state == api::DesiredState::kAbsent) absentAt_[uuid] = scheduler_.now();
  }
  if (now != nullptr) {
    if (!now->meta.deletedAt) mustGo_.erase(uuid);
    spoken(api::applyStatus(*now, now->status, false).members);
  }
  check(uuid);
}

void Invariants::changed(const api::ObjectKey& key, const Shared<api::BalenaFleet>& before,
                         const Shared<api::BalenaFleet>& now) {
  if (now == nullptr) return;
  spoken(api::applyStatus(*now, now->status, false).members);
  if (before == nullptr || before->status.removal.recent == now->status.removal.recent) return;
  // What is new of it has been counted now; what is a day old goes.
  Counted& counted = counted_[key];
  int day = 0;
  for (const api::RemovalHour& each : now->status.removal.recent) {
    const auto known =
        std::ranges::find(before->status.removal.recent, each.hour, &api::RemovalHour::hour);
    const int was = known == before->status.removal.recent.end() ? 0 : known->count;
    counted.counted += std::max(0, each.count - was);
    // By the clock of whoever counts: a day old at the end of the hour.
    if (each.hour - kEpoch + std::chrono::hours(25) > scheduler_.now() + kCountedSkew) {
      day += each.count;
    }
  }
  const int most = now->spec.stale.maxPerDay;
  if (day > most) {
    violate(kRemoval, toString(key) + ": " + std::to_string(day) + " removals in a day, at most " +
                          std::to_string(most));
  }
}

void Invariants::changed(const api::ObjectKey&, const Shared<api::ClearBladeRegistry>&,
                         const Shared<api::ClearBladeRegistry>& now) {
  if (now != nullptr) spoken(api::applyStatus(*now, now->status, false).members);
}

}  // namespace bco::sim
