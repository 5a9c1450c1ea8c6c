// ClearBladeRegistry: one registry, how to reach it and how much of its budget we may use.
#pragma once

#include "api/object.h"

namespace bco::api {

// Calls we may make, per project.
struct RegistryBudget {
  int createDeletePerMinute = 3000;
  int updatesPerMinute = 3000;
  int readsPerMinute = 30000;
  int maxInFlight = 16;

  friend bool operator==(const RegistryBudget&, const RegistryBudget&) = default;
};

struct RegistrySpec {
  std::string project;   // immutable
  std::string region;    // immutable
  std::string registry;  // immutable
  SecretKeyRef serviceAccount{.name = {}, .key = "service-account.json"};
  std::optional<SecretKeyRef> ca;      // key "ca.crt"
  std::optional<std::string> ownerId;  // required standalone
  SecretKeyRef keySeed{.name = "bco-key-seed", .key = "seed"};
  RegistryBudget budget;

  friend bool operator==(const RegistrySpec&, const RegistrySpec&) = default;
};

struct RegistryStatus {
  std::int64_t observedGeneration = -1;
  std::string ownerId;
  int total = 0;
  int owned = 0;
  int foreign = 0;
  std::optional<TimePoint> lastCompleteSync;
  int failureCount = 0;
  std::optional<TimePoint> lastFailureTime;
  std::string lastHandledReconcileAt;
  Conditions conditions;

  friend bool operator==(const RegistryStatus&, const RegistryStatus&) = default;
};

struct ClearBladeRegistry {
  static constexpr ObjectKind kKind = ObjectKind::kRegistry;
  ObjectMeta meta;
  RegistrySpec spec;
  RegistryStatus status;

  // "projects/<project>/locations/<region>/registries/<registry>"
  [[nodiscard]] std::string path() const {
    return "projects/" + spec.project + "/locations/" + spec.region + "/registries/" +
           spec.registry;
  }
};

}  // namespace bco::api
