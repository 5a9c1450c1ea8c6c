// balenaCloud as it is, and a process's client of it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "balena/api.h"
#include "tests/sim/link.h"

namespace bco::sim {

using Variables = std::map<std::string, std::string, std::less<>>;

struct DeviceRow {
  std::int64_t id = 0;
  std::string uuid;
  std::int64_t fleetId = 0;
  bool isRegistered = true;  // false: somebody has deleted it
  bool isOnline = true;
  TimePoint lastConnectivityEvent;
  Variables variables;
  struct Install {
    std::int64_t id = 0;
    Variables variables;
  };
  std::map<std::int64_t, Install> installs;  // by service
};

// Told of what processes do to devices.
class BalenaObserver {
 public:
  virtual ~BalenaObserver() = default;
  virtual void variablesWritten(int process, const std::string& uuid, const std::string& name) = 0;
  // `byFleet`: for which it was asked.
  virtual void variablesDeleted(int process, const std::string& uuid, std::int64_t byFleet) = 0;
};

class BalenaCloud {
 public:
  BalenaCloud(Scheduler& scheduler, Dice& dice, BalenaObserver& observer)
      : scheduler_(scheduler), dice_(dice), observer_(observer) {}

  // One service, "relay", of id + 1.
  void addFleet(std::int64_t id, const std::string& slug);
  void addDevice(const std::string& uuid, std::int64_t fleetId);
  [[nodiscard]] const DeviceRow& device(const std::string& uuid) const {
    return devices_.at(uuid).now;
  }
  // Changes with every change.
  [[nodiscard]] std::uint64_t version() const { return version_; }
  [[nodiscard]] const std::vector<std::string>& uuids() const { return uuids_; }
  [[nodiscard]] bool knows(const std::string& uuid) const { return devices_.contains(uuid); }
  // To be changed: readers may see it as it was for another second.
  [[nodiscard]] DeviceRow& edit(const std::string& uuid);
  // Its service variables vanish.
  void move(const std::string& uuid, std::int64_t fleetId);
  // nullptr: the level is not there.
  [[nodiscard]] static Variables* at(DeviceRow& row, const balena::VariableLevel& level);

  std::string token = "the first token, number 0";
  bool showsNothing = false;  // the token sees no device any more

  // ── what requests do
  [[nodiscard]] Result<balena::Fleet> getFleet(const std::string& slug) const;
  [[nodiscard]] Result<balena::Device> getDevice(const std::string& uuid);
  [[nodiscard]] Status write(int process, const balena::VariableParent& parent,
                             const std::string& name, const std::string& value, bool exists);
  [[nodiscard]] Status remove(int process, std::int64_t byFleet,
                              const balena::VariableParent& parent,
                              const balena::DeleteGuard& guard);
  // Empty: nobody's.
  [[nodiscard]] std::string uuidOf(const balena::VariableParent& parent);
  [[nodiscard]] bool has(const balena::VariableParent& parent, const std::string& name);
  // The devices with an id in [from, to), by id.
  [[nodiscard]] std::vector<balena::FleetDevice> page(std::int64_t fleetId,
                                                      const balena::VariableLevel& level,
                                                      std::int64_t from, std::int64_t to) const;
  [[nodiscard]] std::size_t count(std::int64_t fleetId) const;
  [[nodiscard]] std::int64_t middleId() const { return (100 + lastId_) / 2; }

 private:
  struct Entry {
    DeviceRow now;
    DeviceRow before;
    Duration changedAt{-10000};
  };
  // The row and variables of a parent.
  [[nodiscard]] Entry* find(const balena::VariableParent& parent);
  [[nodiscard]] static Variables* at(DeviceRow& row, const balena::VariableParent& parent);
  Entry& touch(Entry& entry);
  // As a read shows it.
  [[nodiscard]] const DeviceRow& seen(const Entry& entry) const;

  Scheduler& scheduler_;
  Dice& dice_;
  BalenaObserver& observer_;
  std::map<std::string, balena::Fleet> fleets_;
  std::map<std::string, Entry> devices_;
  std::vector<std::string> uuids_;  // of them
  std::int64_t lastId_ = 100;
  std::uint64_t version_ = 0;
};

class BalenaClient final : public balena::BalenaApi {
 public:
  // For this fleet's object.
  BalenaClient(BalenaCloud& cloud, Link& link, int process, std::int64_t fleetId, std::string token)
      : cloud_(cloud),
        link_(link),
        process_(process),
        fleetId_(fleetId),
        token_(std::move(token)) {}

  [[nodiscard]] Result<balena::Fleet> getFleet(const std::string& slug) override;
  [[nodiscard]] Result<TimePoint> listFleet(std::int64_t fleetId,
                                            const balena::VariableLevel& level, bool withTags,
                                            balena::FleetVisitor& visitor) override;
  [[nodiscard]] Result<balena::Device> getDevice(const std::string& uuid,
                                                 const CallTerms& terms = {}) override;
  [[nodiscard]] std::vector<Status> writeVariables(const balena::VariableParent& parent,
                                                   std::span<const balena::VariableWrite> writes,
                                                   const CallTerms& terms = {}) override;
  [[nodiscard]] Result<bool> hasVariable(const balena::VariableParent& parent,
                                         std::string_view name,
                                         const CallTerms& terms = {}) override;
  [[nodiscard]] Status deleteVariables(const balena::VariableParent& parent,
                                       const balena::DeleteGuard& guard,
                                       const CallTerms& terms = {}) override;

 private:
  BalenaCloud& cloud_;
  Link& link_;
  const int process_;
  const std::int64_t fleetId_;
  const std::string token_;
};

}  // namespace bco::sim
