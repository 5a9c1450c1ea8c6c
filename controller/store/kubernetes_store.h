// The object store of a cluster: the Kubernetes API, with a cache of everything
// it reads.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "store/device_index.h"
#include "store/kubernetes_collection.h"
#include "store/secret_cache.h"

namespace bco::store {

struct KubernetesScope {
  std::string space;                // a namespace; empty: all
  std::string labelSelector;        // of the objects of all three kinds; empty: all
  std::string deviceSelector = {};  // of devices alone, by their fields; empty: all
  bool readsSecrets = true;         // false: for who calls no cloud
};

// Thread-safe. docs/decisions/0004.
class KubernetesStore final : public ObjectStore {
 public:
  // `client` is for what the leader writes, and all reads; `anybodys` for what somebody outside
  // asks for. All must outlive it.
  KubernetesStore(kube::Client& client, kube::Client& anybodys, KubernetesScope scope,
                  MayWrite mayWrite, Clock& clock, Random& random, telemetry::Logger& log);

  // Keeps the caches up to date until `stop`. Blocks.
  void run(const std::stop_token& stop);
  // All three kinds have been listed completely at least once.
  [[nodiscard]] bool isSynced() const;
  // Waits for that; false when stopped before.
  bool waitUntilSynced(const std::stop_token& stop);
  // How each kind's watch does, by the plural of its name.
  [[nodiscard]] std::vector<std::pair<std::string_view, kube::WatcherHealth>> watches() const;
  // For /livez: none of the watches hangs.
  [[nodiscard]] bool watchesTurn() const;

  [[nodiscard]] Collection<api::ClearBladeRegistry>& registries() override { return registries_; }
  [[nodiscard]] Collection<api::BalenaFleet>& fleets() override { return fleets_; }
  [[nodiscard]] Collection<api::BalenaDevice>& devices() override { return devices_; }
  [[nodiscard]] std::vector<Shared<api::BalenaDevice>> devicesByUuid(
      const std::string& uuid) const override;
  [[nodiscard]] ObjectList<api::BalenaDevice> devicesOfFleet(
      const api::ObjectKey& fleet) const override;
  [[nodiscard]] Result<SecretBytes> secret(const std::string& space,
                                           const api::SecretKeyRef& ref) const override;
  [[nodiscard]] Result<SecretBytes> secretOrCreate(const std::string& space,
                                                   const api::SecretKeyRef& ref,
                                                   const SecretBytes& value) override;
  [[nodiscard]] Status lookAgain(const std::string& uuid) override;
  [[nodiscard]] Status demand(const api::BalenaDevice& seen, const Demand& demand) override;
  [[nodiscard]] Status enrol(api::BalenaDevice device) override;
  void onDeviceTouched(std::function<void(const std::string& uuid)> listener) override;
  void onChange(std::function<void(const Change&)> listener) override;

 private:
  using Listener = std::function<void(const Change&)>;
  using TouchListener = std::function<void(const std::string& uuid)>;

  template <class Object>
  void changed(const Shared<Object>& before, const Shared<Object>& now);
  template <class Object>
  [[nodiscard]] kube::WatcherOptions watcherOf(telemetry::Logger& log) const;
  void notify(const Change& change);
  void touched(const std::string& uuid);
  void watchSecrets();
  void secretChanged(const api::ObjectKey& secret);

  kube::Client& anybodys_;
  const KubernetesScope scope_;
  const MayWrite mayWrite_;
  Clock& clock_;

  mutable std::mutex mutex_;  // guards all below, to secretsMutex_
  std::shared_ptr<const Listener> listener_;
  std::shared_ptr<const TouchListener> touchListener_;
  DeviceIndex index_;

  std::mutex secretsMutex_;  // one at a time decides which Secrets are watched
  SecretCache secrets_;
  KubernetesCollection<api::ClearBladeRegistry> registries_;
  KubernetesCollection<api::BalenaFleet> fleets_;
  KubernetesCollection<api::BalenaDevice> devices_;
  kube::Watcher registryWatcher_;
  kube::Watcher fleetWatcher_;
  kube::Watcher deviceWatcher_;
};

}  // namespace bco::store
