#include "plan/listing.h"

#include <algorithm>
#include <functional>

#include "api/device.h"
#include "plan/mark.h"

namespace bco {
namespace {

bool selects(const api::Selector& selector, const balena::FleetDevice& row) {
  const auto has = [&](const auto& tag) {
    const auto found = row.tags.find(tag.first);
    return found != row.tags.end() && found->second == tag.second;
  };
  return std::ranges::all_of(selector.tags, has) &&
         std::ranges::none_of(selector.excludeTags, has) &&
         (selector.deviceTypes.empty() ||
          std::ranges::find(selector.deviceTypes, row.deviceType) != selector.deviceTypes.end());
}

bool holds(const balena::FleetDevice& row, std::string_view name, const std::string& value) {
  const auto found = row.publicVariables.find(name);
  return found != row.publicVariables.end() && found->second == value;
}

// Of all that decides whose it is, and whether it may be adopted.
std::uint64_t digestOf(const clearblade::Registration& registration) {
  std::string text = registration.numId;
  for (const auto& credential : registration.credentials) text += "\n" + credential.publicKey;
  for (const auto& [name, value] : registration.metadata) {
    if (name.starts_with("bco-")) text += "\n" + name + "=" + value;
  }
  return std::hash<std::string>{}(text);
}

}  // namespace

ListedDevice summarize(const balena::FleetDevice& row, const api::Selector& selector,
                       const std::string& project, const std::string& registryPath) {
  const std::string path = "/devices/" + api::registrationId(row.uuid);
  ListedDevice device{row.uuid, row.name};
  device.isSelected = selects(selector, row);
  device.namesOurPath = holds(row, balena::kClientPath, registryPath + path);
  device.hasStrayKey = row.hasPrivateKey && !row.publicVariables.contains(balena::kClientPath);
  device.isComplete = device.namesOurPath && holds(row, balena::kDataTopicRoot, path) &&
                      holds(row, balena::kProjectId, project) && row.hasPrivateKey;
  return device;
}

ListedRegistration summarize(const clearblade::Registration& registration,
                             const std::string& ownerId) {
  const ReadMark read = readMark(registration.metadata);
  ListedRegistration listed;
  listed.isOurs = read.state == MarkState::kValid && read.mark.owner == ownerId;
  if (!listed.isOurs) {
    listed.digest = digestOf(registration);
    return listed;
  }
  listed.fleetId = read.mark.fleetId;
  listed.incarnation = read.mark.incarnation;
  listed.needsVerification = read.mark.needsVerification;
  listed.isBlocked = registration.blocked;
  const MarkedKey* newest = read.mark.newest();
  if (newest == nullptr) return listed;
  listed.oldestIssue = newest->issuedAt;
  for (const clearblade::Credential& credential : registration.credentials) {
    const auto key = crypto::PublicKey::fromPem(credential.publicKey);
    const MarkedKey* marked = key ? read.mark.find(shortFingerprint(*key)) : nullptr;
    listed.oldestIssue =
        std::min(listed.oldestIssue, marked == nullptr ? TimePoint::min() : marked->issuedAt);
    if (marked == newest) {
      listed.newest = ListedKey{newest->generation, newest->issuedAt, credential.expiresAt};
    }
  }
  return listed;
}

}  // namespace bco
