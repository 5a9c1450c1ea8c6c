// What the last listing of a registry says of a registration. Hints choose the order of calls; they
// never justify a write.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "core/device_uuid.h"
#include "reconcile/registry_listing.h"

namespace bco {

enum class Hint { kUnknown, kAbsent, kPresent };

// Thread-safe.
class RegistrationHints {
 public:
  // Of the registration for the device of this UUID.
  [[nodiscard]] Hint of(const std::string& uuid) const;
  // What was noted since it was taken stays.
  void replace(std::shared_ptr<const RegistryListing> listing);
  // What a call of ours has just shown, or left open.
  void note(const std::string& uuid, Hint hint, TimePoint at);

 private:
  struct Noted {
    Hint hint;
    TimePoint at;
  };
  mutable std::mutex mutex_;  // guards all below
  std::shared_ptr<const RegistryListing> listing_;
  std::unordered_map<DeviceUuid, Noted> noted_;  // since the listing
};

}  // namespace bco
