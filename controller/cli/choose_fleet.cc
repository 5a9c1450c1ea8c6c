#include "cli/choose_fleet.h"

namespace bco::cli {

Result<store::Shared<api::BalenaFleet>> chooseFleet(store::ObjectStore& store,
                                                    const std::string& name,
                                                    const std::string& where) {
  const auto fleets = store.fleets().list();
  if (fleets.empty()) return fail(ErrorCode::kInvalid, "there is no BalenaFleet in " + where);
  if (name.empty() && fleets.size() == 1) return fleets.front();
  std::string known;
  store::Shared<api::BalenaFleet> found;
  for (const auto& fleet : fleets) {
    if (fleet->meta.key.name == name || toString(fleet->meta.key) == name) {
      if (found != nullptr) {
        return fail(ErrorCode::kInvalid,
                    "several fleets are named " + name + ": say --fleet NAMESPACE/NAME");
      }
      found = fleet;
    }
    known += (known.empty() ? "" : ", ") + toString(fleet->meta.key);
  }
  if (found != nullptr) return found;
  return fail(ErrorCode::kInvalid,
              name.empty()
                  ? "nothing declares this device and there are several fleets in " + where +
                        ": say --fleet NAME, one of " + known
                  : "there is no BalenaFleet " + name + " in " + where + "; there are: " + known);
}

Status checkFleet(const std::string& name, const api::BalenaDevice& declared) {
  if (name.empty() || name == declared.spec.fleet || name == toString(declared.fleetKey())) {
    return {};
  }
  return fail(ErrorCode::kInvalid, "--fleet " + name + ": BalenaDevice " +
                                       toString(declared.meta.key) + " declares this device in " +
                                       toString(declared.fleetKey()));
}

}  // namespace bco::cli
