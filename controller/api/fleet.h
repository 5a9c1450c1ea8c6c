// BalenaFleet: one balena fleet, which of its devices are desired and by which rules their keys
// live.
#pragma once

#include "api/object.h"

namespace bco::api {

enum class Mode { kEnforce, kObserve };
enum class DeviceSource { kDeclared, kAll };
enum class Adoption { kIfKeyMatches, kAlways, kNever };
enum class DeletionPolicy { kRetain, kDelete };
enum class StalePolicy { kReport, kDelete };

// Which of the fleet's devices `devices: All` discovers. Empty lists select everything.
struct Selector {
  std::map<std::string, std::string> tags;         // each must be there with this value
  std::map<std::string, std::string> excludeTags;  // none may be there with this value
  std::vector<std::string> deviceTypes;            // one of these

  friend bool operator==(const Selector&, const Selector&) = default;
};

struct RenewalPace {
  int maxConcurrent = 10;
  Duration window = std::chrono::hours(1);

  friend bool operator==(const RenewalPace&, const RenewalPace&) = default;
};

// When a rotation may restart containers.
struct MaintenanceWindow {
  std::vector<std::string> days;  // "Mon" … "Sun"; empty: every day
  std::string start;              // "02:00"
  Duration duration{};
  std::string timeZone = "UTC";

  friend bool operator==(const MaintenanceWindow&, const MaintenanceWindow&) = default;
};

struct KeyPolicy {
  Duration lifetime = std::chrono::hours(2160);
  Duration rotateBefore = std::chrono::hours(720);
  Duration overlap = std::chrono::hours(168);
  Duration offlineGrace = std::chrono::hours(2160);
  Duration verifyInterval = std::chrono::hours(24);
  std::optional<TimePoint> renewAfter;
  std::optional<TimePoint> revokeBefore;
  RenewalPace renewal;
  std::vector<MaintenanceWindow> windows;

  friend bool operator==(const KeyPolicy&, const KeyPolicy&) = default;
};

struct StaleRules {
  StalePolicy policy = StalePolicy::kReport;
  Duration after = std::chrono::hours(24);
  int maxPerSync = 10;
  int maxPercent = 5;
  int maxPerDay = 50;

  friend bool operator==(const StaleRules&, const StaleRules&) = default;
};

// Calls we may make, per token.
struct FleetBudget {
  double requestsPerSecond = 20;
  int burst = 40;
  int maxInFlight = 8;

  friend bool operator==(const FleetBudget&, const FleetBudget&) = default;
};

struct FleetSpec {
  std::string fleet;  // slug, immutable
  std::string apiUrl = "https://api.balena-cloud.com";
  SecretKeyRef token{.name = {}, .key = "token"};
  std::optional<SecretKeyRef> ca;  // key "ca.crt"
  std::string registry;            // name of the ClearBladeRegistry, immutable
  Mode mode = Mode::kEnforce;
  DeviceSource devices = DeviceSource::kDeclared;
  Selector selector;
  std::optional<std::string> service;  // nullopt: variables go on the device; immutable
  KeyPolicy keys;
  Adoption adoption = Adoption::kIfKeyMatches;
  StaleRules stale;
  DeletionPolicy deletionPolicy = DeletionPolicy::kRetain;
  bool enrol = false;
  Duration syncInterval = std::chrono::minutes(5);
  FleetBudget budget;
  bool suspend = false;

  friend bool operator==(const FleetSpec&, const FleetSpec&) = default;
};

struct DeviceCounts {
  int total = 0;
  int ready = 0;
  int pending = 0;
  int waiting = 0;
  int failed = 0;
  int conflict = 0;
  int suspended = 0;
  int stale = 0;
  int deprovisioning = 0;

  friend bool operator==(const DeviceCounts&, const DeviceCounts&) = default;
};

struct FailingDevice {
  std::string uuid;
  std::string reason;
  std::string message;

  friend bool operator==(const FailingDevice&, const FailingDevice&) = default;
};

// Registrations removed within one hour, of those that `stale.maxPerDay` counts.
struct RemovalHour {
  TimePoint hour;  // its beginning
  int count = 0;

  friend bool operator==(const RemovalHour&, const RemovalHour&) = default;
};

// What the brake says of the registrations whose devices are gone.
struct RemovalStatus {
  bool halted = false;
  int candidates = 0;
  std::string set;  // the hash of exactly these candidates, by which they can be approved
  std::optional<TimePoint> since;
  std::vector<RemovalHour> recent = {};  // by ascending hour; docs/decisions/0008

  friend bool operator==(const RemovalStatus&, const RemovalStatus&) = default;
};

// How far a forced renewal of keys has come, in devices.
struct RenewalStatus {
  int requested = 0;
  int done = 0;

  friend bool operator==(const RenewalStatus&, const RenewalStatus&) = default;
};

struct FleetStatus {
  std::int64_t observedGeneration = -1;
  std::int64_t fleetId = 0;
  DeviceCounts devices;
  std::optional<TimePoint> lastBalenaSync;
  std::optional<TimePoint> lastRegistrySync;
  std::vector<FailingDevice> failing;  // the first five
  RemovalStatus removal;
  RenewalStatus renewal;
  int failureCount = 0;
  std::optional<TimePoint> lastFailureTime;
  std::string lastHandledReconcileAt;
  Conditions conditions;

  friend bool operator==(const FleetStatus&, const FleetStatus&) = default;
};

struct BalenaFleet {
  static constexpr ObjectKind kKind = ObjectKind::kFleet;
  ObjectMeta meta;
  FleetSpec spec;
  FleetStatus status;

  [[nodiscard]] ObjectKey registryKey() const { return {meta.key.space, spec.registry}; }
};

}  // namespace bco::api
