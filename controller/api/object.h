// What every object of ours has, in the shape Kubernetes gives it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/common_text.h"
#include "api/text_map.h"
#include "core/time.h"

namespace bco::api {

inline constexpr std::string_view kGroup = "provisioning.balena-clearblade.io";
inline constexpr std::string_view kApiVersion = "provisioning.balena-clearblade.io/v1alpha1";

inline constexpr std::string_view kFleetLabel = "provisioning.balena-clearblade.io/fleet";
inline constexpr std::string_view kDiscoveredLabel = "provisioning.balena-clearblade.io/discovered";
inline constexpr std::string_view kReconcileAnnotation =
    "provisioning.balena-clearblade.io/reconcile-requested-at";
// A device that the HTTP endpoint has added.
inline constexpr std::string_view kEnrolledLabel = "provisioning.balena-clearblade.io/enrolled";
// "endpoint" where a DELETE has set `state: Absent`, which a POST may undo.
inline constexpr std::string_view kAbsentByAnnotation =
    "provisioning.balena-clearblade.io/absent-by";
inline constexpr std::string_view kReleaseAnnotation = "provisioning.balena-clearblade.io/release";
inline constexpr std::string_view kApproveAnnotation =
    "provisioning.balena-clearblade.io/approve-removals";
inline constexpr std::string_view kFinalizer = "provisioning.balena-clearblade.io/deprovision";

enum class ObjectKind { kRegistry, kFleet, kDevice };
[[nodiscard]] std::string_view nameOf(ObjectKind kind);  // "BalenaDevice"

struct ObjectKey {
  std::string space = "default";  // the namespace
  std::string name;

  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
};
// "default/sensors"
[[nodiscard]] std::string toString(const ObjectKey& key);

struct ObjectMeta {
  ObjectKey key;
  TextMap labels;
  TextMap annotations;
  std::vector<CommonText> finalizers;
  // Set by the store.
  std::string uid;
  std::int64_t generation = 0;        // counts changes of spec
  std::uint64_t resourceVersion = 0;  // counts changes of anything
  std::optional<TimePoint> deletedAt;

  [[nodiscard]] bool isDiscovered() const { return labels.contains(kDiscoveredLabel); }
  [[nodiscard]] bool isEnrolled() const { return labels.contains(kEnrolledLabel); }
  [[nodiscard]] bool hasFinalizer() const;
};

struct Condition {
  CommonText type;
  bool status = false;
  CommonText reason;
  CommonText message;
  std::int64_t observedGeneration = 0;
  TimePoint lastTransition;

  friend bool operator==(const Condition&, const Condition&) = default;
};
using Conditions = std::vector<Condition>;

// Sets or adds a condition; lastTransition moves only when `status` does. True when anything but
// observedGeneration changed.
bool setCondition(Conditions& conditions, const Condition& condition);
[[nodiscard]] const Condition* findCondition(const Conditions& conditions, std::string_view type);

// A Secret's entry: `name` required, `key` has a default by its use.
struct SecretKeyRef {
  std::string name;
  std::string key;

  friend bool operator==(const SecretKeyRef&, const SecretKeyRef&) = default;
};

}  // namespace bco::api
