// balenaCloud's rows and the rules by which they hang together: ids, times, cascades, and the
// service installs that come with a release.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "sandbox/balena_schema.h"
#include "sandbox/odata_query.h"
#include "sandbox/odata_store.h"

namespace bco::sandbox {

// Not thread-safe.
class BalenaStore {
 public:
  using Resource = odata::Resource;
  using Field = odata::Field;
  using Row = odata::Row;
  using Value = odata::Value;

  BalenaStore(std::function<TimePoint()> now, std::uint64_t seed);

  BalenaSchema names;

  [[nodiscard]] const odata::Store& rows() const { return store_; }
  // The rows as clients see them: as they were `staleness` ago.
  [[nodiscard]] const odata::Store& rowsForReading();
  [[nodiscard]] TimePoint now() const { return now_(); }

  // A new row with its id and times; put() it when it is filled.
  [[nodiscard]] Row newRow(const Resource& resource);
  // An actor is nothing but its number.
  [[nodiscard]] std::int64_t newActor() { return nextId(*names.actor); }
  void put(const Resource& resource, Row row);
  // The same, with a new modified_at.
  void update(const Resource& resource, Row row);
  // With everything that belongs to it.
  void erase(const Resource& resource, std::int64_t id);

  // nullptr when there is none.
  [[nodiscard]] const Row* find(const Resource& resource, std::int64_t id) const {
    return store_.find(resource, id);
  }
  [[nodiscard]] const Row* findDevice(std::string_view uuid) const;
  [[nodiscard]] const Row* findFleet(std::string_view slug) const;
  [[nodiscard]] const Row* findService(std::int64_t fleet, std::string_view name) const;
  [[nodiscard]] const Row* findInstall(std::int64_t device, std::int64_t service) const;
  // A variable by its owner and name.
  [[nodiscard]] const Row* findVariable(const BalenaSchema::Variables& kind, std::int64_t owner,
                                        std::string_view name) const;
  // The row's fleet; 0 when it belongs to none.
  [[nodiscard]] std::int64_t fleetOf(const odata::Store& store, const Resource& resource,
                                     const Row& row) const;
  // Pin, else the fleet's target; 0: none.
  [[nodiscard]] std::int64_t targetReleaseOf(const Row& device) const;
  // The services of a release with their images.
  struct Part {
    std::int64_t service = 0;
    std::int64_t image = 0;
  };
  [[nodiscard]] std::vector<Part> partsOf(std::int64_t release) const;

  // Makes the installs of the device's target release, now or when the delay has passed.
  void assignRelease(std::int64_t device);
  // Its installs and service variables go; those of the new fleet come. Nothing comes back later.
  void moveDevice(std::int64_t device, std::int64_t fleet);
  // Does what has fallen due. Call it first in every entry.
  void settle();

  void setInstallDelay(std::optional<Duration> delay) { installDelay_ = delay; }
  void setStaleness(Duration staleness);

  [[nodiscard]] std::uint64_t random();
  [[nodiscard]] std::string randomHex(std::size_t digits);
  [[nodiscard]] std::string randomAlphanumeric(std::size_t characters);
  [[nodiscard]] odata::Shuffle& shuffle() { return random_; }

 private:
  [[nodiscard]] std::int64_t nextId(const Resource& resource);
  void install(std::int64_t device);

  struct PendingChange {
    TimePoint due;
    odata::Change change;
  };

  std::function<TimePoint()> now_;
  odata::Store store_;
  odata::Shuffle random_;
  std::vector<std::int64_t> lastIds_;  // by Resource::index
  std::optional<Duration> installDelay_ = Duration(0);
  std::multimap<TimePoint, std::int64_t> pendingInstalls_;  // due time and device

  // The reader's side, while staleness is asked for: a copy, and what it has yet to learn.
  Duration staleness_{0};
  std::optional<odata::Store> replica_;
  std::deque<PendingChange> pendingChanges_;
};

}  // namespace bco::sandbox
