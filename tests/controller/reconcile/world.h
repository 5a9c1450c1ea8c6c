// One registry, one fleet and two clouds in memory, with everything of the engine but its threads.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <sstream>

#include "crypto/keys.h"
#include "plan/key_schedule.h"
#include "reconcile/engine.h"
#include "store/memory_store.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_clouds.h"
#include "tests/support/fake_random.h"

namespace bco::test {

inline constexpr std::int64_t kFleetId = 2000001;
inline constexpr std::int64_t kOtherFleetId = 2000002;
inline const api::ObjectKey kFleetKey{"default", "sensors"};
inline const api::ObjectKey kOtherFleetKey{"default", "gateways"};

// The n-th device's UUID.
inline std::string uuidOf(int n) {
  std::string digits = "0000" + std::to_string(n);
  return "7cf02a69e4d34c9da573914963cf" + digits.substr(digits.size() - 4);
}

inline std::string idOf(int n) { return "balena-" + uuidOf(n); }

class FakeFactory final : public CloudFactory {
 public:
  FakeFactory(std::shared_ptr<FakeBalena> balena, std::shared_ptr<FakeRegistry> registry)
      : balena_(std::move(balena)), registry_(std::move(registry)) {}
  [[nodiscard]] Result<std::shared_ptr<balena::BalenaApi>> connectBalena(
      const api::BalenaFleet& fleet, SharedSecret token,
      const std::optional<std::string>&) override {
    if (const auto other = others_.find(fleet.spec.apiUrl); other != others_.end()) {
      return other->second;
    }
    lastToken_ = std::move(token);
    return balena_;
  }
  [[nodiscard]] Result<std::shared_ptr<clearblade::RegistryApi>> connectRegistry(
      const api::ClearBladeRegistry&, SharedSecret, const std::optional<std::string>&) override {
    return registry_;
  }

  [[nodiscard]] std::string smallerBudget(api::ObjectKind kind,
                                          const api::ObjectKey& key) const override {
    const auto found = smaller_.find({kind, key});
    return found == smaller_.end() ? std::string() : found->second;
  }
  void setSmallerBudget(api::ObjectKind kind, const api::ObjectKey& key, std::string smaller) {
    smaller_[{kind, key}] = std::move(smaller);
  }

  // Another balena cloud, at this apiUrl.
  void addBalena(const std::string& apiUrl, std::shared_ptr<FakeBalena> balena) {
    others_[apiUrl] = std::move(balena);
  }

  [[nodiscard]] std::string lastToken() const { return std::string(lastToken_->reveal()); }

 private:
  std::shared_ptr<FakeBalena> balena_;
  std::shared_ptr<FakeRegistry> registry_;
  std::map<std::string, std::shared_ptr<FakeBalena>> others_;
  SharedSecret lastToken_;
  std::map<std::pair<api::ObjectKind, api::ObjectKey>, std::string> smaller_;
};

// "Warning Retained gate-1"
class FakeEvents final : public EventSink {
 public:
  void event(api::ObjectKind, const api::ObjectMeta& object, EventType type,
             std::string_view reason, const std::string&) override {
    std::lock_guard lock(mutex_);
    seen_.push_back(std::string(type == EventType::kNormal ? "Normal " : "Warning ") +
                    std::string(reason) + " " + object.key.name);
  }
  [[nodiscard]] std::vector<std::string> seen() const {
    std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> seen_;
};

class World : public testing::Test {
 protected:
  World() {
    balena().addFleet(kFleetId, "acme/sensors", {"main", "relay"});
    balena().addFleet(kOtherFleetId, "acme/gateways");
    manifests_.registries[{"default", "main"}] = [] {
      api::ClearBladeRegistry registry;
      registry.meta.key.name = "main";
      registry.spec.project = "p";
      registry.spec.region = "us-central1";
      registry.spec.registry = "r";
      registry.spec.ownerId = "site-a";
      registry.spec.serviceAccount.name = "clearblade";
      return registry;
    }();
    addSecret("clearblade", "service-account.json", "{}");
    addSecret("balena", "token", "S3CRET-token");
    addSecret("bco-key-seed", "seed", std::string(crypto::kSeedBytes, '*'));
    manifests_.fleets[kFleetKey] = fleetNamed(kFleetKey.name, "acme/sensors");
  }

