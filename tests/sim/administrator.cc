#include "tests/sim/administrator.h"

#include <algorithm>
#include <array>

#include "crypto/keys.h"
#include "plan/key_schedule.h"
#include "plan/mark.h"

namespace bco::sim {
namespace {

std::string fleetName(std::size_t index) { return "fleet-" + std::to_string(index); }

const std::string kKey(balena::kPrivateKey);

constexpr auto kAccountSecret = "clearblade/service-account.json";
constexpr auto kTokenSecret = "balena/token";

}  // namespace

// ── the beginning

void Administrator::setUp() {
  parts_.balena.addFleet(kFleetIds[0], "acme/fleet-0");
  parts_.balena.addFleet(kFleetIds[1], "acme/fleet-1");
  parts_.balena.addFleet(kStrangeFleetId, "acme/strangers");
  parts_.cluster.secretPut = [this](const std::string& value) { parts_.invariants.hide(value); };
  parts_.cluster.putSecret(kAccountSecret, parts_.registry.account);
  parts_.cluster.putSecret(kTokenSecret, parts_.balena.token);
  api::ClearBladeRegistry registry;
  registry.meta.key.name = "main";
  registry.spec.project = "p";
  registry.spec.region = "us-central1";
  registry.spec.registry = "r";
  registry.spec.ownerId = kOwner;
  registry.spec.serviceAccount.name = "clearblade";
  parts_.cluster.registries.add(&parts_.invariants);
  parts_.cluster.fleets.add(&parts_.invariants);
  parts_.cluster.devices.add(&parts_.invariants);
  parts_.cluster.registries.apply(registry);
  parts_.invariants.cut = [this](const std::string& uuid) { parts_.devices.interfered(uuid); };
  parts_.invariants.gaveWay = [this](const std::string& uuid, const std::string& publicPem) {
    parts_.devices.gaveWay(uuid, publicPem);
  };
  parts_.invariants.variablesChanged = [this](const std::string& uuid) {
    parts_.devices.told(uuid);
  };
  for (int i = 0; i < parts_.scenario.fleets; ++i) {
    const auto index = static_cast<std::size_t>(i);
    api::BalenaFleet fleet = parts_.scenario.fleet;
    fleet.meta.key.name = fleetName(index);
    fleet.spec.fleet = "acme/" + fleetName(index);
    fleet.spec.registry = "main";
    fleet.spec.token.name = "balena";
    parts_.cluster.fleets.apply(fleet);
  }
  for (int n = 0; n < parts_.scenario.devices; ++n) {
    std::array<std::uint8_t, 16> bytes{};
    parts_.dice.fill(bytes);
    std::string uuid;
    for (const auto byte : bytes) {
      uuid += "0123456789abcdef"[byte >> 4];
      uuid += "0123456789abcdef"[byte & 15];
    }
    const auto fleet = static_cast<std::size_t>(n % parts_.scenario.fleets);
    parts_.uuids.push_back(uuid);
    parts_.balena.addDevice(uuid, kFleetIds[fleet]);
    parts_.devices.start(uuid);
    if (parts_.scenario.fleet.spec.devices == api::DeviceSource::kDeclared) {
      parts_.cluster.devices.apply(objectOf(uuid, fleet));
    }
  }
}

api::BalenaDevice Administrator::objectOf(const std::string& uuid, std::size_t fleet) {
  api::BalenaDevice device;
  device.meta.key.name = "device-" + std::to_string(++lastObject_);
  device.spec.uuid = uuid;
  device.spec.fleet = fleetName(fleet);
  return device;
}

Shared<api::BalenaDevice> Administrator::declared(const std::string& uuid) const {
  for (const auto& object : parts_.cluster.devices.list()) {
    const bool isDeclared = object->spec.uuid == uuid && !object->meta.isDiscovered();
    if (isDeclared && !object->meta.deletedAt) return object;
  }
  return nullptr;
}

// ── when

void Administrator::start() {
  if (parts_.scenario.administration <= Duration(0)) return;
  parts_.scheduler.after(parts_.dice.upTo(2 * parts_.scenario.administration), [this] {
    if (settled_) return;
    act();
    start();
  });
}

Duration Administrator::aWhile() {
  const Duration shortest = std::chrono::minutes(10);
  return shortest + parts_.dice.upTo(parts_.scenario.fleet.spec.keys.rotateBefore / 2);
}

void Administrator::later(Repair repair) { after(aWhile(), std::move(repair)); }

void Administrator::soon(Repair repair) {
  const Duration longest =
      std::min<Duration>(std::chrono::hours(6), parts_.scenario.timeToRotate / 8);
  after(std::chrono::minutes(10) + parts_.dice.upTo(longest), std::move(repair));
}

void Administrator::after(Duration delay, Repair repair) {
  const std::uint64_t number = ++lastRepair_;
  repairs_[number] = std::move(repair);
  parts_.scheduler.after(delay, [this, number] {
    const auto found = repairs_.find(number);
    if (found == repairs_.end()) return;
    const Repair now = std::move(found->second);
    repairs_.erase(found);
    now();
  });
}

void Administrator::settle() {
  settled_ = true;
  parts_.invariants.strike = nullptr;
  while (!repairs_.empty()) {
    const auto repairs = std::exchange(repairs_, {});
    for (const auto& [number, repair] : repairs) repair();
  }
  for (const std::string& uuid : parts_.uuids) keepOneObject(uuid);
}

// The one that is for the fleet where the device is.
void Administrator::keepOneObject(const std::string& uuid) {
  const std::int64_t fleet = parts_.balena.device(uuid).fleetId;
  const std::string name = fleetName(fleet == kFleetIds[0] ? 0 : 1);
  std::vector<Shared<api::BalenaDevice>> declaredOnes;
  for (const auto& object : parts_.cluster.devices.list()) {
    if (object->spec.uuid == uuid && !object->meta.isDiscovered() && !object->meta.deletedAt) {
      declaredOnes.push_back(object);
    }
  }
  std::ranges::stable_partition(declaredOnes,
                                [&](const auto& each) { return each->spec.fleet == name; });
  for (std::size_t i = 1; i < declaredOnes.size(); ++i) {
    parts_.interfered(uuid);
    const api::ObjectMeta& meta = declaredOnes[i]->meta;
    parts_.cluster.devices.change(
        meta.key, [&](auto& objects) { return objects.remove(meta.key, meta.uid); });
  }
}

void Administrator::act() {
  static constexpr OnDevice kOnDevice[] = {&Administrator::editVariable,
                                           &Administrator::storeStrangeKey,
                                           &Administrator::deleteVariables,
                                           &Administrator::deleteDevice,
                                           &Administrator::moveDevice,
                                           &Administrator::moveDevice,
                                           &Administrator::deleteRegistration,
                                           &Administrator::deleteCredential,
                                           &Administrator::replaceRegistration,
                                           &Administrator::breakMark,
                                           &Administrator::unmark,
                                           &Administrator::annotate,
                                           &Administrator::annotate,
                                           &Administrator::block,
                                           &Administrator::setAbsent,
                                           &Administrator::deleteObject,
                                           &Administrator::suspend,
                                           &Administrator::renew,
                                           &Administrator::revoke,
                                           &Administrator::remakeRegistration};
  static constexpr void (Administrator::*kOnAll[])() = {
      &Administrator::changeToken,     &Administrator::hideFleet,
      &Administrator::changeLifetime,  &Administrator::moveSeveralAway,
      &Administrator::moveSeveralAway, &Administrator::outage,
      &Administrator::outage,          &Administrator::changeAccount,
      &Administrator::loseSecret,      &Administrator::renewFleets,
      &Administrator::revokeFleets,    &Administrator::observe,
      &Administrator::approveRemovals};
  const auto choice = parts_.dice.below(std::size(kOnDevice) + std::size(kOnAll));
  if (choice < std::size(kOnDevice)) {
    const OnDevice interfere = kOnDevice[choice];
    if (parts_.dice.chance(0.3)) return strike(interfere);
    (this->*interfere)(parts_.dice.pick(parts_.uuids));
  } else {
    (this->*kOnAll[choice - std::size(kOnDevice)])();
  }
}

// At the worst moment: as a request about the device goes out.
void Administrator::strike(OnDevice interfere) {
  static constexpr std::string_view kMoments[] = {
      "getDevice",          "getRegistration", "createRegistration",   "patchRegistration",
      "deleteRegistration", "deleteVariables", "write GCP_PRIVATE_KEY"};
  const std::string_view moment = kMoments[parts_.dice.below(std::size(kMoments))];
  parts_.invariants.strike = [this, interfere, moment](const Call& call) {
    if (!call.name.starts_with(moment)) return;
    const std::string uuid = call.uuid.empty() ? uuidOfId(call.target) : call.uuid;
    if (!parts_.balena.knows(uuid)) return;
    parts_.scheduler.after(Duration(0), [this, interfere, uuid] {
      if (!settled_) (this->*interfere)(uuid);
    });
    parts_.invariants.strike = nullptr;
  };
}

// ── on balena

std::string Administrator::strangeKey() {
  std::array<char, crypto::kSeedBytes> seed{};
  parts_.dice.fill({reinterpret_cast<std::uint8_t*>(seed.data()), seed.size()});
  const auto key = crypto::PrivateKey::derive(
      SecretBytes(std::string_view(seed.data(), seed.size())), std::string(32, '0'), {}, 0);
  const std::string value(crypto::toVariableValue(*key).reveal());
  parts_.invariants.hideKey(value);
  return value;
}

namespace {

Variables* levelOf(Parts& parts, const std::string& uuid) {
  DeviceRow& row = parts.balena.edit(uuid);
  balena::VariableLevel level;
  if (parts.scenario.fleet.spec.service) level.serviceId = row.fleetId + 1;
  return BalenaCloud::at(row, level);
}

}  // namespace

void Administrator::editVariable(const std::string& uuid) {
  parts_.trace.say("admin edits a public variable of " + uuid);
  parts_.interfered(uuid);
  Variables* variables = levelOf(parts_, uuid);
  if (variables != nullptr) (*variables)[std::string(balena::kDataTopicRoot)] = "/elsewhere";
  parts_.devices.told(uuid);
}

void Administrator::storeStrangeKey(const std::string& uuid) {
  parts_.trace.say("admin stores a key of his own on " + uuid);
  parts_.interfered(uuid);
  Variables* variables = levelOf(parts_, uuid);
  if (variables != nullptr) {
    (*variables)[kKey] = parts_.dice.chance(0.7) ? strangeKey() : std::string("nonsense");
  }
  parts_.devices.told(uuid);
}

void Administrator::deleteVariables(const std::string& uuid) {
  parts_.trace.say("admin deletes variables of " + uuid);
  parts_.interfered(uuid);
  Variables* variables = levelOf(parts_, uuid);
  if (variables == nullptr) return;
  if (parts_.dice.chance(0.5)) {
    variables->clear();
  } else {
    variables->erase(kKey);
  }
  parts_.devices.told(uuid);
}

void Administrator::deleteDevice(const std::string& uuid) {
  if (!parts_.balena.device(uuid).isRegistered) return;
  parts_.trace.say("admin deletes the device " + uuid);
  parts_.interfered(uuid);
  parts_.invariants.left(uuid);
  parts_.balena.edit(uuid).isRegistered = false;
  later([this, uuid, fleet = parts_.balena.device(uuid).fleetId] {
    parts_.trace.say("admin adds the device " + uuid + " again");
    parts_.interfered(uuid);
    parts_.balena.addDevice(uuid, fleet);
    if (fleet != kStrangeFleetId) parts_.invariants.returned(uuid);
  });
}

void Administrator::moveTo(const std::string& uuid, std::int64_t fleet) {
  parts_.trace.say("admin moves " + uuid + " to fleet " + std::to_string(fleet));
  parts_.interfered(uuid);
  parts_.invariants.moved(uuid, fleet != kStrangeFleetId);
  parts_.balena.move(uuid, fleet);
  parts_.devices.told(uuid);
}

// To a fleet that nobody manages, and back.
void Administrator::moveAway(const std::string& uuid) {
  const std::int64_t from = parts_.balena.device(uuid).fleetId;
  if (!parts_.balena.device(uuid).isRegistered || from == kStrangeFleetId) return;
  moveTo(uuid, kStrangeFleetId);
  parts_.invariants.left(uuid);
  later([this, uuid, from] {
    if (!parts_.balena.device(uuid).isRegistered) return;
    moveTo(uuid, from);
    parts_.invariants.returned(uuid);
  });
}

void Administrator::moveSeveralAway() {
  for (const std::string& uuid : parts_.uuids) {
    if (parts_.dice.chance(0.6)) moveAway(uuid);
  }
}

void Administrator::moveDevice(const std::string& uuid) {
  const std::int64_t from = parts_.balena.device(uuid).fleetId;
  if (!parts_.balena.device(uuid).isRegistered || from == kStrangeFleetId) return;
  if (parts_.scenario.fleets < 2 || parts_.dice.chance(0.3)) return moveAway(uuid);
  const std::size_t other = from == kFleetIds[0] ? 1 : 0;
  moveTo(uuid, kFleetIds[other]);
  if (parts_.scenario.fleet.spec.devices == api::DeviceSource::kAll) return;
  // The object in the old fleet goes, and one in the new fleet comes: at once, or in their time.
  const bool atOnce = parts_.dice.chance(0.5);
  const auto replace = [this, uuid, other, atOnce] {
    parts_.interfered(uuid);
    const auto old = declared(uuid);
    if (old != nullptr && old->spec.fleet != fleetName(other)) {
      parts_.cluster.devices.change(old->meta.key, [&](auto& objects) {
        return objects.remove(old->meta.key, old->meta.uid);
      });
    }
    const auto declareNew = [this, uuid, other] {
      if (declared(uuid) != nullptr) return;
      parts_.interfered(uuid);
      parts_.cluster.devices.apply(objectOf(uuid, other));
    };
    if (atOnce) {
      declareNew();
    } else {
      later(declareNew);
    }
  };
  if (parts_.dice.chance(0.5)) {
    replace();
  } else {
    later(replace);
  }
}

void Administrator::changeToken() {
  parts_.trace.say("admin revokes the token");
  parts_.balena.token = "another token, " + std::to_string(parts_.dice.next());
  soon([this] { parts_.cluster.putSecret(kTokenSecret, parts_.balena.token); });
}

void Administrator::hideFleet() {
  parts_.trace.say("the token sees no device any more");
  parts_.balena.showsNothing = true;
  const api::FleetSpec& spec = parts_.scenario.fleet.spec;
  // Often for longer than it takes to be taken for a fleet without devices.
  const Duration longest = std::min(std::max(spec.stale.after * 2, spec.syncInterval * 4),
                                    parts_.scenario.timeToRotate / 3);
  after(std::chrono::minutes(10) + parts_.dice.upTo(longest),
        [this] { parts_.balena.showsNothing = false; });
}

// ── on ClearBlade

void Administrator::deleteRegistration(const std::string& uuid) {
  parts_.trace.say("admin deletes the registration of " + uuid);
  parts_.interfered(uuid);
  parts_.invariants.editedByHand(uuid);
  parts_.registry.take(api::registrationId(uuid));
}

void Administrator::deleteCredential(const std::string& uuid) {
  Registration* registration = parts_.registry.edit(api::registrationId(uuid));
  if (registration == nullptr || registration->credentials.empty()) return;
  parts_.trace.say("admin deletes a credential of " + uuid);
  parts_.interfered(uuid);
  parts_.invariants.editedByHand(uuid);
  auto& credentials = registration->credentials;
  credentials.erase(credentials.begin() +
                    static_cast<std::ptrdiff_t>(parts_.dice.below(credentials.size())));
}

void Administrator::replaceRegistration(const std::string& uuid) {
  parts_.trace.say("admin replaces the registration of " + uuid + " by another's");
  const std::string id = api::registrationId(uuid);
  parts_.interfered(uuid);
  parts_.invariants.editedByHand(uuid);
  parts_.registry.take(id);
  Registration other;
  other.id = id;
  other.credentials.push_back(
      {"ES256_PEM", parts_.invariants.publicHalf(strangeKey()), std::nullopt});
  if (parts_.dice.chance(0.6)) {
    Mark mark;
    mark.owner = "site-b";
    mark.fleetId = parts_.balena.device(uuid).fleetId;
    mark.keys.push_back({"0123456789abcdef", 0, kEpoch + parts_.scheduler.now()});
    other.metadata = withMark({}, mark);
  }
  parts_.registry.put(other);
  later([this, uuid, id] {
    parts_.trace.say("admin takes the strange registration of " + uuid + " away");
    parts_.interfered(uuid);
    parts_.invariants.editedByHand(uuid);
    parts_.registry.take(id);
  });
}

// As from a backup: ours, and another one.
void Administrator::remakeRegistration(const std::string& uuid) {
  const std::string id = api::registrationId(uuid);
  const Registration* old = parts_.registry.find(id);
  if (old == nullptr) return;
  Mark mark = readMark(old->metadata).mark;
  if (mark.owner != kOwner) return;
  parts_.trace.say("admin makes the registration of " + uuid + " anew");
  parts_.interfered(uuid);
  parts_.invariants.editedByHand(uuid);
  parts_.registry.take(id);
  const std::string key = parts_.invariants.publicHalf(strangeKey());
  parts_.dice.fill(mark.incarnation);
  mark.keys = {{shortFingerprint(*crypto::PublicKey::fromPem(key)), 0,
                std::chrono::floor<std::chrono::seconds>(parts_.registry.now())}};
  Registration made;
  made.id = id;
  made.credentials.push_back({"ES256_PEM", key, std::nullopt});
  made.metadata = withMark({}, mark);
  parts_.registry.put(made);
  parts_.invariants.madeByHand(parts_.registry.find(id)->numId);
}

void Administrator::changeAccount() {
  parts_.trace.say("admin revokes the service account");
  parts_.registry.refusal = parts_.dice.oneOf({ErrorCode::kUnauthenticated, ErrorCode::kForbidden});
  parts_.registry.account = "another service account, " + std::to_string(parts_.dice.next());
  soon([this] { parts_.cluster.putSecret(kAccountSecret, parts_.registry.account); });
}

void Administrator::breakMark(const std::string& uuid) {
  const std::string id = api::registrationId(uuid);
  Registration* registration = parts_.registry.edit(id);
  if (registration == nullptr || !registration->metadata.contains("bco-keys")) return;
  parts_.trace.say("admin breaks the mark of " + uuid);
  parts_.interfered(uuid);
  parts_.invariants.editedByHand(uuid);
  registration->metadata.erase("bco-incarnation");
  later([this, uuid, id] {
    parts_.interfered(uuid);
    parts_.invariants.editedByHand(uuid);
    parts_.registry.take(id);
  });
}

// As if the old function had made it.
void Administrator::unmark(const std::string& uuid) {
  const std::string id = api::registrationId(uuid);
  Registration* registration = parts_.registry.edit(id);
  if (registration == nullptr) return;
  // Adopted a second time its keys would begin anew, with those that it has had already: rotation
  // then comes to nothing once, and is made good an hour later.
  const Mark mark = readMark(registration->metadata).mark;
  if (mark.incarnation == adoptedIncarnation(uuid, registration->numId)) return;
  parts_.trace.say("admin takes the mark off " + uuid);
  parts_.interfered(uuid);
  parts_.invariants.editedByHand(uuid);
  std::erase_if(registration->metadata,
                [](const auto& pair) { return pair.first.starts_with("bco-"); });
  for (auto& credential : registration->credentials) credential.expiresAt.reset();
  later([this, uuid, id] {
    const Registration* now = parts_.registry.find(id);
    if (now == nullptr || now->metadata.contains("bco-keys")) return;
    parts_.interfered(uuid);
    parts_.invariants.editedByHand(uuid);
    parts_.registry.take(id);
  });
}

void Administrator::annotate(const std::string& uuid) {
  Registration* registration = parts_.registry.edit(api::registrationId(uuid));
  if (registration == nullptr) return;
  parts_.trace.say("admin writes a note on the registration of " + uuid);
  parts_.invariants.editedByHand(uuid);
  registration->metadata["note"] = "n" + std::to_string(parts_.dice.below(1000));
}

void Administrator::block(const std::string& uuid) {
  const std::string id = api::registrationId(uuid);
  Registration* registration = parts_.registry.edit(id);
  if (registration == nullptr) return;
  parts_.trace.say("admin blocks " + uuid);
  parts_.interfered(uuid);
  registration->blocked = true;
  later([this, uuid, id] {
    Registration* now = parts_.registry.edit(id);
    if (now != nullptr) now->blocked = false;
    parts_.interfered(uuid);
  });
}

// ── in Kubernetes

void Administrator::setState(const std::string& uuid, api::DesiredState state) {
  const auto object = declared(uuid);
  if (object == nullptr) return;
  const bool isAbsent = state == api::DesiredState::kAbsent;
  parts_.trace.say("admin wants " + uuid + (isAbsent ? " absent" : " present"));
  parts_.interfered(uuid);
  api::BalenaDevice changed = *object;
  changed.spec.state = state;
  parts_.cluster.devices.apply(changed);
}

void Administrator::setAbsent(const std::string& uuid) {
  if (declared(uuid) == nullptr) return;
  setState(uuid, api::DesiredState::kAbsent);
  if (parts_.dice.chance(0.2)) return;  // for good
  later([this, uuid] { setState(uuid, api::DesiredState::kPresent); });
}

void Administrator::deleteObject(const std::string& uuid) {
  const auto object = declared(uuid);
  if (object == nullptr) return;
  parts_.trace.say("admin deletes the object of " + uuid);
  parts_.interfered(uuid);
  const std::int64_t fleetNow = parts_.balena.device(uuid).fleetId;
  const bool isThere = parts_.balena.device(uuid).isRegistered && fleetNow != kStrangeFleetId &&
                       object->spec.fleet == fleetName(fleetNow == kFleetIds[0] ? 0 : 1);
  const auto fleetObject = parts_.cluster.fleets.get(object->fleetKey());
  const bool deletes = fleetObject->spec.deletionPolicy == api::DeletionPolicy::kDelete;
  if (isThere && deletes && !object->spec.suspend) parts_.invariants.deletedForGood(uuid);
  parts_.cluster.devices.change(object->meta.key, [&](auto& objects) {
    return objects.remove(object->meta.key, object->meta.uid);
  });
  if (parts_.dice.chance(0.3)) return;  // for good
  later([this, uuid] {
    if (declared(uuid) != nullptr) return;
    const std::int64_t fleet = parts_.balena.device(uuid).fleetId;
    if (fleet == kStrangeFleetId) return;
    parts_.trace.say("admin declares " + uuid + " again");
    parts_.interfered(uuid);
    parts_.cluster.devices.apply(objectOf(uuid, fleet == kFleetIds[0] ? 0 : 1));
  });
}

void Administrator::suspend(const std::string& uuid) {
  const auto object = declared(uuid);
  if (object == nullptr) return;
  parts_.trace.say("admin suspends " + uuid);
  parts_.interfered(uuid);
  api::BalenaDevice changed = *object;
  changed.spec.suspend = true;
  parts_.cluster.devices.apply(changed);
  later([this, uuid] {
    const auto now = declared(uuid);
    if (now == nullptr) return;
    parts_.interfered(uuid);
    api::BalenaDevice back = *now;
    back.spec.suspend = false;
    parts_.cluster.devices.apply(back);
  });
}

void Administrator::editFleets(const std::function<void(api::FleetSpec&)>& edit) {
  for (const auto& fleet : parts_.cluster.fleets.list()) {
    api::BalenaFleet changed = *fleet;
    edit(changed.spec);
    parts_.cluster.fleets.apply(changed);
  }
}

void Administrator::changeLifetime() {
  const double factor = 0.6 + 0.1 * parts_.dice.between(0, 8);
  const Duration lifetime(static_cast<Duration::rep>(
      static_cast<double>(parts_.scenario.fleet.spec.keys.lifetime.count()) * factor));
  parts_.trace.say("admin sets the lifetime to " + formatDuration(lifetime));
  parts_.invariants.policyChanged();
  editFleets([&](api::FleetSpec& spec) {
    // No more than three generations live at a time (docs/reliability.md).
    spec.keys.lifetime = std::max(lifetime, spec.keys.rotateBefore * 8 / 5);
  });
}

TimePoint Administrator::aTime(Duration later) {
  const TimePoint time = kEpoch + parts_.scheduler.now() + later;
  return parts_.dice.chance(0.5) ? time : std::chrono::floor<std::chrono::seconds>(time);
}

void Administrator::renew(const std::string& uuid) {
  const auto object = declared(uuid);
  if (object == nullptr) return;
  parts_.trace.say("admin renews " + uuid);
  api::BalenaDevice changed = *object;
  changed.spec.keys.renewAfter = aTime(parts_.dice.upTo(std::chrono::hours(3)));
  parts_.cluster.devices.apply(changed);
}

bool Administrator::renewNow(const std::string& uuid) {
  const TimePoint now = aTime();
  const auto object = declared(uuid);
  if (object == nullptr) {
    editFleets([&](api::FleetSpec& spec) { spec.keys.renewAfter = now; });
    return false;
  }
  api::BalenaDevice changed = *object;
  changed.spec.keys.renewAfter = now;
  parts_.cluster.devices.apply(changed);
  return true;
}

void Administrator::revoke(const std::string& uuid) {
  const auto object = declared(uuid);
  if (object == nullptr) return;
  parts_.trace.say("admin revokes the keys of " + uuid);
  const TimePoint before = aTime();
  parts_.interfered(uuid);
  api::BalenaDevice changed = *object;
  changed.spec.keys.revokeBefore = before;
  parts_.cluster.devices.apply(changed);
  const Registration* registration = parts_.registry.find(api::registrationId(uuid));
  if (registration == nullptr || registration->credentials.empty() || parts_.dice.chance(0.5))
    return;
  soon([this, uuid, old = registration->credentials.back()] { registerAgain(uuid, old); });
}

void Administrator::renewFleets() {
  parts_.trace.say("admin renews all keys");
  const TimePoint time = aTime(parts_.dice.upTo(std::chrono::hours(3)));
  editFleets([&](api::FleetSpec& spec) { spec.keys.renewAfter = time; });
}

void Administrator::revokeFleets() {
  parts_.trace.say("admin revokes all keys");
  const TimePoint time = aTime();
  for (const std::string& uuid : parts_.uuids) parts_.interfered(uuid);
  editFleets([&](api::FleetSpec& spec) { spec.keys.revokeBefore = time; });
}

void Administrator::observe() {
  parts_.trace.say("admin lets the fleets only be observed");
  editFleets([&](api::FleetSpec& spec) { spec.mode = api::Mode::kObserve; });
  parts_.invariants.policyChanged();
  // What a device that is away holds is extended half of rotateBefore before its end.
  soon([this] { editFleets([&](api::FleetSpec& spec) { spec.mode = api::Mode::kEnforce; }); });
}

// Lets go what the brake has halted.
void Administrator::approveRemovals() {
  for (const auto& fleet : parts_.cluster.fleets.list()) {
    if (!fleet->status.removal.halted) continue;
    parts_.trace.say("admin approves the set " + fleet->status.removal.set);
    api::BalenaFleet changed = *fleet;
    changed.meta.annotations[api::kApproveAnnotation] = fleet->status.removal.set;
    parts_.cluster.fleets.apply(changed);
    parts_.invariants.approved(fleet->meta.key);
  }
}

void Administrator::loseSecret() {
  const bool isToken = parts_.dice.chance(0.5);
  parts_.trace.say(std::string("admin loses the Secret of the ") + (isToken ? "token" : "account"));
  parts_.cluster.removeSecret(isToken ? kTokenSecret : kAccountSecret);
  soon([this, isToken] {
    parts_.cluster.putSecret(isToken ? kTokenSecret : kAccountSecret,
                             isToken ? parts_.balena.token : parts_.registry.account);
  });
}

// As a script would that somebody has forgotten.
void Administrator::registerAgain(const std::string& uuid, const clearblade::Credential& old) {
  Registration* registration = parts_.registry.edit(api::registrationId(uuid));
  if (registration == nullptr || registration->credentials.size() == clearblade::kMaxCredentials) {
    return;
  }
  for (const auto& each : registration->credentials) {
    if (each.publicKey == old.publicKey) return;
  }
  parts_.trace.say("admin registers a revoked key of " + uuid + " again");
  parts_.interfered(uuid);
  parts_.invariants.editedByHand(uuid);
  registration->credentials.push_back(old);
}

// ── on the way

void Administrator::outage() {
  const Upstream upstream =
      parts_.dice.oneOf({Upstream::kBalena, Upstream::kClearBlade, Upstream::kKubernetes});
  const Duration longest =
      std::min<Duration>(std::chrono::hours(3), parts_.scenario.timeToRotate / 3);
  const Duration until = parts_.scheduler.now() + parts_.dice.upTo(longest);
  if (upstream == Upstream::kKubernetes) {
    parts_.watchCutUntil = std::min(until, parts_.scheduler.now() + std::chrono::minutes(10));
  }
  parts_.trace.say("an outage");
  parts_.chaos.breakDown(upstream, until);
}

}  // namespace bco::sim
