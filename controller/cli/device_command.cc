#include "cli/device_command.h"

#include <iostream>

#include "cli/choose_fleet.h"
#include "cli/commands.h"
#include "cli/session.h"

namespace bco::cli {
namespace {

Status refuseWhatIsDesired(const store::Shared<api::BalenaDevice>& declared,
                           const api::BalenaFleet& fleet) {
  if (declared != nullptr && declared->spec.state == api::DesiredState::kPresent) {
    return fail(ErrorCode::kInvalid,
                "BalenaDevice " + toString(declared->meta.key) +
                    " desires this device, so that the next sync would bring it back: say "
                    "state: Absent in its document instead");
  }
  if (declared == nullptr && fleet.spec.devices == api::DeviceSource::kAll) {
    return fail(ErrorCode::kInvalid,
                "BalenaFleet " + toString(fleet.meta.key) +
                    " has devices: All, so that the next sync may bring it back: declare a "
                    "BalenaDevice with state: Absent for it");
  }
  return {};
}

// Makes the object that the engine is to settle. Errors are for the user.
Status prepare(Session& session, const DeviceOptions& options) {
  store::MemoryStore& store = session.store();
  const auto objects = store.devicesByUuid(options.uuid);
  const store::Shared<api::BalenaDevice> declared = objects.empty() ? nullptr : objects.front();
  auto fleet =
      declared == nullptr
          ? chooseFleet(store, options.fleet, "the files")
          : Result<store::Shared<api::BalenaFleet>>(store.fleets().get(declared->fleetKey()));
  if (!fleet) return fail(std::move(fleet.error()));
  if (declared != nullptr) {
    if (Status same = checkFleet(options.fleet, *declared); !same) return same;
  }
  if (!options.present) {
    if (Status refused = refuseWhatIsDesired(declared, **fleet); !refused) return refused;
  } else if (declared != nullptr && declared->spec.state == api::DesiredState::kAbsent) {
    return fail(ErrorCode::kInvalid, "BalenaDevice " + toString(declared->meta.key) +
                                         " says state: Absent: change that first");
  }
  if (declared != nullptr) return {};
  api::BalenaDevice device;
  device.meta.key = {(*fleet)->meta.key.space, (*fleet)->meta.key.name + "-" + options.uuid};
  device.spec.uuid = options.uuid;
  device.spec.fleet = (*fleet)->meta.key.name;
  device.spec.state = options.present ? api::DesiredState::kPresent : api::DesiredState::kAbsent;
  return store.devices().create(std::move(device));
}

}  // namespace

void tellSettled(const DeviceOptions& options, const DeviceObjects& objects) {
  // Also a mistyped UUID has no registration.
  const bool isKnown = !objects.empty() && !objects.front()->status.deviceName.empty();
  std::cout << options.uuid << (options.present ? " is provisioned" : " is deprovisioned")
            << (isKnown ? "" : "; balena knows no such device") << '\n';
}

int runDevice(const DeviceOptions& options, const std::stop_token& stop) {
  if (options.common.files.empty()) return runDeviceInCluster(options, stop);
  auto session = Session::open(options.common, "warn");
  if (session == nullptr) return kExitBadInput;
  if (const Status prepared = prepare(*session, options); !prepared) {
    std::cerr << prepared.error().message << '\n';
    return kExitBadInput;
  }
  if (const Status locked = session->lockUnlessSeeded(); !locked) {
    std::cerr << locked.error().message << '\n';
    return kExitBadInput;
  }
  const std::jthread limit = session->limitShutdown(stop, options.common.shutdownGrace);
  const Status settled =
      session->engine().settle(options.uuid, session->clock().steadyNow() + options.timeout, stop);
  if (!settled) {
    std::cerr << options.uuid << ": " << settled.error().message << '\n';
    return kExitNotConverged;
  }
  tellSettled(options, session->store().devicesByUuid(options.uuid));
  return kExitDone;
}

}  // namespace bco::cli
