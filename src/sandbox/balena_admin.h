// The administrator's side of the emulated balenaCloud: see BalenaCloud for what each does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/balena_cloud.h"
#include "sandbox/balena_notices.h"
#include "sandbox/balena_store.h"

namespace bco::sandbox {

class BalenaAdmin {
 public:
  BalenaAdmin(BalenaStore& store, const BalenaHooks& hooks) : store_(store), hooks_(hooks) {}

  Status addFleet(const FleetSpec& spec);
  Status renameFleet(std::string_view slug, std::string_view newSlug);
  Status addService(std::string_view fleet, std::string_view service);
  Status release(std::string_view fleet);
  Result<std::string> addDevice(const DeviceSpec& spec);
  Status moveDevice(std::string_view uuid, std::string_view fleet);
  Status setOnline(std::string_view uuid, bool online);
  Status setTag(std::string_view uuid, std::string_view key, std::string_view value);
  Status removeTag(std::string_view uuid, std::string_view key);
  Status setVariable(std::string_view uuid, std::string_view service, std::string_view name,
                     std::string_view value);
  Status removeVariable(std::string_view uuid, std::string_view service, std::string_view name);
  Status setFleetVariable(std::string_view fleet, std::string_view service, std::string_view name,
                          std::string_view value);

  // The row of a device's variable, or of its tag; nullptr when there is none.
  [[nodiscard]] const odata::Row* variable(std::string_view uuid, std::string_view service,
                                           std::string_view name) const;

 private:
  using Row = odata::Row;
  // Where a device's variables for `service` ("": for all) hang.
  struct Place {
    const BalenaSchema::Variables* kind = nullptr;
    std::int64_t owner = 0;
  };
  [[nodiscard]] Result<Place> placeOf(std::string_view uuid, std::string_view service) const;
  std::int64_t organization(std::string_view handle);
  std::int64_t deviceType(std::string_view slug);
  void makeRelease(std::int64_t fleet);
  void put(const Place& place, std::string_view name, std::string_view value);

  BalenaStore& store_;
  const BalenaHooks& hooks_;
};

}  // namespace bco::sandbox
