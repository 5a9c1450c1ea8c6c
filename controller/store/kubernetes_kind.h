// What the Kubernetes API calls each kind.
#pragma once

#include <string>
#include <string_view>

#include "api/device.h"
#include "api/fleet.h"
#include "api/registry.h"
#include "kube/client.h"

namespace bco::store {

inline constexpr std::string_view kVersion = "v1alpha1";

template <class Object>
struct KubernetesKind;

template <>
struct KubernetesKind<api::ClearBladeRegistry> {
  static constexpr kube::Resource kResource{api::kGroup, kVersion, "clearbladeregistries"};
};

template <>
struct KubernetesKind<api::BalenaFleet> {
  static constexpr kube::Resource kResource{api::kGroup, kVersion, "balenafleets"};
};

template <>
struct KubernetesKind<api::BalenaDevice> {
  static constexpr kube::Resource kResource{api::kGroup, kVersion, "balenadevices"};
};

// Selects the objects of one device by their fields; from Kubernetes 1.31 on.
[[nodiscard]] inline std::string deviceSelector(const std::string& uuid) {
  return "spec.uuid=" + uuid;
}

}  // namespace bco::store
