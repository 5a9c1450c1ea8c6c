// Both clouds in memory, behind the program's own seams: small, exact, and able to fail on demand,
// before or after a call has taken effect.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "balena/api.h"
#include "clearblade/api.h"
#include "core/call_terms.h"
#include "core/clock.h"

namespace bco::test {

// Where in a call an error strikes: nothing has happened, or all of it has.
enum class Moment { kBefore, kAfter };

// The calls of one cloud, and which of them fail. Calls are named like the operations:
// "createRegistration"; a single variable's write is "write GCP_PRIVATE_KEY". Thread-safe.
class CallLog {
 public:
  // The next call of this kind fails; said twice, the next two.
  void failNext(const std::string& call, Error error, Moment moment = Moment::kBefore);
  // Every call fails while this is set.
  void failAll(std::optional<Error> error);
  // Sees every call before it takes effect. Set before the first call.
  void onCall(std::function<void(const std::string& call)> watcher);

  [[nodiscard]] std::vector<std::string> calls() const;
  [[nodiscard]] int count(const std::string& call) const;
  // On what terms the last call of this kind was made, if it was on any.
  [[nodiscard]] CallTerms termsOf(const std::string& call) const;
  void forget();

  struct Fault {
    Error error;
    Moment moment;
  };
  // For the clouds: notes a call and says how it is to fail.
  std::optional<Fault> enter(const std::string& call, const CallTerms& terms = {});

 private:
  mutable std::mutex mutex_;  // guards all below but watcher_
  std::vector<std::string> calls_;
  std::map<std::string, CallTerms> terms_;
  std::map<std::string, std::deque<Fault>> faults_;
  std::optional<Error> failAll_;
  std::function<void(const std::string&)> watcher_;
};

// Thread-safe but for devices that a test changes while calls are made.
class FakeBalena final : public balena::BalenaApi {
 public:
  using Variables = std::map<std::string, std::string>;
  struct DeviceRow {
    std::int64_t id = 0;
    std::string uuid;
    std::string name;
    std::string deviceType = "raspberrypi4-64";
    std::int64_t fleetId = 0;
    bool isOnline = true;
    std::optional<TimePoint> lastConnectivityEvent = {};
    std::map<std::string, std::string> tags;
    Variables variables;                                 // of the device
    std::map<std::int64_t, std::int64_t> installs;       // service id → install id
    std::map<std::int64_t, Variables> installVariables;  // by install id
  };

  explicit FakeBalena(Clock& clock) : clock_(clock) {}

  // Services are given ids in order, from fleetId + 1 on.
  void addFleet(std::int64_t id, const std::string& slug,
                const std::vector<std::string>& services = {});
  void removeFleet(const std::string& slug);
  // Has an install of each service of its fleet.
  DeviceRow& addDevice(const std::string& uuid, std::int64_t fleetId);
  void removeDevice(const std::string& uuid);
  [[nodiscard]] DeviceRow& device(const std::string& uuid) { return devices_.at(uuid); }
  [[nodiscard]] CallLog& log() { return log_; }
  void setTokenExpiry(std::optional<TimePoint> expiry) { tokenExpiry_ = expiry; }
  [[nodiscard]] std::optional<TimePoint> tokenExpiry() const override { return tokenExpiry_; }

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
  // nullptr: the parent is not there.
  [[nodiscard]] Variables* variablesOf(const balena::VariableParent& parent);

  Clock& clock_;
  CallLog log_;
  std::mutex mutex_;  // guards all below
  std::map<std::string, balena::Fleet> fleets_;
  std::map<std::string, DeviceRow> devices_;
  std::int64_t lastId_ = 100;
  std::optional<TimePoint> tokenExpiry_;
};

// Thread-safe but for registrations that a test changes while calls are made.
class FakeRegistry final : public clearblade::RegistryApi {
 public:
  explicit FakeRegistry(Clock& clock) : clock_(clock) {}

  // Puts a registration there as somebody else would.
  clearblade::Registration& add(clearblade::NewRegistration made);
  void remove(const std::string& id) { registrations_.erase(id); }
  [[nodiscard]] bool has(const std::string& id) const { return registrations_.contains(id); }
  [[nodiscard]] clearblade::Registration& at(const std::string& id) {
    return registrations_.at(id);
  }
  [[nodiscard]] std::size_t size() const { return registrations_.size(); }
  void setSkew(Duration skew) { skew_ = skew; }
  void setCaCertificates(bool has) { hasCaCertificates_ = has; }
  [[nodiscard]] CallLog& log() { return log_; }

  [[nodiscard]] Result<clearblade::Registry> getRegistry() override;
  [[nodiscard]] Result<TimePoint> listRegistrations(
      const std::function<void(const clearblade::Registration&)>& visit) override;
  [[nodiscard]] Result<clearblade::Registration> getRegistration(
      const std::string& id, const CallTerms& terms = {}) override;
  [[nodiscard]] Result<clearblade::Registration> createRegistration(
      const clearblade::NewRegistration& created, const CallTerms& terms = {}) override;
  [[nodiscard]] Result<clearblade::Registration> patchRegistration(
      const std::string& numId, const clearblade::RegistrationPatch& patch,
      const CallTerms& terms = {}) override;
  [[nodiscard]] Status deleteRegistration(const std::string& numId,
                                          const CallTerms& terms = {}) override;
  [[nodiscard]] Duration clockSkew() const override { return skew_; }

 private:
  [[nodiscard]] clearblade::Registration* byNumber(const std::string& numId);

  Clock& clock_;
  CallLog log_;
  Duration skew_{0};
  std::atomic<bool> hasCaCertificates_{false};
  std::mutex mutex_;  // guards all below
  std::map<std::string, clearblade::Registration> registrations_;
  std::int64_t lastNumber_ = 4710;
};

}  // namespace bco::test
