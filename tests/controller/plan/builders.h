// Desired and observed devices for the planner's tests, said in a few words; and what a plan comes
// to, in one line.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "plan/key_schedule.h"
#include "plan/plan.h"

namespace bco::test {

inline const std::string kUuid = "7cf02a69e4d34c9da573914963cf54fd";
inline const TimePoint kNow = *parseRfc3339("2026-11-23T08:00:00Z");
inline const std::string kRegistryPath = "projects/p/locations/us-central1/registries/r";
inline const std::string kDevicePath = kRegistryPath + "/devices/balena-" + kUuid;
inline constexpr std::int64_t kFleetId = 2000001;
inline constexpr std::int64_t kOtherFleetId = 2000002;
inline constexpr std::int64_t kDeviceId = 42;

inline constexpr Duration days(int n) { return std::chrono::hours(24 * n); }

struct TestKey {
  std::string pem;
  std::string fingerprint;
};
// Key 0, 1, … : always the same ones. By convention key n is generation n of the device.
const TestKey& testKey(int number);
// -1 for a credential that is none of them.
int numberOf(const clearblade::Credential& credential);

// Present, in fleet kFleetId, variables on the device, owner "site-a", every policy at its default.
DesiredDevice desiredDevice();

// An observed device; without a word it is in our fleet, has no variable and no registration.
class Observed {
 public:
  Observed();

  Observed& stores(int key);       // GCP_PRIVATE_KEY is this key
  Observed& storesNonsense();      // GCP_PRIVATE_KEY is no key at all
  Observed& hasPublicVariables();  // the other three are as they must be
  Observed& variable(std::string_view name, std::string value);

  Observed& registered();  // a registration without credentials and mark
  Observed& credential(int key, std::optional<TimePoint> expiresAt = kNow + days(60));
  Observed& foreignCredential();  // no key that we could read
  Observed& marked(std::string owner = "site-a", std::int64_t fleetId = kFleetId);
  Observed& lists(int key, TimePoint issuedAt = kNow - days(10));  // in the mark
  Observed& derivable();                                           // the newest key is
  Observed& metadata(std::string key, std::string value);

  Observed& skewed(Duration skew);
  Observed& offlineSince(std::optional<TimePoint> lastContact);
  Observed& inFleet(std::int64_t fleetId);
  Observed& withoutDevice();
  Observed& withoutTarget();
  // The same variables again, at another level of the device.
  Observed& otherLevel(std::int64_t serviceInstallId, std::string clientPath);

  // With the mark also in the metadata, as a read has it.
  [[nodiscard]] ObservedDevice get() const;

 private:
  ObservedDevice observed_;
};

// Steps joined by " | ": "create key 0 | write GCP_CLIENT_PATH, GCP_PRIVATE_KEY=0",
// "keep 1,2 add 3 | write GCP_PRIVATE_KEY=3", "mark", "delete 4711", "unset 4711".
std::string outline(const Plan& plan);

// The step of this type; fails the test when there is none.
template <class Wanted>
Wanted stepOf(const Plan& plan) {
  for (const Step& step : plan.steps) {
    if (const auto* found = std::get_if<Wanted>(&step)) return *found;
  }
  throw std::logic_error("no such step in: " + outline(plan));
}

}  // namespace bco::test
