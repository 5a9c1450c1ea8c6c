#include "reconcile/observe.h"

#include <algorithm>

#include "crypto/keys.h"

namespace bco {
namespace {

ObservedLevel readLevel(balena::VariableParent parent,
                        const std::vector<balena::StoredVariable>& variables) {
  ObservedLevel level{parent, {}, false, std::nullopt};
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
    sort(readLevel({.deviceId = {}, .serviceInstallId = install.id}, install.variables),
         level.serviceId == install.serviceId);
  }
  return result;
}

void readRegistration(ObservedDevice& observed, clearblade::Registration registration) {
  observed.mark = readMark(registration.metadata);
  std::vector<clearblade::Credential> credentials = std::move(registration.credentials);
  observed.registration = std::move(registration);
  setCredentials(observed, std::move(credentials));
}

// The newest key is both stored and registered: the usual case, in which nobody needs to derive it.
bool newestIsInUse(const ObservedDevice& observed) {
  const MarkedKey* newest = observed.mark.mark.newest();
  if (newest == nullptr || !observed.device->target) return false;
  const auto& stored = observed.device->target->keyFingerprint;
  return stored && stored->starts_with(newest->shortFingerprint) &&
         std::ranges::find(observed.credentialFingerprints, *stored) !=
             observed.credentialFingerprints.end();
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

}  // namespace

void setCredentials(ObservedDevice& observed, std::vector<clearblade::Credential> credentials) {
  observed.credentialFingerprints.clear();
  for (const clearblade::Credential& credential : credentials) {
    const auto key = crypto::PublicKey::fromPem(credential.publicKey);
    observed.credentialFingerprints.push_back(key ? key->fingerprint() : "");
  }
  observed.registration->credentials = std::move(credentials);
}

Result<ObservedDevice> observe(const DesiredDevice& desired, const FleetView& fleet) {
  ObservedDevice observed;
  const RegistryView& registry = *fleet.registry;
  auto device = fleet.balena->getDevice(desired.uuid);
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

  const std::string id = api::registrationId(desired.uuid);
  if (desired.present && registry.hints->of(desired.uuid) == Hint::kAbsent) {
    observed.registrationPresumedAbsent = true;
    return observed;
  }
  auto registration = registry.registry->getRegistration(id);
  if (registration) {
    readRegistration(observed, std::move(*registration));
    observed.newestIsDerivable =
        desired.present && !newestIsInUse(observed) && derivesNewest(observed, desired, registry);
  } else if (registration.error().code != ErrorCode::kNotFound) {
    return fail(withContext(std::move(registration.error()), "clearblade"));
  }
  observed.clockSkew = registry.registry->clockSkew();
  return observed;
}

}  // namespace bco
