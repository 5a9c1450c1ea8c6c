// What the Kubernetes API calls each kind, and how its objects are read from
// and written to it.
#pragma once

#include <string>
#include <string_view>

#include "api/json_decode.h"
#include "api/json_encode.h"
#include "kube/client.h"

namespace bco::store {

inline constexpr std::string_view kVersion = "v1alpha1";

template <class Object>
struct KubernetesKind;

template <>
struct KubernetesKind<api::ClearBladeRegistry> {
  static constexpr kube::Resource kResource{api::kGroup, kVersion, "clearbladeregistries"};
  static Result<api::ClearBladeRegistry> decode(std::string_view json) {
    return api::decodeRegistry(json);
  }
};

template <>
struct KubernetesKind<api::BalenaFleet> {
  static constexpr kube::Resource kResource{api::kGroup, kVersion, "balenafleets"};
  static Result<api::BalenaFleet> decode(std::string_view json) { return api::decodeFleet(json); }
};

template <>
struct KubernetesKind<api::BalenaDevice> {
  static constexpr kube::Resource kResource{api::kGroup, kVersion, "balenadevices"};
  static Result<api::BalenaDevice> decode(std::string_view json) { return api::decodeDevice(json); }
};

}  // namespace bco::store
