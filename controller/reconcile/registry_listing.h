// One complete listing of a registry.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/device_uuid.h"
#include "plan/listing.h"

namespace bco {

// Never changes once it is complete; then thread-safe.
class RegistryListing {
 public:
  struct Row {
    DeviceUuid uuid;
    ListedRegistration registration;
  };

  // `ownerId`: of this installation, for what is ours.
  explicit RegistryListing(std::string ownerId) : ownerId_(std::move(ownerId)) {}
  void add(const clearblade::Registration& registration);
  // To be called once, after the last one. `takenAt`: when the first was asked for.
  void complete(TimePoint takenAt);

  // nullptr when none is listed for the device of this UUID.
  [[nodiscard]] const ListedRegistration* find(const std::string& uuid) const;
  // Those with an id as we give it, by ascending UUID.
  [[nodiscard]] std::span<const Row> rows() const { return rows_; }
  // Of all registrations, whatever their ids.
  [[nodiscard]] int total() const { return total_; }
  [[nodiscard]] int owned() const { return owned_; }
  [[nodiscard]] const std::string& ownerId() const { return ownerId_; }
  [[nodiscard]] TimePoint takenAt() const { return takenAt_; }

 private:
  const std::string ownerId_;
  std::vector<Row> rows_;
  int total_ = 0;
  int owned_ = 0;
  TimePoint takenAt_;
};

}  // namespace bco
