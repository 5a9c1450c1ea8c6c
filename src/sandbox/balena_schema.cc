#include "sandbox/balena_schema.h"

#include "sandbox/odata_store.h"

namespace bco::sandbox {
namespace {

using odata::Field;
using odata::FieldType;
using odata::idOf;
using odata::makeText;
using odata::Resource;
using odata::Row;
using odata::Schema;
using odata::Store;
using odata::Value;

// A field that every row has the same value of: it needs no place in the row.
void addConstant(Schema& schema, Resource& resource, const char* name, FieldType type,
                 const Value& value = {}) {
  schema.addComputed(resource, name, type, [value](const Store&, const Row&) { return value; });
}

Field& addOwner(Schema& schema, Resource& resource, const char* name, const Resource& target) {
  Field& field = schema.addReference(resource, name, target);
  field.required = true;
  field.cascades = true;
  return field;
}

Field& addRequiredText(Schema& schema, Resource& resource, const char* name) {
  Field& field = schema.addField(resource, name, FieldType::kText);
  field.required = true;
  return field;
}

Field& addReadOnly(Schema& schema, Resource& resource, const char* name, FieldType type) {
  Field& field = schema.addField(resource, name, type);
  field.writable = false;
  return field;
}

// Pin, else the fleet's target.
Value targetRelease(const BalenaSchema& names, const Store& store, const Row& device) {
  const Value& pinned = device.values[names.devicePinnedRelease->column];
  if (!odata::isNull(pinned)) return pinned;
  const Row* fleet = store.find(*names.fleet, idOf(device.values[names.deviceFleet->column]));
  return fleet == nullptr ? Value{} : fleet->values[names.fleetRelease->column];
}

Value overallStatus(const BalenaSchema& names, const Row& device) {
  const bool online = device.values[names.deviceIsOnline->column] == Value{true};
  return makeText(online ? "operational" : "disconnected");
}

}  // namespace

BalenaSchema::BalenaSchema() {
  addPeople();
  addFleets();
  addDevices();
  addVariables();
  findPaths();
}

void BalenaSchema::addPeople() {
  actor = &schema.addResource("actor");
  user = &schema.addResource("user");
  userName = &addReadOnly(schema, *user, "username", FieldType::kText);
  userEmail = &addReadOnly(schema, *user, "email", FieldType::kText);
  userActor = &schema.addReference(*user, "actor", *actor);
  apiKey = &schema.addResource("api_key");
  apiKeyName = &schema.addField(*apiKey, "name", FieldType::kText);
  apiKeyDescription = &schema.addField(*apiKey, "description", FieldType::kText);
  apiKeyExpiry = &schema.addField(*apiKey, "expiry_date", FieldType::kTime);
  apiKeyActor = &schema.addReference(*apiKey, "is_of__actor", *actor);
  apiKeyActor->writable = false;

  organization = &schema.addResource("organization");
  organizationName = &addReadOnly(schema, *organization, "name", FieldType::kText);
  organizationHandle = &addReadOnly(schema, *organization, "handle", FieldType::kText);
  schema.addNaturalKey(*organization, {"handle"});

  architecture = &schema.addResource("cpu_architecture");
  architectureSlug = &addReadOnly(schema, *architecture, "slug", FieldType::kText);
  schema.addNaturalKey(*architecture, {"slug"});
  deviceType = &schema.addResource("device_type");
  deviceTypeSlug = &addReadOnly(schema, *deviceType, "slug", FieldType::kText);
  deviceTypeName = &addReadOnly(schema, *deviceType, "name", FieldType::kText);
  deviceTypeArchitecture =
      &schema.addReference(*deviceType, "is_of__cpu_architecture", *architecture);
  addConstant(schema, *deviceType, "logo", FieldType::kText);
  addConstant(schema, *deviceType, "contract", FieldType::kText);
  schema.relate(*deviceTypeArchitecture, "is_of__cpu_architecture", "device_type");
  schema.addNaturalKey(*deviceType, {"slug"});
  deviceTypeAlias = &schema.addResource("device_type_alias");
  deviceTypeAliasOf = &addOwner(schema, *deviceTypeAlias, "references__device_type", *deviceType);
  deviceTypeAliasText =
      &addReadOnly(schema, *deviceTypeAlias, "is_referenced_by__alias", FieldType::kText);
  schema.relate(*deviceTypeAliasOf, "references__device_type", "device_type_alias");
}

void BalenaSchema::addFleets() {
  fleet = &schema.addResource("application");
  release = &schema.addResource("release");
  fleetName = &addRequiredText(schema, *fleet, "app_name");
  fleetSlug = &addReadOnly(schema, *fleet, "slug", FieldType::kText);
  fleetUuid = &addReadOnly(schema, *fleet, "uuid", FieldType::kText);
  fleetOrganization = &addOwner(schema, *fleet, "organization", *organization);
  fleetDeviceType = &schema.addReference(*fleet, "is_for__device_type", *deviceType);
  fleetDeviceType->required = true;
  fleetRelease = &schema.addReference(*fleet, "should_be_running__release", *release);
  fleetTracksLatest = &schema.addField(*fleet, "should_track_latest_release", FieldType::kBoolean);
  fleetIsPublic = &schema.addField(*fleet, "is_public", FieldType::kBoolean);
  fleetIsHost = &addReadOnly(schema, *fleet, "is_host", FieldType::kBoolean);
  fleetIsArchived = &schema.addField(*fleet, "is_archived", FieldType::kBoolean);
  fleetClass = &addReadOnly(schema, *fleet, "is_of__class", FieldType::kText);
  fleetActor = &schema.addReference(*fleet, "actor", *actor);
  fleetActor->writable = false;
  schema.relate(*fleetOrganization, "organization", "application");
  schema.relate(*fleetDeviceType, "is_for__device_type", "is_default_for__application");
  schema.relate(*fleetRelease, "should_be_running__release", "should_be_running_on__application");
  schema.addNaturalKey(*fleet, {"slug"});
  schema.addNaturalKey(*fleet, {"uuid"});

  fleetAccess = &schema.addResource("application_access");
  fleetAccessFleet = &addOwner(schema, *fleetAccess, "application", *fleet);
  schema.relate(*fleetAccessFleet, "application", "is_directly_accessible_by__user");

  service = &schema.addResource("service");
  serviceFleet = &addOwner(schema, *service, "application", *fleet);
  serviceName = &addRequiredText(schema, *service, "service_name");
  serviceName->maxLength = 63;
  schema.relate(*serviceFleet, "application", "service");
  schema.addNaturalKey(*service, {"application", "service_name"});

  releaseFleet = &addOwner(schema, *release, "belongs_to__application", *fleet);
  releaseCommit = &addReadOnly(schema, *release, "commit", FieldType::kText);
  releaseStatus = &addReadOnly(schema, *release, "status", FieldType::kText);
  releaseSource = &addReadOnly(schema, *release, "source", FieldType::kText);
  releaseSemver = &addReadOnly(schema, *release, "semver", FieldType::kText);
  releaseRawVersion = &addReadOnly(schema, *release, "raw_version", FieldType::kText);
  releaseRevision = &addReadOnly(schema, *release, "revision", FieldType::kInteger);
  releaseIsFinal = &addReadOnly(schema, *release, "is_final", FieldType::kBoolean);
  releaseIsInvalidated = &schema.addField(*release, "is_invalidated", FieldType::kBoolean);
  schema.relate(*releaseFleet, "belongs_to__application", "owns__release");

  image = &schema.addResource("image");
  imageService = &addOwner(schema, *image, "is_a_build_of__service", *service);
  imageStatus = &addReadOnly(schema, *image, "status", FieldType::kText);
  schema.relate(*imageService, "is_a_build_of__service", "image");
  releaseImage = &schema.addResource("release_image");
  releaseImageRelease = &addOwner(schema, *releaseImage, "is_part_of__release", *release);
  releaseImageImage = &addOwner(schema, *releaseImage, "image", *image);
  schema.relate(*releaseImageRelease, "is_part_of__release", "release_image");
  schema.relate(*releaseImageImage, "image", "release_image");
}

void BalenaSchema::addDevices() {
  device = &schema.addResource("device");
  deviceUuid = &addRequiredText(schema, *device, "uuid");
  deviceName = &schema.addField(*device, "device_name", FieldType::kText);
  schema.addField(*device, "note", FieldType::kText);
  deviceFleet = &addOwner(schema, *device, "belongs_to__application", *fleet);
  deviceDeviceType = &schema.addReference(*device, "is_of__device_type", *deviceType);
  deviceDeviceType->required = true;
  deviceActor = &schema.addReference(*device, "actor", *actor);
  deviceActor->writable = false;
  deviceIsOnline = &addReadOnly(schema, *device, "is_online", FieldType::kBoolean);
  deviceIsConnected = &addReadOnly(schema, *device, "is_connected_to_vpn", FieldType::kBoolean);
  deviceConnectivityEvent =
      &addReadOnly(schema, *device, "last_connectivity_event", FieldType::kTime);
  deviceVpnEvent = &addReadOnly(schema, *device, "last_vpn_event", FieldType::kTime);
  deviceHeartbeat = &addReadOnly(schema, *device, "api_heartbeat_state", FieldType::kText);
  deviceHeartbeatChanged =
      &addReadOnly(schema, *device, "changed_api_heartbeat_state_on__date", FieldType::kTime);
  deviceRunningRelease = &schema.addReference(*device, "is_running__release", *release);
  devicePinnedRelease = &schema.addReference(*device, "is_pinned_on__release", *release);
  deviceOsVersion = &schema.addField(*device, "os_version", FieldType::kText);
  deviceSupervisorVersion = &schema.addField(*device, "supervisor_version", FieldType::kText);

  schema
      .addComputed(
          *device, "should_be_running__release", FieldType::kReference,
          [this](const Store& store, const Row& row) { return targetRelease(*this, store, row); })
      .target = release;
  schema.addComputed(*device, "overall_status", FieldType::kText,
                     [this](const Store&, const Row& row) { return overallStatus(*this, row); });
  addConstant(schema, *device, "overall_progress", FieldType::kInteger);
  addConstant(schema, *device, "status", FieldType::kText, makeText("Idle"));
  addConstant(schema, *device, "os_variant", FieldType::kText, makeText("prod"));
  addConstant(schema, *device, "is_web_accessible", FieldType::kBoolean, false);
  addConstant(schema, *device, "is_undervolted", FieldType::kBoolean, false);
  addConstant(schema, *device, "update_status", FieldType::kText, makeText("done"));
  for (const char* name : {"local_id", "logs_channel", "provisioning_state", "ip_address",
                           "mac_address", "public_address", "cpu_id"}) {
    addConstant(schema, *device, name, FieldType::kText);
  }
  for (const char* name :
       {"provisioning_progress", "download_progress", "memory_usage", "memory_total",
        "storage_block_device", "storage_usage", "storage_total", "cpu_usage", "cpu_temp"}) {
    addConstant(schema, *device, name, FieldType::kInteger);
  }
  addConstant(schema, *device, "is_locked_until__date", FieldType::kTime);
  addConstant(schema, *device, "last_update_status_event", FieldType::kTime);
  // Of balenaCloud's closed layer; openBalena has none of them.
  for (const char* name : {"is_active", "is_frozen"}) {
    addConstant(schema, *device, name, FieldType::kBoolean, name == std::string("is_active"));
    schema.findField("device", name)->absent = true;
  }
  for (const char* name : {"latitude", "longitude", "location", "custom_latitude",
                           "custom_longitude", "is_accessible_by_support_until__date"}) {
    addConstant(schema, *device, name, FieldType::kText);
    schema.findField("device", name)->absent = true;
  }

  schema.relate(*deviceFleet, "belongs_to__application", "owns__device");
  schema.relate(*deviceDeviceType, "is_of__device_type", "describes__device");
  schema.relate(*deviceRunningRelease, "is_running__release", "is_running_on__device");
  schema.relate(*devicePinnedRelease, "is_pinned_on__release", "is_pinned_to__device");
  schema.relate(*schema.findField("device", "should_be_running__release"),
                "should_be_running__release", "");
  schema.addNaturalKey(*device, {"uuid"});

  install = &schema.addResource("service_install");
  installDevice = &addOwner(schema, *install, "device", *device);
  installService = &addOwner(schema, *install, "installs__service", *service);
  schema.relate(*installDevice, "device", "service_install");
  schema.relate(*installService, "installs__service", "service_install");
  // The service by its own name, as older clients ask for it.
  schema.relate(*installService, "service", "");
  schema.addNaturalKey(*install, {"device", "installs__service"});

  imageInstall = &schema.addResource("image_install");
  imageInstallDevice = &addOwner(schema, *imageInstall, "device", *device);
  imageInstallImage = &addOwner(schema, *imageInstall, "installs__image", *image);
  imageInstallRelease = &addOwner(schema, *imageInstall, "is_provided_by__release", *release);
  imageInstallStatus = &addReadOnly(schema, *imageInstall, "status", FieldType::kText);
  imageInstallDate = &addReadOnly(schema, *imageInstall, "install_date", FieldType::kTime);
  imageInstallProgress =
      &addReadOnly(schema, *imageInstall, "download_progress", FieldType::kInteger);
  schema.relate(*imageInstallDevice, "device", "image_install");
  schema.relate(*imageInstallImage, "installs__image", "image_install");
  schema.relate(*imageInstallImage, "image", "");
  schema.relate(*imageInstallRelease, "is_provided_by__release", "provides__image_install");
}

BalenaSchema::Variables BalenaSchema::addVariableResource(const char* name, const char* ownerField,
                                                          Resource& owner) {
  Variables made;
  made.resource = &schema.addResource(name);
  made.owner = &addOwner(schema, *made.resource, ownerField, owner);
  made.name = &addRequiredText(schema, *made.resource, "name");
  made.name->maxLength = 255;
  made.value = &addRequiredText(schema, *made.resource, "value");
  schema.relate(*made.owner, ownerField, name);
  schema.addNaturalKey(*made.resource, {ownerField, "name"});
  return made;
}

void BalenaSchema::addVariables() {
  deviceVariables = addVariableResource("device_environment_variable", "device", *device);
  installVariables =
      addVariableResource("device_service_environment_variable", "service_install", *install);
  fleetVariables = addVariableResource("application_environment_variable", "application", *fleet);
  serviceVariables = addVariableResource("service_environment_variable", "service", *service);
  deviceConfig = addVariableResource("device_config_variable", "device", *device);
  fleetConfig = addVariableResource("application_config_variable", "application", *fleet);

  tag = &schema.addResource("device_tag");
  tagDevice = &addOwner(schema, *tag, "device", *device);
  tagKey = &addRequiredText(schema, *tag, "tag_key");
  tagValue = &addRequiredText(schema, *tag, "value");
  schema.relate(*tagDevice, "device", "device_tag");
  schema.addNaturalKey(*tag, {"device", "tag_key"});
}

void BalenaSchema::findPaths() {
  const auto& resources = schema.resources();
  pathToFleet.resize(resources.size());
  referrers.resize(resources.size());
  for (const auto& resource : resources) {
    for (const auto& field : resource.fields) {
      if (field.target != nullptr && !field.compute)
        referrers[field.target->index].push_back(&field);
    }
    // A row's first owner decides, and its owner's: no resource is its own grand-owner.
    const Resource* at = &resource;
    auto& path = pathToFleet[resource.index];
    while (at != fleet) {
      const Field* owner = nullptr;
      for (const auto& field : at->fields) {
        if (owner == nullptr && field.cascades) owner = &field;
      }
      if (owner == nullptr) break;
      path.push_back(owner);
      at = owner->target;
    }
    if (at != fleet) path.clear();
  }
}

}  // namespace bco::sandbox
