#include "sandbox/balena_admin.h"

namespace bco::sandbox {
namespace {

using odata::idOf;
using odata::makeText;
using odata::Value;

tl::unexpected<Error> missing(std::string_view what, std::string_view name) {
  return fail(ErrorCode::kNotFound, "no " + std::string(what) + " " + std::string(name));
}

std::string_view architectureOf(std::string_view deviceType) {
  if (deviceType.find("x86") != std::string_view::npos || deviceType == "intel-nuc") return "amd64";
  if (deviceType == "raspberrypi3" || deviceType == "raspberrypi2") return "armv7hf";
  return "aarch64";
}

}  // namespace

std::int64_t BalenaAdmin::organization(std::string_view handle) {
  const auto& names = store_.names;
  if (const Row* row = store_.rows().findByText(*names.organizationHandle, handle))
    return row->id();
  Row made = store_.newRow(*names.organization);
  const std::int64_t id = made.id();
  made.values[names.organizationName->column] = makeText(handle);
  made.values[names.organizationHandle->column] = makeText(handle);
  store_.put(*names.organization, std::move(made));
  return id;
}

std::int64_t BalenaAdmin::deviceType(std::string_view slug) {
  const auto& names = store_.names;
  if (const Row* row = store_.rows().findByText(*names.deviceTypeSlug, slug)) return row->id();
  const auto architecture = architectureOf(slug);
  const Row* known = store_.rows().findByText(*names.architectureSlug, architecture);
  std::int64_t architectureId = known == nullptr ? 0 : known->id();
  if (known == nullptr) {
    Row made = store_.newRow(*names.architecture);
    architectureId = made.id();
    made.values[names.architectureSlug->column] = makeText(architecture);
    store_.put(*names.architecture, std::move(made));
  }
  Row made = store_.newRow(*names.deviceType);
  const std::int64_t id = made.id();
  made.values[names.deviceTypeSlug->column] = makeText(slug);
  made.values[names.deviceTypeName->column] = makeText(slug);
  made.values[names.deviceTypeArchitecture->column] = architectureId;
  store_.put(*names.deviceType, std::move(made));
  Row alias = store_.newRow(*names.deviceTypeAlias);
  alias.values[names.deviceTypeAliasOf->column] = id;
  alias.values[names.deviceTypeAliasText->column] = makeText(slug);
  store_.put(*names.deviceTypeAlias, std::move(alias));
  return id;
}

Status BalenaAdmin::addFleet(const FleetSpec& spec) {
  const auto& names = store_.names;
  const auto slash = spec.slug.find('/');
  if (slash == std::string::npos) return fail(ErrorCode::kInvalid, "a slug is org/name");
  if (store_.findFleet(spec.slug) != nullptr) {
    return fail(ErrorCode::kAlreadyExists, "fleet " + spec.slug + " exists");
  }
  Row fleet = store_.newRow(*names.fleet);
  const std::int64_t id = fleet.id();
  fleet.values[names.fleetName->column] = makeText(spec.slug.substr(slash + 1));
  fleet.values[names.fleetSlug->column] = makeText(spec.slug);
  fleet.values[names.fleetUuid->column] = makeText(store_.randomHex(32));
  fleet.values[names.fleetOrganization->column] = organization(spec.slug.substr(0, slash));
  fleet.values[names.fleetDeviceType->column] = deviceType(spec.deviceType);
  fleet.values[names.fleetTracksLatest->column] = true;
  fleet.values[names.fleetIsPublic->column] = spec.isPublic;
  fleet.values[names.fleetIsHost->column] = false;
  fleet.values[names.fleetIsArchived->column] = false;
  fleet.values[names.fleetClass->column] = makeText("fleet");
  fleet.values[names.fleetActor->column] = store_.newActor();
  store_.put(*names.fleet, std::move(fleet));
  Row access = store_.newRow(*names.fleetAccess);
  access.values[names.fleetAccessFleet->column] = id;
  store_.put(*names.fleetAccess, std::move(access));
  for (const auto& service : spec.services) {
    if (auto added = addService(spec.slug, service); !added) return added;
  }
  if (spec.release) makeRelease(id);
  return {};
}

Status BalenaAdmin::renameFleet(std::string_view slug, std::string_view newSlug) {
  const auto& names = store_.names;
  const Row* fleet = store_.findFleet(slug);
  if (fleet == nullptr) return missing("fleet", slug);
  if (store_.findFleet(newSlug) != nullptr) {
    return fail(ErrorCode::kAlreadyExists, "fleet " + std::string(newSlug) + " exists");
  }
  Row renamed = *fleet;
  renamed.values[names.fleetSlug->column] = makeText(newSlug);
  renamed.values[names.fleetName->column] = makeText(newSlug.substr(newSlug.find('/') + 1));
  store_.update(*names.fleet, std::move(renamed));
  return {};
}

Status BalenaAdmin::addService(std::string_view fleet, std::string_view service) {
  const auto& names = store_.names;
  const Row* owner = store_.findFleet(fleet);
  if (owner == nullptr) return missing("fleet", fleet);
  if (store_.findService(owner->id(), service) != nullptr) {
    return fail(ErrorCode::kAlreadyExists, "service " + std::string(service) + " exists");
  }
  Row made = store_.newRow(*names.service);
  made.values[names.serviceFleet->column] = owner->id();
  made.values[names.serviceName->column] = makeText(service);
  store_.put(*names.service, std::move(made));
  return {};
}

void BalenaAdmin::makeRelease(std::int64_t fleet) {
  const auto& names = store_.names;
  Row release = store_.newRow(*names.release);
  const std::int64_t id = release.id();
  release.values[names.releaseFleet->column] = fleet;
  release.values[names.releaseCommit->column] = makeText(store_.randomHex(32));
  release.values[names.releaseStatus->column] = makeText("success");
  release.values[names.releaseSource->column] = makeText("cloud");
  release.values[names.releaseSemver->column] = makeText("0.0.0");
  release.values[names.releaseRawVersion->column] = makeText("0.0.0");
  release.values[names.releaseRevision->column] = std::int64_t{0};
  release.values[names.releaseIsFinal->column] = true;
  release.values[names.releaseIsInvalidated->column] = false;
  store_.put(*names.release, std::move(release));
  const odata::Ids services = store_.rows().pointingAt(*names.serviceFleet, fleet);
  for (const auto service : services) {
    Row image = store_.newRow(*names.image);
    Row part = store_.newRow(*names.releaseImage);
    image.values[names.imageService->column] = service;
    image.values[names.imageStatus->column] = makeText("success");
    part.values[names.releaseImageRelease->column] = id;
    part.values[names.releaseImageImage->column] = image.id();
    store_.put(*names.image, std::move(image));
    store_.put(*names.releaseImage, std::move(part));
  }
  Row owner = *store_.find(*names.fleet, fleet);
  owner.values[names.fleetRelease->column] = id;
  store_.update(*names.fleet, std::move(owner));
}

Status BalenaAdmin::release(std::string_view fleet) {
  const Row* owner = store_.findFleet(fleet);
  if (owner == nullptr) return missing("fleet", fleet);
  const std::int64_t id = owner->id();
  makeRelease(id);
  const odata::Ids devices = store_.rows().pointingAt(*store_.names.deviceFleet, id);
  for (const auto device : devices) store_.assignRelease(device);
  BalenaNotices notices(store_);
  notices.touchFleet(id);
  notices.send(kNoticeAfterWrite, hooks_.onDeviceUpdate);
  return {};
}

Result<std::string> BalenaAdmin::addDevice(const DeviceSpec& spec) {
  const auto& names = store_.names;
  const Row* fleet = store_.findFleet(spec.fleet);
  if (fleet == nullptr) return missing("fleet", spec.fleet);
  const std::string uuid = spec.uuid.empty() ? store_.randomHex(32) : spec.uuid;
  if (store_.findDevice(uuid) != nullptr) {
    return fail(ErrorCode::kAlreadyExists, "device " + uuid + " exists");
  }
  static const Value kOsVersion = makeText("balenaOS 6.5.24");
  static const Value kSupervisorVersion = makeText("17.5.2");
  static const Value kUnknown = makeText("unknown");
  Row device = store_.newRow(*names.device);
  const std::int64_t id = device.id();
  device.values[names.deviceUuid->column] = makeText(uuid);
  device.values[names.deviceName->column] =
      makeText(spec.name.empty() ? "device-" + uuid.substr(0, 7) : spec.name);
  device.values[names.deviceFleet->column] = fleet->id();
  device.values[names.deviceDeviceType->column] = spec.deviceType.empty()
                                                      ? fleet->values[names.fleetDeviceType->column]
                                                      : Value{deviceType(spec.deviceType)};
  device.values[names.deviceActor->column] = store_.newActor();
  device.values[names.deviceOsVersion->column] = kOsVersion;
  device.values[names.deviceSupervisorVersion->column] = kSupervisorVersion;
  device.values[names.deviceIsOnline->column] = false;
  device.values[names.deviceIsConnected->column] = false;
  device.values[names.deviceHeartbeat->column] = kUnknown;
  store_.put(*names.device, std::move(device));
  store_.assignRelease(id);
  if (spec.online) (void)setOnline(uuid, true);
  for (const auto& [key, value] : spec.tags) (void)setTag(uuid, key, value);
  return uuid;
}

Status BalenaAdmin::moveDevice(std::string_view uuid, std::string_view fleet) {
  const Row* device = store_.findDevice(uuid);
  if (device == nullptr) return missing("device", uuid);
  const Row* target = store_.findFleet(fleet);
  if (target == nullptr) return missing("fleet", fleet);
  const std::int64_t id = device->id();
  store_.moveDevice(id, target->id());
  BalenaNotices notices(store_);
  notices.touchDevice(id);
  notices.send(kNoticeAfterWrite, hooks_.onDeviceUpdate);
  return {};
}

Status BalenaAdmin::setOnline(std::string_view uuid, bool online) {
  const auto& names = store_.names;
  const Row* device = store_.findDevice(uuid);
  if (device == nullptr) return missing("device", uuid);
  static const Value kOnline = makeText("online");
  static const Value kOffline = makeText("offline");
  Row changed = *device;
  changed.values[names.deviceIsOnline->column] = online;
  changed.values[names.deviceIsConnected->column] = online;
  changed.values[names.deviceHeartbeat->column] = online ? kOnline : kOffline;
  for (const auto* field :
       {names.deviceConnectivityEvent, names.deviceVpnEvent, names.deviceHeartbeatChanged}) {
    changed.values[field->column] = store_.now();
  }
  store_.update(*names.device, std::move(changed));
  return {};
}

Status BalenaAdmin::setTag(std::string_view uuid, std::string_view key, std::string_view value) {
  const auto& names = store_.names;
  const Row* device = store_.findDevice(uuid);
  if (device == nullptr) return missing("device", uuid);
  const BalenaSchema::Variables tags{names.tag, names.tagDevice, names.tagKey, names.tagValue};
  put({&tags, device->id()}, key, value);
  return {};
}

Status BalenaAdmin::removeTag(std::string_view uuid, std::string_view key) {
  const auto& names = store_.names;
  const Row* device = store_.findDevice(uuid);
  if (device == nullptr) return missing("device", uuid);
  const BalenaSchema::Variables tags{names.tag, names.tagDevice, names.tagKey, names.tagValue};
  const Row* tag = store_.findVariable(tags, device->id(), key);
  if (tag == nullptr) return missing("tag", key);
  store_.erase(*names.tag, tag->id());
  return {};
}

Result<BalenaAdmin::Place> BalenaAdmin::placeOf(std::string_view uuid,
                                                std::string_view service) const {
  const auto& names = store_.names;
  const Row* device = store_.findDevice(uuid);
  if (device == nullptr) return missing("device", uuid);
  if (service.empty()) return Place{&names.deviceVariables, device->id()};
  const Row* found = store_.findService(idOf(device->values[names.deviceFleet->column]), service);
  if (found == nullptr) return missing("service", service);
  const Row* install = store_.findInstall(device->id(), found->id());
  if (install == nullptr) return missing("service_install of", service);
  return Place{&names.installVariables, install->id()};
}

void BalenaAdmin::put(const Place& place, std::string_view name, std::string_view value) {
  const auto& kind = *place.kind;
  const Row* old = store_.findVariable(kind, place.owner, name);
  Row row = old == nullptr ? store_.newRow(*kind.resource) : *old;
  row.values[kind.owner->column] = place.owner;
  row.values[kind.name->column] = makeText(name);
  row.values[kind.value->column] = makeText(value);
  BalenaNotices notices(store_);
  notices.touch(*kind.resource, row);
  store_.update(*kind.resource, std::move(row));
  notices.send(kNoticeAfterWrite, hooks_.onDeviceUpdate);
}

Status BalenaAdmin::setVariable(std::string_view uuid, std::string_view service,
                                std::string_view name, std::string_view value) {
  const auto place = placeOf(uuid, service);
  if (!place) return fail(place.error());
  put(*place, name, value);
  return {};
}

const odata::Row* BalenaAdmin::variable(std::string_view uuid, std::string_view service,
                                        std::string_view name) const {
  const auto place = placeOf(uuid, service);
  return place ? store_.findVariable(*place->kind, place->owner, name) : nullptr;
}

Status BalenaAdmin::removeVariable(std::string_view uuid, std::string_view service,
                                   std::string_view name) {
  const auto place = placeOf(uuid, service);
  if (!place) return fail(place.error());
  const Row* row = store_.findVariable(*place->kind, place->owner, name);
  if (row == nullptr) return missing("variable", name);
  BalenaNotices notices(store_);
  notices.touch(*place->kind->resource, *row);
  store_.erase(*place->kind->resource, row->id());
  notices.send(kNoticeAfterDelete, hooks_.onDeviceUpdate);
  return {};
}

Status BalenaAdmin::setFleetVariable(std::string_view fleet, std::string_view service,
                                     std::string_view name, std::string_view value) {
  const auto& names = store_.names;
  const Row* owner = store_.findFleet(fleet);
  if (owner == nullptr) return missing("fleet", fleet);
  if (service.empty()) {
    put({&names.fleetVariables, owner->id()}, name, value);
    return {};
  }
  const Row* found = store_.findService(owner->id(), service);
  if (found == nullptr) return missing("service", service);
  put({&names.serviceVariables, found->id()}, name, value);
  return {};
}

}  // namespace bco::sandbox