  static api::BalenaFleet fleetNamed(const std::string& name, const std::string& slug) {
    api::BalenaFleet fleet;
    fleet.meta.key.name = name;
    fleet.spec.fleet = slug;
    fleet.spec.registry = "main";
    fleet.spec.token.name = "balena";
    return fleet;
  }
  static api::BalenaDevice deviceOf(int n, const std::string& fleet = kFleetKey.name) {
    api::BalenaDevice device;
    device.meta.key.name = "gate-" + std::to_string(n);
    device.spec.uuid = uuidOf(n);
    device.spec.fleet = fleet;
    return device;
  }
  void addSecret(const std::string& name, const std::string& key, const std::string& value) {
    secrets_[name][key] = value;
  }

  // What the documents say; apply() makes it so.
  api::FleetSpec& fleetSpec() { return manifests_.fleets.at(kFleetKey).spec; }
  api::DeviceSpec& deviceSpec(int n) { return declared(n).spec; }
  api::BalenaDevice& declared(int n) {
    return manifests_.devices.at({"default", "gate-" + std::to_string(n)});
  }
  void declare(int n, const std::string& fleet = kFleetKey.name) {
    const auto device = deviceOf(n, fleet);
    manifests_.devices[device.meta.key] = device;
  }
  void apply() {
    api::Manifests copy;
    copy.registries = manifests_.registries;
    copy.fleets = manifests_.fleets;
    copy.devices = manifests_.devices;
    for (const auto& [name, values] : secrets_) {
      api::Secret& secret = copy.secrets[{"default", name}];
      for (const auto& [key, value] : values) secret.values[key] = SecretBytes(value);
    }
    store_.apply(std::move(copy));
  }

  // A device in balena and its document.
  void addDevice(int n) {
    balena().addDevice(uuidOf(n), kFleetId);
    declare(n);
  }

  std::optional<Duration> sweep(const api::ObjectKey& fleet = kFleetKey) {
    return fleetSync_.sync(fleet, {});
  }
  // The UUIDs that wait for a worker now; they wait no longer.
  std::vector<std::string> takeQueued() {
    std::vector<std::string> uuids;
    while (queue_.depth() > 0) {
      uuids.push_back(*queue_.take({}));
      queue_.done(uuids.back());
    }
    return uuids;
  }
  std::optional<Duration> reconcile(int n) { return reconciler_.reconcile(uuidOf(n)); }
  // Reconciles until nothing is to be done for half an hour.
  void converge(int n) {
    for (int pass = 0; pass < 30; ++pass) {
      const auto next = reconcile(n);
      if (!next || *next > std::chrono::minutes(30)) return;
      clock_.advance(*next);
    }
    ADD_FAILURE() << "does not converge: " << readyOf(n).reason << ": " << readyOf(n).message;
  }
  // A sweep and a pass over whatever it enqueued, as the engine does.
  void syncAll(const api::ObjectKey& fleet = kFleetKey) {
    sweep(fleet);
    for (const auto& uuid : takeQueued()) {
      for (int pass = 0; pass < 5; ++pass) {
        if (reconciler_.reconcile(uuid) != Duration::zero()) break;
      }
    }
  }

