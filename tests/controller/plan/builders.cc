#include "tests/controller/plan/builders.h"

#include <array>

namespace bco::test {
namespace {

std::string join(const std::vector<std::string>& texts, const std::string& separator) {
  std::string joined;
  for (const auto& text : texts) joined += (joined.empty() ? "" : separator) + text;
  return joined;
}

struct Outline {
  std::string operator()(const CreateRegistration& step) const {
    return "create key " + std::to_string(step.key.generation);
  }
  std::string operator()(const PatchRegistration& step) const {
    if (!step.keep) return "mark";
    std::vector<std::string> kept;
    for (const auto& credential : *step.keep) kept.push_back(std::to_string(numberOf(credential)));
    std::string text = "keep " + (kept.empty() ? "none" : join(kept, ","));
    if (step.add) text += " add " + std::to_string(step.add->generation);
    return text;
  }
  std::string operator()(const DeleteRegistration& step) const { return "delete " + step.numId; }
  std::string operator()(const WriteVariables& step) const {
    std::vector<std::string> written;
    for (const VariableChange& change : step.changes) {
      const auto* generation = std::get_if<std::uint32_t>(&change.value);
      written.push_back(change.name +
                        (generation == nullptr ? "" : "=" + std::to_string(*generation)));
    }
    return "write " + join(written, ", ");
  }
  std::string operator()(const DeleteVariables& step) const {
    const auto& parent = step.parent;
    return parent.deviceId ? "unset on device " + std::to_string(*parent.deviceId)
                           : "unset on service " + std::to_string(*parent.serviceInstallId);
  }
};

}  // namespace

const TestKey& testKey(int number) {
  static const auto keys = [] {
    std::array<TestKey, 10> made;
    const SecretBytes seed(std::string(crypto::kSeedBytes, 's'));
    for (std::uint32_t i = 0; i < made.size(); ++i) {
      const auto key = crypto::PrivateKey::derive(seed, kUuid, {}, i);
      made[i] = {key->publicKey().toPem(), key->publicKey().fingerprint()};
    }
    return made;
  }();
  return keys.at(static_cast<std::size_t>(number));
}

int numberOf(const clearblade::Credential& credential) {
  for (int i = 0; i < 10; ++i) {
    if (testKey(i).pem == credential.publicKey) return i;
  }
  return -1;
}

DesiredDevice desiredDevice() {
  DesiredDevice desired;
  desired.uuid = kUuid;
  desired.fleetId = kFleetId;
  desired.managedFleets = {kFleetId, kOtherFleetId};
  desired.project = "p";
  desired.registryPath = kRegistryPath;
  desired.ownerId = "site-a";
  return desired;
}

Observed::Observed() {
  ObservedDevice::InBalena device;
  device.id = kDeviceId;
  device.fleetId = kFleetId;
  device.name = "lively-meadow";
  device.isOnline = true;
  device.target.emplace().parent.deviceId = kDeviceId;
  observed_.device = device;
}

Observed& Observed::stores(int key) {
  observed_.device->target->hasKey = true;
  observed_.device->target->keyFingerprint = testKey(key).fingerprint;
  return *this;
}

Observed& Observed::storesNonsense() {
  observed_.device->target->hasKey = true;
  observed_.device->target->keyFingerprint.reset();
  return *this;
}

Observed& Observed::variable(std::string_view name, std::string value) {
  observed_.device->target->publicVariables[std::string(name)] = std::move(value);
  return *this;
}

Observed& Observed::hasPublicVariables() {
  variable(balena::kClientPath, kDevicePath);
  variable(balena::kDataTopicRoot, "/devices/balena-" + kUuid);
  return variable(balena::kProjectId, "p");
}

Observed& Observed::registered() {
  observed_.registration.emplace();
  observed_.registration->id = "balena-" + kUuid;
  observed_.registration->numId = "4711";
  return *this;
}

Observed& Observed::credential(int key, std::optional<TimePoint> expiresAt) {
  observed_.registration->credentials.push_back({"ES256_PEM", testKey(key).pem, expiresAt});
  observed_.credentialFingerprints.push_back(testKey(key).fingerprint);
  return *this;
}

Observed& Observed::foreignCredential() {
  observed_.registration->credentials.push_back({"RSA_PEM", "an RSA key", std::nullopt});
  observed_.credentialFingerprints.emplace_back();
  return *this;
}

Observed& Observed::marked(std::string owner, std::int64_t fleetId) {
  observed_.mark.state = MarkState::kValid;
  observed_.mark.mark.owner = std::move(owner);
  observed_.mark.mark.fleetId = fleetId;
  observed_.mark.mark.incarnation = {1, 2, 3};
  return *this;
}

Observed& Observed::lists(int key, TimePoint issuedAt) {
  observed_.mark.mark.keys.push_back(
      {testKey(key).fingerprint.substr(0, 16), static_cast<std::uint32_t>(key), issuedAt});
  return *this;
}

Observed& Observed::derivable() {
  observed_.newestIsDerivable = true;
  return *this;
}

Observed& Observed::metadata(std::string key, std::string value) {
  observed_.registration->metadata[std::move(key)] = std::move(value);
  return *this;
}

Observed& Observed::skewed(Duration skew) {
  observed_.clockSkew = skew;
  return *this;
}

Observed& Observed::offlineSince(std::optional<TimePoint> lastContact) {
  observed_.device->isOnline = false;
  observed_.device->lastConnectivityEvent = lastContact;
  return *this;
}

Observed& Observed::inFleet(std::int64_t fleetId) {
  observed_.device->fleetId = fleetId;
  return *this;
}

Observed& Observed::withoutDevice() {
  observed_.device.reset();
  return *this;
}

Observed& Observed::withoutTarget() {
  observed_.device->target.reset();
  return *this;
}

Observed& Observed::otherLevel(std::int64_t serviceInstallId, std::string clientPath) {
  ObservedLevel level;
  level.parent.serviceInstallId = serviceInstallId;
  level.hasKey = true;
  if (observed_.device->target) level.keyFingerprint = observed_.device->target->keyFingerprint;
  level.publicVariables.emplace(balena::kClientPath, std::move(clientPath));
  observed_.device->others.push_back(std::move(level));
  return *this;
}

ObservedDevice Observed::get() const {
  ObservedDevice observed = observed_;
  if (observed.registration && observed.mark.state == MarkState::kValid) {
    observed.registration->metadata = withMark(observed.registration->metadata, observed.mark.mark);
  }
  return observed;
}

std::string outline(const Plan& plan) {
  std::vector<std::string> steps;
  for (const Step& step : plan.steps) steps.push_back(std::visit(Outline{}, step));
  return join(steps, " | ");
}

}  // namespace bco::test
