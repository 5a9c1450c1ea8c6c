#include "sandbox/balena_state.h"

#include "sandbox/balena_reply.h"

namespace bco::sandbox {
namespace {

using odata::appendJsonString;
using odata::idOf;
using odata::Row;
using odata::textOf;
using Environment = std::map<std::string, std::string>;

void merge(Environment& environment, const BalenaStore& store, const BalenaSchema::Variables& kind,
           std::int64_t owner) {
  for (const auto id : store.rows().pointingAt(*kind.owner, owner)) {
    const Row* row = store.find(*kind.resource, id);
    environment[*textOf(row->values[kind.name->column])] = *textOf(row->values[kind.value->column]);
  }
}

void appendEnvironment(std::string& out, const Environment& environment) {
  out += '{';
  bool first = true;
  for (const auto& [name, value] : environment) {
    if (!first) out += ',';
    first = false;
    appendJsonString(out, name);
    out += ':';
    appendJsonString(out, value);
  }
  out += '}';
}

// Later ones win: fleet, fleet service, device, device service. Images bring none here.
TargetService serviceOf(const BalenaStore& store, const Row& device, std::int64_t service) {
  const auto& names = store.names;
  TargetService made;
  made.id = service;
  made.name = *textOf(store.find(*names.service, service)->values[names.serviceName->column]);
  merge(made.environment, store, names.fleetVariables,
        idOf(device.values[names.deviceFleet->column]));
  merge(made.environment, store, names.serviceVariables, service);
  merge(made.environment, store, names.deviceVariables, device.id());
  if (const Row* install = store.findInstall(device.id(), service)) {
    merge(made.environment, store, names.installVariables, install->id());
  }
  return made;
}

std::string toJson(const BalenaStore& store, const Row& device, const TargetState& state) {
  const auto& names = store.names;
  const Row& fleet = *store.find(*names.fleet, state.fleetId);
  std::string out = "{";
  appendJsonString(out, *textOf(device.values[names.deviceUuid->column]));
  out += ":{\"name\":";
  odata::appendJson(out, device.values[names.deviceName->column]);
  out += ",\"apps\":{";
  appendJsonString(out, *textOf(fleet.values[names.fleetUuid->column]));
  out += ":{\"id\":" + std::to_string(state.fleetId) + ",\"name\":";
  odata::appendJson(out, fleet.values[names.fleetName->column]);
  out += ",\"is_host\":false,\"class\":\"fleet\",\"releases\":{";
  if (!state.commit.empty()) {
    appendJsonString(out, state.commit);
    const std::int64_t release = store.targetReleaseOf(device);
    out += ":{\"id\":" + std::to_string(release) + ",\"services\":{";
    bool first = true;
    const auto parts = store.partsOf(release);
    for (std::size_t i = 0; i < state.services.size(); ++i) {
      const auto& service = state.services[i];
      if (!first) out += ',';
      first = false;
      appendJsonString(out, service.name);
      out += ":{\"id\":" + std::to_string(service.id) +
             ",\"image_id\":" + std::to_string(parts[i].image) +
             ",\"image\":\"registry2.balena-cloud.com/v2/image-" + std::to_string(parts[i].image) +
             "\",\"environment\":";
      appendEnvironment(out, service.environment);
      out += ",\"labels\":{}}";
    }
    out += "},\"volumes\":{}}";
  }
  out += "}}},\"config\":";
  appendEnvironment(out, state.config);
  out += "}}";
  return out;
}

TargetState stateOf(const BalenaStore& store, const Row& device) {
  const auto& names = store.names;
  TargetState state;
  state.fleetId = idOf(device.values[names.deviceFleet->column]);
  const Row* fleet = store.find(*names.fleet, state.fleetId);
  state.fleetSlug = *textOf(fleet->values[names.fleetSlug->column]);
  // Never below the cloud's own default, whatever is configured.
  state.config["RESIN_SUPERVISOR_POLL_INTERVAL"] = "600000";
  merge(state.config, store, names.fleetConfig, state.fleetId);
  merge(state.config, store, names.deviceConfig, device.id());
  if (const std::int64_t release = store.targetReleaseOf(device); release != 0) {
    state.commit =
        *textOf(store.find(*names.release, release)->values[names.releaseCommit->column]);
    for (const auto& part : store.partsOf(release)) {
      state.services.push_back(serviceOf(store, device, part.service));
    }
  }
  return state;
}

}  // namespace

std::optional<TargetState> targetStateOf(const BalenaStore& store, std::string_view uuid) {
  const Row* device = store.findDevice(uuid);
  if (device == nullptr) return std::nullopt;
  auto state = stateOf(store, *device);
  state.etag = weakEtag(toJson(store, *device, state));
  return state;
}

std::string targetStateJson(const BalenaStore& store, std::string_view uuid) {
  const Row* device = store.findDevice(uuid);
  return device == nullptr ? "" : toJson(store, *device, stateOf(store, *device));
}

}  // namespace bco::sandbox
