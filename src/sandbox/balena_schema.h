// balenaCloud's v7 resources, as far as the sandbox has them.
#pragma once

#include <vector>

#include "sandbox/odata_schema.h"

namespace bco::sandbox {

// The pointers are the fields that our own code works with; clients use whatever the schema holds.
struct BalenaSchema {
  BalenaSchema();
  BalenaSchema(const BalenaSchema&) = delete;
  BalenaSchema& operator=(const BalenaSchema&) = delete;

  using Resource = odata::Resource;
  using Field = odata::Field;

  odata::Schema schema;

  Resource* actor = nullptr;
  Resource* user = nullptr;
  Field* userName = nullptr;
  Field* userEmail = nullptr;
  Field* userActor = nullptr;
  Resource* apiKey = nullptr;
  Field* apiKeyName = nullptr;
  Field* apiKeyDescription = nullptr;
  Field* apiKeyExpiry = nullptr;
  Field* apiKeyActor = nullptr;
  Resource* organization = nullptr;
  Field* organizationName = nullptr;
  Field* organizationHandle = nullptr;
  Resource* architecture = nullptr;
  Field* architectureSlug = nullptr;
  Resource* deviceType = nullptr;
  Field* deviceTypeSlug = nullptr;
  Field* deviceTypeName = nullptr;
  Field* deviceTypeArchitecture = nullptr;
  Resource* deviceTypeAlias = nullptr;
  Field* deviceTypeAliasOf = nullptr;
  Field* deviceTypeAliasText = nullptr;

  Resource* fleet = nullptr;
  Field* fleetName = nullptr;
  Field* fleetSlug = nullptr;
  Field* fleetUuid = nullptr;
  Field* fleetOrganization = nullptr;
  Field* fleetDeviceType = nullptr;
  Field* fleetRelease = nullptr;
  Field* fleetTracksLatest = nullptr;
  Field* fleetIsPublic = nullptr;
  Field* fleetIsHost = nullptr;
  Field* fleetIsArchived = nullptr;
  Field* fleetClass = nullptr;
  Field* fleetActor = nullptr;
  Resource* fleetAccess = nullptr;  // stands for "is directly accessible by user"
  Field* fleetAccessFleet = nullptr;
  Resource* service = nullptr;
  Field* serviceName = nullptr;
  Field* serviceFleet = nullptr;
  Resource* release = nullptr;
  Field* releaseCommit = nullptr;
  Field* releaseFleet = nullptr;
  Field* releaseStatus = nullptr;
  Field* releaseSemver = nullptr;
  Field* releaseRawVersion = nullptr;
  Field* releaseIsFinal = nullptr;
  Field* releaseIsInvalidated = nullptr;
  Field* releaseRevision = nullptr;
  Field* releaseSource = nullptr;
  Resource* image = nullptr;
  Field* imageService = nullptr;
  Field* imageStatus = nullptr;
  Resource* releaseImage = nullptr;
  Field* releaseImageRelease = nullptr;
  Field* releaseImageImage = nullptr;

  Resource* device = nullptr;
  Field* deviceUuid = nullptr;
  Field* deviceName = nullptr;
  Field* deviceFleet = nullptr;
  Field* deviceDeviceType = nullptr;
  Field* deviceActor = nullptr;
  Field* deviceIsOnline = nullptr;
  Field* deviceIsConnected = nullptr;
  Field* deviceConnectivityEvent = nullptr;
  Field* deviceVpnEvent = nullptr;
  Field* deviceHeartbeat = nullptr;
  Field* deviceHeartbeatChanged = nullptr;
  Field* deviceRunningRelease = nullptr;
  Field* devicePinnedRelease = nullptr;
  Field* deviceOsVersion = nullptr;
  Field* deviceSupervisorVersion = nullptr;
  Resource* install = nullptr;
  Field* installDevice = nullptr;
  Field* installService = nullptr;
  Resource* imageInstall = nullptr;
  Field* imageInstallDevice = nullptr;
  Field* imageInstallImage = nullptr;
  Field* imageInstallRelease = nullptr;
  Field* imageInstallStatus = nullptr;
  Field* imageInstallDate = nullptr;
  Field* imageInstallProgress = nullptr;

  Resource* tag = nullptr;  // of a device
  Field* tagDevice = nullptr;
  Field* tagKey = nullptr;
  Field* tagValue = nullptr;

  // A kind of variable: who owns it, and its name and value.
  struct Variables {
    Resource* resource = nullptr;
    Field* owner = nullptr;
    Field* name = nullptr;
    Field* value = nullptr;
  };
  Variables deviceVariables;
  Variables installVariables;  // device service variables
  Variables fleetVariables;
  Variables serviceVariables;  // of a service in the whole fleet
  Variables deviceConfig;
  Variables fleetConfig;

  // The references that lead from a row to its fleet, first to last; by Resource::index. Empty for
  // the fleet itself and for what belongs to none.
  std::vector<std::vector<const Field*>> pathToFleet;
  // The references that point at a resource; by its index.
  std::vector<std::vector<const Field*>> referrers;

 private:
  void addPeople();
  void addFleets();
  void addDevices();
  void addVariables();
  Variables addVariableResource(const char* name, const char* ownerField, Resource& owner);
  void findPaths();
};

}  // namespace bco::sandbox
