#include "api/detail/specs.h"
#include "core/text.h"

namespace bco::api {

using namespace std::chrono_literals;

DeviceSpec readDeviceSpec(MappingReader spec) {
  DeviceSpec result;
  result.uuid = spec.requiredString("uuid");
  if (!result.uuid.empty() && !isDeviceUuid(result.uuid)) {
    spec.problem("uuid", "expected the full UUID, 32 or 62 lower-case hex digits");
  }
  MappingReader fleet = spec.mapping("fleetRef");
  result.fleet = readName(fleet, "name");
  fleet.finish();
  static constexpr std::pair<std::string_view, DesiredState> kStates[] = {
      {"Present", DesiredState::kPresent}, {"Absent", DesiredState::kAbsent}};
  result.state = spec.choice("state", kStates).value_or(result.state);

  MappingReader keys = spec.mapping("keys");
  result.keys.lifetime = keys.duration("lifetime", 1h);
  result.keys.rotateBefore = keys.duration("rotateBefore", 1min);
  result.keys.renewAfter = keys.time("renewAfter");
  result.keys.revokeBefore = keys.time("revokeBefore");
  if (result.keys.lifetime && result.keys.rotateBefore &&
      *result.keys.rotateBefore >= *result.keys.lifetime) {
    keys.problem("rotateBefore", "must be shorter than lifetime");
  }
  keys.finish();
  result.adoption = spec.choice("adoption", kAdoptions);
  result.deletionPolicy = spec.choice("deletionPolicy", kDeletionPolicies);
  result.suspend = spec.boolean("suspend").value_or(false);
  spec.finish();
  return result;
}

}  // namespace bco::api
