// The promises of DESIGN §4, checked after everything that happens.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "plan/mark.h"
#include "tests/sim/balena.h"
#include "tests/sim/clearblade.h"
#include "tests/sim/cluster.h"
#include "tests/sim/scenario.h"
#include "tests/sim/secrets.h"

namespace bco::sim {

struct Violation {
  std::string invariant;
  std::string what;
};

struct Statistics {
  std::int64_t worlds = 0;
  double deviceMonths = 0;
  std::int64_t publishes = 0;
  std::int64_t refused = 0;      // of a device that nobody has interfered with
  std::int64_t refusedElse = 0;  // after an interference that DESIGN names, until healed
  std::int64_t rotations = 0;
  std::int64_t rotationRequests = 0;
  std::int64_t undisturbedRotations = 0;  // in whose pass every request was answered
  std::int64_t undisturbedRequests = 0;
  std::int64_t restarts = 0;
  std::int64_t calls = 0;
  std::int64_t crashes = 0;
  std::int64_t interferences = 0;
  std::int64_t removals = 0;

  void add(const Statistics& other);
};

// After somebody interfered, and after a request was sent, this long nothing is promised: the hour
// of DESIGN, the minutes a pass may take, and some.
inline constexpr Duration kUnsettled = std::chrono::minutes(75);

class Invariants final : public CallObserver,
                         public BalenaObserver,
                         public RegistryObserver,
                         public Watch<api::BalenaDevice>,
                         public Watch<api::BalenaFleet>,
                         public Watch<api::ClearBladeRegistry> {
 public:
  // `skews`: the operators' clocks may be wrong.
  Invariants(Scheduler& scheduler, Cluster& cluster, Statistics& statistics, bool skews)
      : scheduler_(scheduler), cluster_(cluster), statistics_(statistics), skews_(skews) {}
  void look(const BalenaCloud& balena, const ClearBladeCloud& registry) {
    balena_ = &balena;
    registry_ = &registry;
  }

  [[nodiscard]] const std::optional<Violation>& violation() const { return violation_; }
  void violate(const std::string& invariant, const std::string& what);

  // ── what people do
  // Somebody has interfered with the device: what is stored need not be right until it is again,
  // and not before a while has passed.
  void interfered(const std::string& uuid);
  // Somebody has made a registration by hand.
  void madeByHand(const std::string& numId) { madeAt_[numId] = scheduler_.now(); }
  // Somebody has changed the registration by hand.
  void editedByHand(const std::string& uuid) {
    editedAt_[uuid] = scheduler_.now();
    ++version_;
  }
  // The device has left its fleet, or is back.
  void left(const std::string& uuid) { leftAt_.try_emplace(uuid, scheduler_.now()); }
  void returned(const std::string& uuid);
  // It is in another fleet now, one of ours or not.
  void moved(const std::string& uuid, bool isOurs) {
    movedAt_[uuid] = scheduler_.now();
    if (isOurs) cameAt_[uuid] = scheduler_.now();
  }
  // Somebody has deleted the object of a device, whose registration is to go with it.
  void deletedForGood(const std::string& uuid) { mustGo_.insert(uuid); }
  [[nodiscard]] bool mustGo(const std::string& uuid) const { return mustGo_.contains(uuid); }
  // A person has let the set go that the brake holds: from then on he decides what goes.
  void approved(const api::ObjectKey& fleet) { approved_.insert(fleet); }
  // A fleet's policies were changed.
  void policyChanged() { policyChangedAt_ = scheduler_.now(); }
  // A process has made this key.
  void made(const crypto::PrivateKey& key);
  // A seed or a token, which nobody is to see.
  void hide(std::string_view secret) {
    if (hidden_.emplace(secret).second) secrets_.add(secret);
  }
  // Likewise the key in this value of GCP_PRIVATE_KEY.
  void hideKey(std::string_view variableValue) { secrets_.addKey(variableValue); }
  // A text that processes let out.
  void spoken(std::string_view text);

  // ── what is so
  // The stored key, if any, by its public half.
  [[nodiscard]] std::string publicHalf(const std::string& storedValue);
  // Of what is stored for the device where its fleet says.
  [[nodiscard]] std::string storedKey(const std::string& uuid);
  [[nodiscard]] bool isRegistered(const std::string& uuid, const std::string& publicPem) const;
  // Four right variables, and the key a registered, unexpired credential.
  [[nodiscard]] bool isConnected(const std::string& uuid);
  // Some object desires it, in the fleet where it is.
  [[nodiscard]] bool isWanted(const std::string& uuid) const;
  // The promise holds for it now.
  [[nodiscard]] bool isPromised(const std::string& uuid) {
    return check(uuid), promised_.contains(uuid);
  }
  // Of its own, or of its fleet.
  [[nodiscard]] std::optional<TimePoint> revokeBeforeOf(const api::BalenaDevice& device) const;
  // A credential is left that was to be revoked.
  [[nodiscard]] bool isToBeCut(const std::string& uuid, const Registration& registration) const;
  // Invariant 1, of a device and of all.
  void check(const std::string& uuid);
  void checkAll();
  // What is sent from now on is counted by the first word of its name; sweeps' pages too.
  void countCalls() { counts_.emplace(); }
  [[nodiscard]] std::int64_t callsOf(const std::string& name) const {
    const auto found = counts_->find(name);
    return found == counts_->end() ? 0 : found->second;
  }
  [[nodiscard]] const std::map<std::string, std::int64_t>& callCounts() const { return *counts_; }
  [[nodiscard]] std::int64_t cloudWrites(const std::string& uuid) { return writes_[uuid]; }

  // ── what processes do
  void sent(int process, const Call& call) override;
  void happened() override { checkAll(); }
  void listed(int process, std::int64_t fleetId) override;
  void answered(int process, const Call& call, const Error* error) override;
  void variablesWritten(int process, const std::string& uuid, const std::string& name) override;
  void variablesDeleted(int process, const std::string& uuid, std::int64_t byFleet) override;
  void created(int process, const Registration& registration) override;
  void patching(int process, const Registration& before,
                const clearblade::RegistrationPatch& patch) override;
  void patched(int process, const Registration& before, const Registration& after) override;
  void removing(int process, const Registration& registration) override;
  void removed(int process, const Registration& registration) override;
  void changed(const api::ObjectKey& key, const Shared<api::BalenaDevice>& before,
               const Shared<api::BalenaDevice>& now) override;

  void changed(const api::ObjectKey& key, const Shared<api::BalenaFleet>& before,
               const Shared<api::BalenaFleet>& now) override;
  void changed(const api::ObjectKey& key, const Shared<api::ClearBladeRegistry>& before,
               const Shared<api::ClearBladeRegistry>& now) override;

  // Called when what a device holds need not work any more.
  std::function<void(const std::string& uuid)> cut;
  // Called when the oldest of three credentials in force has given way to a fourth.
  std::function<void(const std::string& uuid, const std::string& publicPem)> gaveWay;
  // Called after a device's variables have changed.
  std::function<void(const std::string& uuid)> variablesChanged;

 private:
  // Of everything that the promises are about, but for the time.
  [[nodiscard]] std::uint64_t stateVersion() const;
  // When the passing of time may change what is so of the device.
  [[nodiscard]] Duration nextChange(const std::string& uuid) const;
  // What holds now holds until a key ends.
  void checkAtEndsOf(const std::vector<clearblade::Credential>& credentials);
  [[nodiscard]] bool isRecent(const std::map<std::string, Duration>& times,
                              const std::string& uuid) const;
  // All objects, with statuses that need not be the latest.
  [[nodiscard]] const std::vector<Shared<api::BalenaDevice>>& devices() const;
  [[nodiscard]] const std::vector<Shared<api::BalenaFleet>>& fleets() const;
  [[nodiscard]] const api::BalenaFleet* fleetOf(std::int64_t fleetId) const;
  [[nodiscard]] bool isExplicit(const api::BalenaDevice& device) const;
  void judgeStaleRemoval(int process, const Registration& registration);
  // So many complete lists has the process read that ended at `since` or later.
  [[nodiscard]] int listsSince(int process, std::int64_t fleetId, Duration since) const;
  void noteCounted(const std::string& uuid, const Registration& registration);
  [[nodiscard]] static bool isOldest(const Mark& mark, const std::string& publicPem);
  void judgeCredentials(const std::string& uuid, const Registration* before,
                        const std::vector<clearblade::Credential>& credentials);

  Scheduler& scheduler_;
  Cluster& cluster_;
  Statistics& statistics_;
  const bool skews_;
  const BalenaCloud* balena_ = nullptr;
  const ClearBladeCloud* registry_ = nullptr;
  std::optional<Violation> violation_;

  std::set<std::string> promised_;
  std::map<std::string, Duration> interferedAt_;
  std::map<std::string, Duration> editedAt_;
  std::map<std::string, Duration> explicitAt_;
  std::map<std::string, Duration> absentAt_;
  std::map<std::string, Duration> movedAt_;
  std::map<std::string, Duration> cameAt_;
  std::map<std::string, Duration> leftAt_;
  std::map<std::string, Duration> returnedAt_;
  std::map<std::string, Duration> goneBefore_;  // how long the returned had been away
  std::set<std::string> mustGo_;
  std::map<std::string, std::int64_t> writes_;
  // When each variable was last written, but for repetitions.
  std::map<std::pair<std::string, std::string>, Duration> writtenAt_;
  // When each process's last two complete lists ended, by fleet; 0: of the registry.
  std::map<std::pair<int, std::int64_t>, std::array<Duration, 2>> lists_;
  // Removals of a fleet's that its day's cap counts, since the world began.
  struct Counted {
    int counted = 0;  // in its status
    int removed = 0;
  };
  std::map<api::ObjectKey, Counted> counted_;
  bool wasToBeCut_ = false;                 // what is being patched
  std::map<std::string, Duration> madeAt_;  // registrations, by number
  Duration policyChangedAt_{0};
  std::set<api::ObjectKey> approved_;
  std::set<std::string> made_;
  std::map<std::string, crypto::Incarnation> createdWith_;  // by public key
  std::set<std::pair<int, std::string>> open_;  // process and target of writes of unknown outcome
  std::unordered_map<std::string, std::string> publicHalves_;
  std::optional<std::map<std::string, std::int64_t>> counts_;
  Secrets secrets_;
  std::set<std::string> hidden_;
  std::uint64_t version_ = 0;
  std::uint64_t checkedVersion_ = ~std::uint64_t{0};
  Duration checkedUntil_{0};
  std::set<Duration> checksAt_;
  // What was checked of a device holds in this state, until then.
  struct Checked {
    std::uint64_t version = ~std::uint64_t{0};
    Duration until{0};
  };
  std::unordered_map<std::string, Checked> checked_;
  mutable std::uint64_t devicesVersion_ = ~std::uint64_t{0};
  mutable std::vector<Shared<api::BalenaDevice>> devices_;
  mutable std::uint64_t fleetsVersion_ = ~std::uint64_t{0};
  mutable std::vector<Shared<api::BalenaFleet>> fleets_;
};

// "balena-<uuid>" → "<uuid>"
[[nodiscard]] inline std::string uuidOfId(const std::string& id) {
  return id.starts_with("balena-") ? id.substr(7) : id;
}

}  // namespace bco::sim
