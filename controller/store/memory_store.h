// The object store of standalone mode: memory, filled from files.
#pragma once

#include <filesystem>

#include "api/load.h"
#include "core/clock.h"
#include "store/device_index.h"
#include "store/memory_collection.h"

namespace bco::store {

// Thread-safe.
class MemoryStore final : public ObjectStore {
 public:
  // Secrets that no document holds are read from `secretsDir` at each use; it may be empty.
  MemoryStore(Clock& clock, std::filesystem::path secretsDir);

  // What `manifests` would change of fields that can't be changed: a sentence each.
  [[nodiscard]] api::ProblemTexts immutableChanges(const api::Manifests& manifests) const;

  // Makes the declared objects exactly those of `manifests`: an object whose document has gone is
  // forgotten, which changes nothing in the clouds. Discovered and enrolled devices stay, as does
  // all status, and a state that was demanded of a device until its document says another one than
  // it did then.
  void apply(api::Manifests manifests);
  // Secrets may have changed: whatever uses one is to be looked at again. apply() sees by itself
  // what of that is in the documents.
  void secretsChanged();

  [[nodiscard]] Collection<api::ClearBladeRegistry>& registries() override { return registries_; }
  [[nodiscard]] Collection<api::BalenaFleet>& fleets() override { return fleets_; }
  [[nodiscard]] Collection<api::BalenaDevice>& devices() override { return devices_; }
  [[nodiscard]] std::vector<Shared<api::BalenaDevice>> devicesByUuid(
      const std::string& uuid) const override;
  [[nodiscard]] ObjectList<api::BalenaDevice> devicesOfFleet(
      const api::ObjectKey& fleet) const override;
  [[nodiscard]] Result<SecretBytes> secret(const std::string& space,
                                           const api::SecretKeyRef& ref) const override;
  // Secrets are only read here: kNotFound where there is none.
  [[nodiscard]] Result<SecretBytes> secretOrCreate(const std::string& space,
                                                   const api::SecretKeyRef& ref,
                                                   const SecretBytes& value) override;
  [[nodiscard]] Status demand(const api::BalenaDevice& seen, const Demand& demand) override;
  [[nodiscard]] Status enrol(api::BalenaDevice device) override;
  void onDeviceTouched(std::function<void(const std::string& uuid)> listener) override;
  void onChange(std::function<void(const Change&)> listener) override;

 private:
  using Listener = std::function<void(const Change&)>;
  using TouchListener = std::function<void(const std::string& uuid)>;
  struct Override {
    api::DesiredState documented;  // what its document said
    api::DesiredState demanded;
  };

  template <class Object>
  void notify(const Object& object);
  template <class Object>
  void forgetOthers(MemoryCollection<Object>& collection,
                    const std::map<api::ObjectKey, Object>& wanted);
  void reindex(const api::BalenaDevice& device);
  void touched(const api::BalenaDevice& device);
  // The documented device with what was demanded of it since.
  [[nodiscard]] api::BalenaDevice withDemands(api::BalenaDevice documented);

  const std::filesystem::path secretsDir_;

  mutable std::mutex mutex_;  // guards all below
  std::shared_ptr<const Listener> listener_;
  std::shared_ptr<const TouchListener> touchListener_;
  std::map<api::ObjectKey, api::Secret> secrets_;
  std::map<api::ObjectKey, Override> overrides_;
  DeviceIndex index_;

  MemoryCollection<api::ClearBladeRegistry> registries_;
  MemoryCollection<api::BalenaFleet> fleets_;
  MemoryCollection<api::BalenaDevice> devices_;
};

}  // namespace bco::store
