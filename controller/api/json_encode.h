// From objects of ours to what the API server is sent.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "api/device.h"
#include "api/fleet.h"
#include "api/registry.h"
#include "kube/client.h"

namespace bco::api {

// The manifest of a new device: metadata and, of its spec, what is not the default. It says nothing
// of uid and version, which the server gives, of status, which a create ignores, or of finalizers:
// what a create has set, no application removes. `owner`: the fleet that has discovered it, and
// whose end is the object's; nullptr if none.
[[nodiscard]] std::string encodeDevice(const BalenaDevice& device, const ObjectMeta* owner);

// What makes `status` the status of `object`, to be applied to its subresource "status": whole,
// without what is absent, times to the second, messages cut to what the schemas allow. Two
// statuses are the same to the server if these are. `ifUnchanged`: only if nobody has changed the
// object since it was read.
[[nodiscard]] kube::Application applyStatus(const BalenaDevice& object, const DeviceStatus& status,
                                            bool ifUnchanged);
[[nodiscard]] kube::Application applyStatus(const BalenaFleet& object, const FleetStatus& status,
                                            bool ifUnchanged);
[[nodiscard]] kube::Application applyStatus(const ClearBladeRegistry& object,
                                            const RegistryStatus& status, bool ifUnchanged);

// What adds our finalizer to an object, or removes it; those of others stay. It is still there in
// the server's answer if somebody else has set it as well: with an exported object that was applied
// again, or one restored from a backup. Then withoutFinalizer() removes it.
[[nodiscard]] kube::Application applyFinalizer(ObjectKind kind, const ObjectMeta& meta,
                                               bool present);

// A merge patch that sets and removes (nullopt) labels, if nobody has changed the object since it
// was `meta`: kConflict then.
[[nodiscard]] std::string withLabels(
    const ObjectMeta& meta, const std::map<std::string, std::optional<std::string>>& changes);

// A merge patch that removes our finalizer whoever has set it, if nobody has changed the object
// since it was `meta`: kConflict then, for it names all the finalizers that stay.
[[nodiscard]] std::string withoutFinalizer(const ObjectMeta& meta);

// A merge patch for what somebody outside asks of a device: `state`, a look at once by the value of
// the request annotation, and who has made it absent (empty: nobody; nullopt: what it says now).
// It names the object's uid, so that no successor of the same name is changed.
[[nodiscard]] std::string encodeDemand(const BalenaDevice& seen, DesiredState state,
                                       std::string_view request,
                                       std::optional<std::string_view> absentBy);

}  // namespace bco::api
