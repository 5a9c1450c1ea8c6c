// What the program needs of balenaCloud, and in what shape. The seam: the real client is
// balena/client.h, simulations bring their own.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/call_terms.h"
#include "core/result.h"
#include "core/secret.h"

namespace bco::balena {

// The four variables a device needs, in the order in which a careful writer writes them: the key
// last, because a consumer takes "all four present" as registered.
inline constexpr std::string_view kClientPath = "GCP_CLIENT_PATH";
inline constexpr std::string_view kDataTopicRoot = "GCP_DATA_TOPIC_ROOT";
inline constexpr std::string_view kProjectId = "GCP_PROJECT_ID";
inline constexpr std::string_view kPrivateKey = "GCP_PRIVATE_KEY";
inline constexpr std::array kVariableNames = {kClientPath, kDataTopicRoot, kProjectId, kPrivateKey};

struct Service {
  std::int64_t id = 0;
  std::string name;
};

struct Fleet {
  std::int64_t id = 0;
  std::string slug;
  std::vector<Service> services;
  bool hasRelease = false;  // should_be_running__release is set: devices get service_installs
};

// Where a device's variables live: on the device, or on one service of it.
struct VariableLevel {
  std::optional<std::int64_t> serviceId;  // nullopt: device variables
};

// A device as a fleet listing shows it. Holds no secret.
struct FleetDevice {
  std::int64_t id = 0;
  std::string uuid;
  std::string name;
  std::string deviceType;
  std::map<std::string, std::string> tags;  // if they were asked for
  // Service level only: the device × service row; nullopt until the device has been assigned a
  // release with that service. Without it the variables can't be written.
  std::optional<std::int64_t> serviceInstallId = std::nullopt;
  // The three public variables at the fleet's level that are set.
  std::map<std::string, std::string, std::less<>> publicVariables;
  bool hasPrivateKey = false;  // by the anti-join: some GCP_PRIVATE_KEY is stored at that level
};

// Takes in a fleet's devices as they are listed: a fleet may be larger than what anybody wants to
// hold of it.
class FleetVisitor {
 public:
  virtual ~FleetVisitor() = default;
  // What was told so far was not the whole: the list begins anew.
  virtual void restart() = 0;
  // By ascending id.
  virtual void visit(const FleetDevice& device) = 0;
};

struct StoredVariable {
  std::string name;
  SecretBytes value;
};

struct ServiceInstall {
  std::int64_t id = 0;
  std::int64_t serviceId = 0;
  std::vector<StoredVariable> variables;  // of our four names only
  std::string serviceName = {};           // printable(); for people
};

// One device with all it holds of our four variables, at both levels.
struct Device {
  std::int64_t id = 0;
  std::string uuid;
  std::string name;  // printable(): anybody with the device's API key may choose it
  std::int64_t fleetId = 0;
  bool isOnline = false;
  std::optional<TimePoint> lastConnectivityEvent;
  std::vector<StoredVariable> deviceVariables;  // of our four names only
  std::vector<ServiceInstall> installs;
};

// Where to write: exactly one of the two ids.
struct VariableParent {
  std::optional<std::int64_t> deviceId = std::nullopt;
  std::optional<std::int64_t> serviceInstallId = std::nullopt;
};

struct VariableWrite {
  std::string name;
  SecretBytes value;
  // Whether an observation of this pass saw the row: decides PATCH or POST.
  bool exists = false;
};

// What DELETE of the four variables is restricted to, in its filter, besides the parent: a guard
// against deleting what belongs to another registration or fleet.
struct DeleteGuard {
  std::int64_t deviceId = 0;
  std::int64_t fleetId = 0;  // the device must (still) be in this fleet
  std::string clientPath;    // GCP_CLIENT_PATH must (still) be this
};

// Thread-safe; blocks. Every operation can return kUnauthenticated (confirmed by whoami),
// kThrottled, kUnavailable, kDeadline and kInternal; others are named where they mean something.
// Overrides repeat the default terms.
class BalenaApi {
 public:
  virtual ~BalenaApi() = default;

  // kNotFound: no fleet of that slug that the token can see.
  [[nodiscard]] virtual Result<Fleet> getFleet(const std::string& slug) = 0;

  // Tells `visitor` of all devices of the fleet, with their three public variables at `level`, who
  // lacks the key and, if `withTags`, their tags: whatever is on a device can be large. Returns
  // when the first of it was asked for. kInternal when the rows disagree with $count, or
  // when one device alone is more than we take (answerTooLarge). After an error, what was visited
  // is a part of unknown size.
  [[nodiscard]] virtual Result<TimePoint> listFleet(std::int64_t fleetId,
                                                    const VariableLevel& level, bool withTags,
                                                    FleetVisitor& visitor) = 0;

  // kNotFound: no such device, or none that the token can see.
  [[nodiscard]] virtual Result<Device> getDevice(const std::string& uuid,
                                                 const CallTerms& terms = {}) = 0;

  // Sends all writes in parallel, one result for each. kAlreadyExists: the row appeared meanwhile;
  // kConflict: the parent is not there (any more): observe again. A PATCH that matched nothing is
  // not seen as such: the next observation does.
  [[nodiscard]] virtual std::vector<Status> writeVariables(const VariableParent& parent,
                                                           std::span<const VariableWrite> writes,
                                                           const CallTerms& terms = {}) = 0;

  // Whether `parent` has a variable of this name. Its value is not read.
  [[nodiscard]] virtual Result<bool> hasVariable(const VariableParent& parent,
                                                 std::string_view name,
                                                 const CallTerms& terms = {}) = 0;

  // Removes those of our four variables under `parent` that the guard allows, in one request.
  // Succeeds when there are none.
  [[nodiscard]] virtual Status deleteVariables(const VariableParent& parent,
                                               const DeleteGuard& guard,
                                               const CallTerms& terms = {}) = 0;

  // Asks when the token ends, unless that was learnt a moment ago. That it can't be learnt is no
  // failure.
  virtual void learnTokenExpiry() {}
  // As learnt; nullopt: never, or unknown. No call is made.
  [[nodiscard]] virtual std::optional<TimePoint> tokenExpiry() const { return std::nullopt; }
};

}  // namespace bco::balena