  store::Shared<api::BalenaDevice> object(int n) {
    const auto objects = store_.devicesByUuid(uuidOf(n));
    return objects.empty() ? nullptr : objects.front();
  }
  api::Phase phaseOf(int n) { return object(n)->status.phase; }
  api::Condition readyOf(int n) {
    const auto seen = object(n);
    const auto* ready = findCondition(seen->status.conditions, "Ready");
    return ready == nullptr ? api::Condition{} : *ready;
  }
  store::Shared<api::BalenaFleet> fleet() { return store_.fleets().get(kFleetKey); }
  api::Condition fleetReady() {
    const auto* ready = findCondition(fleet()->status.conditions, "Ready");
    return ready == nullptr ? api::Condition{} : *ready;
  }

  FakeBalena& balena() { return *balena_; }
  FakeRegistry& registry() { return *registry_; }
  FakeBalena::Variables& variables(int n) { return balena().device(uuidOf(n)).variables; }
  int writes() const {
    int count = 0;
    for (const auto& call : balena_->log().calls()) {
      count += call.starts_with("write") || call.starts_with("delete") ? 1 : 0;
    }
    for (const auto& call : registry_->log().calls()) {
      count += call.starts_with("get") || call.starts_with("list") ? 0 : 1;
    }
    return count;
  }
  int requests() const {
    return static_cast<int>(balena_->log().calls().size() + registry_->log().calls().size());
  }
  void forgetCalls() {
    balena().log().forget();
    registry().log().forget();
  }

  // The device's stored key is registered and unexpired, and the rest is as it must be.
  void expectConnected(int n) { expectConnected(n, variables(n)); }
  void expectConnected(int n, const FakeBalena::Variables& held) {
    ASSERT_TRUE(registry().has(idOf(n)));
    ASSERT_TRUE(held.contains("GCP_PRIVATE_KEY"));
    const auto key = crypto::fromVariableValue(SecretBytes(held.at("GCP_PRIVATE_KEY")));
    ASSERT_TRUE(key);
    bool registered = false;
    for (const auto& credential : registry().at(idOf(n)).credentials) {
      registered |= credential.publicKey == key->publicKey().toPem() &&
                    !isExpired(credential.expiresAt, clock_.now(), Duration::zero());
    }
    EXPECT_TRUE(registered) << "the stored key is not registered";
    EXPECT_EQ(held.at("GCP_CLIENT_PATH"),
              "projects/p/locations/us-central1/registries/r/devices/" + idOf(n));
    EXPECT_EQ(held.at("GCP_DATA_TOPIC_ROOT"), "/devices/" + idOf(n));
    EXPECT_EQ(held.at("GCP_PROJECT_ID"), "p");
    EXPECT_EQ(readMark(registry().at(idOf(n)).metadata).state, MarkState::kValid);
  }

  FakeClock clock_;
  FakeRandom random_;
  std::ostringstream logged_;
  telemetry::Logger log_{{telemetry::LogLevel::kDebug, telemetry::LogFormat::kText}, logged_};
  store::MemoryStore store_{clock_, {}};
  FleetViews views_;
  Tally tally_;
  FakeEvents events_;
  Context context_{store_, views_, tally_, clock_, random_, log_, events_, {}};
  std::shared_ptr<FakeBalena> balena_ = std::make_shared<FakeBalena>(clock_);
  std::shared_ptr<FakeRegistry> registry_ = std::make_shared<FakeRegistry>(clock_);
  FakeFactory factory_{balena_, registry_};
  RegistrySources registries_{context_, factory_,
                              shareSecret(SecretBytes(std::string(crypto::kSeedBytes, 'f')))};
  FleetSources fleets_{context_, registries_, factory_};
  WorkQueue queue_{clock_};
  FleetSync fleetSync_{context_, fleets_, registries_, queue_};
  DeviceReconciler reconciler_{context_};

  struct {
    std::map<api::ObjectKey, api::ClearBladeRegistry> registries;
    std::map<api::ObjectKey, api::BalenaFleet> fleets;
    std::map<api::ObjectKey, api::BalenaDevice> devices;
  } manifests_;
  std::map<std::string, std::map<std::string, std::string>> secrets_;
};

}  // namespace bco::test
