#include "reconcile/observe.h"

#include <algorithm>

#include "crypto/keys.h"

namespace bco {
namespace {

ObservedLevel readLevel(balena::VariableParent parent,
                        const std::vector<balena::StoredVariable>& variables) {
  ObservedLevel level{parent, {}, false, std::nullopt, {}};
  for (const balena::StoredVariable& variable : variables) {
    if (variable.name != balena::kPrivateKey) {
      level.publicVariables.emplace(variable.name, variable.value.reveal());
      continue;
    }
    level.hasKey = true;
    if (const auto key = crypto::fromVariableValue(variable.value)) {
      level.keyFingerprint = key->publicKey().fingerprint();
    }
  }
  return level;
}

ObservedDevice::InBalena readDevice(const balena::Device& device,
                                    const balena::VariableLevel& level) {
  ObservedDevice::InBalena result{
      device.id, device.fleetId, device.name, device.isOnline, device.lastConnectivityEvent, {},
      {}};
  const auto sort = [&](ObservedLevel read, bool isTarget) {
    if (isTarget) {
      result.target = std::move(read);
    } else if (read.hasKey || !read.publicVariables.empty()) {
      result.others.push_back(std::move(read));
    }
  };
  sort(readLevel({.deviceId = device.id, .serviceInstallId = {}}, device.deviceVariables),
       !level.serviceId);
  for (const balena::ServiceInstall& install : device.installs) {
    ObservedLevel read =
        readLevel({.deviceId = {}, .serviceInstallId = install.id}, install.variables);
    read.service = install.serviceName;
    sort(std::move(read), level.serviceId == install.serviceId);
  }
  return result;
}

// What the registry has answered; that there is none is an answer, too.
Status readRegistration(ObservedDevice& observed, Result<clearblade::Registration> registration) {
  observed.registration.reset();
  observed.mark = {};
  observed.credentialFingerprints.clear();
  if (!registration) {
    if (registration.error().code == ErrorCode::kNotFound) return {};
    return fail(withContext(std::move(registration.error()), "clearblade"));
  }
  observed.mark = readMark(registration->metadata);
  std::vector<clearblade::Credential> credentials = std::move(registration->credentials);
  observed.registration = std::move(*registration);
  setCredentials(observed, std::move(credentials));
  return {};
}

bool isRegistered(const ObservedDevice& observed, const std::string& fingerprint) {
  return std::ranges::find(observed.credentialFingerprints, fingerprint) !=
         observed.credentialFingerprints.end();
}

// Nothing is stored that the registration does not know: neither its credentials nor, if it is
// ours, its mark. Of one that is not there nothing is concluded before its creation has checked it.
bool listsStoredKey(const ObservedDevice& observed) {
  const auto& target = observed.device->target;
  if (!observed.registration || !target || !target->hasKey) return true;
  const auto& stored = target->keyFingerprint;
  if (!stored || !isRegistered(observed, *stored)) return false;
  return observed.mark.state != MarkState::kValid || observed.mark.mark.find(*stored) != nullptr;
}

// The newest key is both stored and registered: the usual case, in which nobody needs to derive it.
bool newestIsInUse(const ObservedDevice& observed) {
  const MarkedKey* newest = observed.mark.mark.newest();
  if (newest == nullptr || !observed.device->target) return false;
  const auto& stored = observed.device->target->keyFingerprint;
  return stored && stored->starts_with(newest->shortFingerprint) && isRegistered(observed, *stored);
}

// Whether our seed gives the newest key the mark lists. Derives only where it matters: when what is
// stored is not that key.
bool derivesNewest(const ObservedDevice& observed, const DesiredDevice& desired,
                   const RegistryView& registry) {
  const Mark& mark = observed.mark.mark;
  const MarkedKey* newest = mark.newest();
  if (observed.mark.state != MarkState::kValid || mark.owner != desired.ownerId ||
      newest == nullptr) {
    return false;
  }
  const auto key =
      registry.keys.make(*registry.seed, desired.uuid, mark.incarnation, newest->generation);
  return key && shortFingerprint(key->publicKey()) == newest->shortFingerprint;
}

// Nobody has told of a registration yet, and the device holds nothing that would be of one. It will
// hardly be there; the create tells.
bool seemsNew(Hint hint, const ObservedDevice::InBalena& device) {
  const bool holdsNothing =
      !device.target || (!device.target->hasKey && device.target->publicVariables.empty());
  return hint == Hint::kUnknown && holdsNothing && device.others.empty();
}

}  // namespace

void setCredentials(ObservedDevice& observed, std::vector<clearblade::Credential> credentials) {
  observed.credentialFingerprints.clear();
  for (const clearblade::Credential& credential : credentials) {
    const auto key = crypto::PublicKey::fromPem(credential.publicKey);
    observed.credentialFingerprints.push_back(key ? key->fingerprint() : "");
  }
  observed.registration->credentials = std::move(credentials);
}

Result<ObservedDevice> observe(const DesiredDevice& desired, const FleetView& fleet,
                               Looking looking) {
  ObservedDevice observed;
  const RegistryView& registry = *fleet.registry;
  const std::string id = api::registrationId(desired.uuid);
  const Hint hint = registry.hints->of(desired.uuid);
  const CallTerms call{.lane = looking.lane};
  const bool isAhead =
      looking.readAhead != nullptr && !looking.early && desired.present && hint == Hint::kPresent;
  const auto reading =
      isAhead ? looking.readAhead->ask(registry.registry, id, looking.lane) : nullptr;
  auto device = looking.early ? Result<balena::Device>(*std::move(looking.early))
                              : fleet.balena->getDevice(desired.uuid, call);
  if (device) {
    observed.device = readDevice(*device, fleet.level);
  } else if (device.error().code != ErrorCode::kNotFound) {
    return fail(withContext(std::move(device.error()), "balena"));
  }
  observed.clockSkew = registry.registry->clockSkew();
  // Without a device of this fleet nothing is decided about a registration that is desired.
  if (desired.present && (!observed.device || observed.device->fleetId != desired.fleetId)) {
    return observed;
  }

  if (desired.present && (hint == Hint::kAbsent || seemsNew(hint, *observed.device))) {
    observed.registrationPresumedAbsent = true;
    return observed;
  }
  auto ahead = reading ? looking.readAhead->take(reading) : std::nullopt;
  const bool wasAhead = ahead.has_value();
  Status read = readRegistration(
      observed, wasAhead ? std::move(*ahead) : registry.registry->getRegistration(id, call));
  if (read && wasAhead && !listsStoredKey(observed)) {
    read = readRegistration(observed, registry.registry->getRegistration(id, call));
  }
  if (!read) return fail(std::move(read.error()));
  observed.newestIsDerivable = observed.registration && desired.present &&
                               !newestIsInUse(observed) &&
                               derivesNewest(observed, desired, registry);
  observed.clockSkew = registry.registry->clockSkew();
  return observed;
}

}  // namespace bco
